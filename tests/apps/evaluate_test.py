# SPDX-License-Identifier: Apache-2.0
"""`potluck evaluate` on rows whose energies numpy knows, in every format of data and of scores.

    python evaluate_test.py --program build/bin/potluck
"""

import argparse
import csv
import gzip
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

import netCDF4
import numpy as np
from safetensors.numpy import save_file

PROGRAM = pathlib.Path()
MEANS = np.array([[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]])
SCENE = """
variables: {image: {shape: [2]}, label: {categories: 3}}
views: {right: {of: image, slice: [1]}}
energies:
  classes: {model: class_gaussian, settings: {mean: [-1, -1, 0, 0, 1, 1], variance: 2}, inputs: {image: image, label: label}}
  wide: {model: gaussian, settings: {variance: 9}, inputs: image}
target: {product: [{energy: classes, weight: 2}, wide]}
given: [{of: label, value: 1}, {of: right, value: 0.25}]
sample: {precision: float64, temperature: 3, chains: 3, anneal: {temperature: {from: 9}, levels: 4}}
"""


def wide(x):
    return (x ** 2).sum(1) / 18


def classes(x, label):
    """Up to a constant that all labels share."""
    return ((x - MEANS[label]) ** 2).sum(1) / 4


class EvaluateTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "scene.yaml").write_text(SCENE)
        random = np.random.default_rng(3)
        self.x = random.normal(size=(9001, 2))  # more than two batches, the last one a part
        self.label = random.integers(0, 3, 9001)
        np.save(self.folder / "x.npy", self.x)
        np.save(self.folder / "label.npy", self.label)

    def evaluate(self, *words, code=0):
        done = subprocess.run([PROGRAM, "evaluate", "scene.yaml", *words], cwd=self.folder, capture_output=True, text=True,
                              env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"})
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr + done.stdout

    def scores(self, *words, name="scores.npz"):
        self.evaluate(*words, "--output", name, "--overwrite")
        return np.load(self.folder / name)

    def constant(self):
        """Of class_gaussian."""
        np.save(self.folder / "zero.npy", np.zeros((1, 2)))
        found = self.scores("--at", "image=zero.npy", "--experts", "--given", "label=1")
        return found["expert_energy"][0, 0]

    def test_energies_experts_and_gradients_are_those_of_the_formulas(self):
        c = self.constant()
        found = self.scores("--at", "image=x.npy", "--at", "label=label.npy", "--experts", "--gradient")
        self.assertEqual(found["energy"].dtype, np.float64)
        self.assertEqual(list(found["expert"]), ["classes", "wide"])
        np.testing.assert_allclose(found["expert_energy"][:, 0], classes(self.x, self.label) + c, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found["expert_energy"][:, 1], wide(self.x), rtol=0, atol=1e-12)
        np.testing.assert_allclose(found["energy"], 2 * (classes(self.x, self.label) + c) + wide(self.x), rtol=0,
                                   atol=1e-12)
        # All of it: what the file gives of a part of the image does not count.
        np.testing.assert_allclose(found["gradient_image"], (self.x - MEANS[self.label]) + self.x / 9, rtol=0, atol=1e-12)
        self.assertNotIn("gradient_label", found)

    def test_what_is_given_and_not_at_points_stands_at_its_value(self):
        c = self.constant()
        found = self.scores("--at", "image=x.npy")
        np.testing.assert_allclose(found["energy"], 2 * (classes(self.x, 1) + c) + wide(self.x), rtol=0, atol=1e-12)
        found = self.scores("--at", "image=x.npy", "--given", "label=2")
        np.testing.assert_allclose(found["energy"], 2 * (classes(self.x, 2) + c) + wide(self.x), rtol=0, atol=1e-12)

    def test_over_labels_energies_make_probabilities_at_the_temperature(self):
        c = self.constant()
        found = self.scores("--at", "image=x.npy", "--over", "label", "--experts")
        energy = np.stack([2 * (classes(self.x, k) + c) + wide(self.x) for k in range(3)], 1)
        np.testing.assert_allclose(found["energy"], energy, rtol=0, atol=1e-12)
        share = np.exp(-energy / 3)
        np.testing.assert_allclose(found["probability"], share / share.sum(1, keepdims=True), rtol=1e-11)
        self.assertEqual(found["expert_energy"].shape, (9001, 3, 2))
        np.testing.assert_allclose(found["expert_energy"][:, 2, 0], classes(self.x, 2) + c, rtol=0, atol=1e-12)

    def test_all_formats_have_the_same_numbers(self):
        words = ["--at", "image=x.npy", "--at", "label=label.npy", "--experts", "--gradient"]
        npz = self.scores(*words)
        self.evaluate(*words, "--output", "scores.nc")
        self.evaluate(*words, "--output", "scores.csv")
        with netCDF4.Dataset(self.folder / "scores.nc") as nc:
            for name in ("energy", "expert_energy", "gradient_image"):
                np.testing.assert_array_equal(np.asarray(nc[name][:]), npz[name])
            self.assertEqual(nc["energy"].dimensions, ("row",))
            self.assertEqual(nc["expert_energy"].dimensions, ("row", "expert"))
            self.assertEqual(nc["gradient_image"].dimensions, ("row", "image_dim_0"))
            self.assertEqual(list(nc["expert"][:]), ["classes", "wide"])
            self.assertEqual(nc.target, "target")
            self.assertIn("class_gaussian", nc.composition_resolved)
        with open(self.folder / "scores.csv", newline="") as file:
            rows = list(csv.reader(file))
        self.assertEqual(rows[0], ["energy", "expert_energy[classes]", "expert_energy[wide]", "gradient_image[0]",
                                   "gradient_image[1]"])
        numbers = np.array(rows[1:], float)
        np.testing.assert_array_equal(numbers[:, 0], npz["energy"])
        np.testing.assert_array_equal(numbers[:, 1:3], npz["expert_energy"])
        np.testing.assert_array_equal(numbers[:, 3:], npz["gradient_image"])
        with zipfile.ZipFile(self.folder / "scores.npz") as archive:
            self.assertIsNone(archive.testzip())

    def test_single_precision_gradients_are_float32(self):
        found = self.scores("--at", "image=x.npy", "--gradient", "--precision", "float32")
        self.assertEqual(found["gradient_image"].dtype, np.float32)
        np.testing.assert_allclose(found["gradient_image"], self.x + self.x / 9, rtol=0, atol=1e-5)

    def test_rows_come_from_every_format(self):
        pixels = np.random.default_rng(4).integers(0, 256, (5000, 2), dtype=np.uint8)
        x = pixels / 255
        np.save(self.folder / "pixels.npy", pixels)
        np.save(self.folder / "fortran.npy", np.asfortranarray(x))
        np.save(self.folder / "half.npy", (pixels / 256).astype(np.float16))
        np.save(self.folder / "big.npy", x.astype(">f8"))
        save_file({"a": np.ones(3), "data": x, "z": np.zeros((2, 2))}, self.folder / "many.safetensors")
        save_file({"data": x.astype(np.float32)}, self.folder / "one.safetensors")
        idx = struct.pack(">4B2i", 0, 0, 8, 2, *pixels.shape) + pixels.tobytes()
        (self.folder / "pixels.idx").write_bytes(idx)
        (self.folder / "pixels.idx.gz").write_bytes(gzip.compress(idx))
        expected = self.scores("--at", "image={file: pixels.npy, scale: 1/255}")["energy"]
        np.testing.assert_allclose(expected - expected[0], 2 * classes(x, 1) + wide(x) - (2 * classes(x, 1) + wide(x))[0],
                                   rtol=0, atol=1e-12)
        for source in ("fortran.npy", "big.npy", "{file: many.safetensors, array: data}", "{file: pixels.idx, scale: 1/255}",
                       "{file: pixels.idx.gz, scale: 1/255}"):
            np.testing.assert_allclose(self.scores("--at", f"image={source}")["energy"], expected, rtol=0, atol=1e-13,
                                       err_msg=source)
        np.testing.assert_allclose(self.scores("--at", "image=one.safetensors")["energy"], expected, rtol=0, atol=1e-6)
        half = self.scores("--at", "image=half.npy")["energy"]
        np.testing.assert_allclose(half - half[0], (2 * classes(x * 255 / 256, 1) + wide(x * 255 / 256)) -
                                   (2 * classes(x * 255 / 256, 1) + wide(x * 255 / 256))[0], rtol=0, atol=1e-3)

    def test_a_target_that_cannot_be_sampled_is_evaluated(self):
        (self.folder / "scene.yaml").write_text("variables: {x: {shape: [2]}}\n"
                                                "target: {not: {energy: {model: quartic, inputs: x}}}\n")
        found = self.scores("--at", "x=x.npy", "--gradient")
        self.assertEqual(found["gradient_x"].shape, (9001, 2))
        self.assertLess(found["energy"].max(), 0.5)

    def test_memory_does_not_grow_with_the_rows(self):
        rows = np.zeros((2_000_000, 2))
        np.save(self.folder / "many.npy", rows)
        small = self.peak("x.npy")
        self.assertLess(self.peak("many.npy"), small + 24_000)  # KB; the file and its scores have 48 MB

    def peak(self, name):
        script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, "
                  "stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        done = subprocess.run([sys.executable, "-c", script, PROGRAM, "evaluate", "scene.yaml", "--at", f"image={name}",
                               "--output", f"{name}.npz"], cwd=self.folder, capture_output=True, text=True, check=True)
        return int(done.stdout)


def main():
    global PROGRAM
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=pathlib.Path, required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = arguments.program.resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
