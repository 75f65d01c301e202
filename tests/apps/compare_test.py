# SPDX-License-Identifier: Apache-2.0
"""`potluck compare` on rows whose measures numpy knows, in the formats of training data, and on features of networks.

    python compare_test.py --program build/bin/potluck
"""

import argparse
import gzip
import importlib.util
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

import numpy as np
from safetensors.numpy import save_file

PROGRAM = pathlib.Path()
HAS_PYTORCH = importlib.util.find_spec("torch") is not None


def distances(a, b):
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))


def differences(f, x, y):
    """Mean of f of distances within x and within y, minus twice that across."""
    n, m = len(x), len(y)
    within = [f(distances(z, z))[~np.eye(len(z), dtype=bool)].mean() for z in (x, y)]
    return sum(within) - 2 * f(distances(x, y)).mean()


def squared_frechet(x, y):
    a, b = np.cov(x.T), np.cov(y.T)
    cross = np.sqrt(np.maximum(np.linalg.eigvals(a @ b).real, 0)).sum()
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * cross


def grey_png(image):
    """A PNG of 8-bit grey pixels [height, width]."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = image.shape
    lines = b"".join(b"\0" + line.tobytes() for line in image)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


class CompareTest(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        random = np.random.default_rng(1)
        self.x = random.normal(size=(90, 3))
        self.y = random.normal(size=(70, 3)) * [1, 1.3, 1] + [0.4, 0, 0]
        np.save(self.folder / "x.npy", self.x)
        np.save(self.folder / "y.npy", self.y)

    def run_program(self, *words):
        return subprocess.run([PROGRAM, "compare", *words], cwd=self.folder, capture_output=True, text=True)

    def compare(self, *words):
        done = self.run_program(*words, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        return {one["name"]: one["value"] for one in found["measures"]}, found

    def test_values_are_those_of_numpy(self):
        found, _ = self.compare("x.npy", "y.npy")
        both = distances(np.concatenate([self.x, self.y]), np.concatenate([self.x, self.y]))
        apart = np.sort(both[np.triu_indices(len(both), 1)])
        median = apart[len(apart) // 2]

        def kernel(r):
            return sum(np.exp(-r**2 / (2 * (s * median) ** 2)) for s in (0.5, 1, 2))

        # Distances are kept in float32, to 6e-8 of themselves.
        self.assertAlmostEqual(found["mmd_squared"], differences(kernel, self.x, self.y), delta=1e-6)
        self.assertAlmostEqual(found["energy_distance"], differences(np.negative, self.x, self.y), delta=1e-6)
        self.assertAlmostEqual(found["frechet_squared"], squared_frechet(self.x, self.y), delta=1e-9)
        # The broken twin: means that count a row's distance to itself.
        biased = [distances(a, b).mean() for a, b in ((self.x, self.y), (self.x, self.x), (self.y, self.y))]
        self.assertGreater(abs(found["energy_distance"] - (2 * biased[0] - biased[1] - biased[2])), 1e-2)

    def test_the_sliced_distance_in_one_dimension_is_that_of_sorted_numbers(self):
        np.save(self.folder / "a.npy", self.x[:60, 0])
        np.save(self.folder / "b.npy", self.y[:60, 0])
        found, _ = self.compare("a.npy", "b.npy", "--directions", "3")
        expected = ((np.sort(self.x[:60, 0]) - np.sort(self.y[:60, 0])) ** 2).mean()
        self.assertAlmostEqual(found["sliced_wasserstein_squared"], expected, delta=1e-12)

    def test_rows_come_from_every_format(self):
        pixels = np.random.default_rng(2).integers(0, 256, (40, 6, 6), dtype=np.uint8)
        np.save(self.folder / "pixels.npy", pixels / 255)
        np.save(self.folder / "other.npy", np.random.default_rng(3).uniform(size=(40, 36)))
        idx = struct.pack(">4B3i", 0, 0, 8, 3, *pixels.shape) + pixels.tobytes()
        (self.folder / "pixels.idx.gz").write_bytes(gzip.compress(idx))
        save_file({"a": pixels / 255, "b": np.zeros(3)}, self.folder / "two.safetensors")
        np.savetxt(self.folder / "pixels.csv", pixels.reshape(40, 36), fmt="%d", delimiter=",")
        (self.folder / "images").mkdir()
        for i, image in enumerate(pixels):
            (self.folder / "images" / f"{i:03d}.png").write_bytes(grey_png(image))
        expected, whole = self.compare("pixels.npy", "other.npy")
        self.assertEqual(whole["row_shape"], [6, 6])
        for source in ("{file: pixels.idx.gz, scale: 1/255}", "{file: two.safetensors, array: a}",
                       "{file: pixels.csv, scale: 1/255}", "{file: images, scale: 1/255}"):
            found, _ = self.compare(source, "other.npy")
            for name, value in expected.items():
                self.assertAlmostEqual(found[name], value, delta=1e-9, msg=f"{name} of {source}")
        # Two arrays of one file are not the same rows.
        save_file({"a": self.x, "b": self.y}, self.folder / "xy.safetensors")
        found, _ = self.compare("{file: xy.safetensors, array: a}", "{file: xy.safetensors, array: b}")
        self.assertAlmostEqual(found["energy_distance"], self.compare("x.npy", "y.npy")[0]["energy_distance"])

    def save_network(self, name, body):
        import torch
        source = self.folder / f"{name}.py"
        source.write_text("import torch\nclass Network(torch.nn.Module):\n    def forward(self, x):\n        " + body + "\n")
        spec = importlib.util.spec_from_file_location(name, source)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        torch.jit.script(module.Network()).save(str(self.folder / f"{name}.pt"))

    @unittest.skipUnless(HAS_PYTORCH, "needs PyTorch, which writes the networks")
    def test_features_of_a_network(self):
        self.save_network("good", "return torch.stack([x.sum(1), 2 * x[:, 0] * x[:, 1]], 1)")
        found, _ = self.compare("x.npy", "y.npy", "--features", "good.pt")

        def features(x):
            x = x.astype(np.float32)
            return np.stack([x.sum(1), 2 * x[:, 0] * x[:, 1]], 1)

        self.assertAlmostEqual(found["frechet_squared_of_features"], squared_frechet(features(self.x), features(self.y)),
                               delta=1e-5)
        self.assertGreater(found["frechet_squared_of_features_floor"], 0)
        # The other measures are those of the rows.
        self.assertEqual(found["mmd_squared"], self.compare("x.npy", "y.npy")[0]["mmd_squared"])

    @unittest.skipUnless(HAS_PYTORCH, "needs PyTorch, which writes the networks")
    def test_networks_that_give_something_else_are_refused(self):
        def refused(name):
            done = self.run_program("x.npy", "y.npy", "--features", name)
            self.assertEqual(done.returncode, 2, done.stderr)
            return done.stderr

        self.save_network("line", "return x.sum(1)")
        self.assertIn("features: line.pt must give an array [64, features] of 64 rows, got [64]. Flatten what it gives, "
                      "one row of features for each row", refused("line.pt"))
        self.save_network("fewer", "return x[1:]")
        self.assertIn("features: fewer.pt must give an array [64, features] of 64 rows, got [63, 3].", refused("fewer.pt"))
        self.save_network("nan", "return x / (x - x)")
        self.assertIn("features: nan.pt must give finite numbers, got ", refused("nan.pt"))
        self.save_network("pair", "return (x, x)")
        self.assertIn("features: pair.pt must take rows [64, 3], got one that fails: it gives Tuple in place of a tensor.",
                      refused("pair.pt"))
        self.save_network("image", "return x.flatten(1) @ torch.zeros(5, 2)")
        self.assertIn("features: image.pt must take rows [64, 3], got one that fails: ", refused("image.pt"))
        (self.folder / "text.pt").write_text("no network")
        self.assertIn("features must be a network in TorchScript, got 'text.pt', which cannot be read: ", refused("text.pt"))
        self.assertIn("features must be a network in TorchScript, got 'none.pt', which cannot be read: ", refused("none.pt"))


def main():
    global PROGRAM
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=pathlib.Path, required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = arguments.program.resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
