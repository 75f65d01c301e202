# SPDX-License-Identifier: Apache-2.0
"""potluck.export(): a network that is trained here in PyTorch is composed and sampled by Potluck, with PyTorch's energies.

    python export_test.py --program build/bin/potluck
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

import netCDF4
import numpy as np
import torch

import potluck

torch.set_num_threads(1)
PROGRAM = pathlib.Path()
SOURCES = pathlib.Path(__file__).resolve().parents[2] / "python"


def ring(count, generator):
    angle = 2 * torch.pi * torch.rand(count, generator=generator)
    return torch.stack([angle.cos(), angle.sin()], 1) + 0.1 * torch.randn(count, 2, generator=generator)


def trained():
    """A network that tells a ring from a normal law: its logit is the energy of the one relative to the other."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.SiLU(), torch.nn.Linear(32, 1), torch.nn.Flatten(0))
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(300):
        data, noise = ring(256, generator), 1.5 * torch.randn(256, 2, generator=generator)
        loss = torch.nn.functional.softplus(net(data)).mean() + torch.nn.functional.softplus(-net(noise)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net


class ExportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def potluck(self, *words):
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, text=True,
                              env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"})
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)

    def refusal(self, *arguments):
        with self.assertRaises(potluck.ExportError) as caught:
            potluck.export(*arguments)
        self.assertEqual(list(self.folder.iterdir()), [])
        return str(caught.exception)

    def test_a_trained_network_is_sampled_with_pytorchs_energies(self):
        net = trained()
        generator = torch.Generator().manual_seed(1)
        lines = potluck.export(net, ring(8, generator), self.folder / "ring.pt")
        self.assertEqual(lines, "variables:\n  x: {shape: [2]}\nenergies:\n  ring: {model: torch_module, settings: "
                                f"{{module: {self.folder / 'ring.pt'}}}, inputs: {{x: x}}}}\n")
        # Half of the point is given.
        (self.folder / "scene.yaml").write_text(
            lines + "  wide: {model: gaussian, settings: {variance: 2.25}, inputs: x}\n"
            "views: {first: {of: x, slice: [0]}}\n"
            "target: {product: [ring, wide]}\n"
            "integrable: true\n"
            "given: [{of: first, value: 0.6}]\n"
            "sample: {method: mala, chains: 64, warmup: 200, steps: 200, seed: 4}\n")
        self.potluck("sample", "scene.yaml", "--output", "run", "--quiet")
        with netCDF4.Dataset(self.folder / "run" / "draws.nc") as draws:
            chains = np.asarray(draws["posterior"]["x"][:], np.float32)
            x = chains.reshape(-1, 2)
            experts = np.asarray(draws["sample_stats"]["expert_energy"][:]).reshape(-1, 2)
            names = list(draws["sample_stats"]["expert"][:])
        self.assertTrue((x[:, 0] == np.float32(0.6)).all())
        with torch.no_grad():
            expected = net(torch.from_numpy(x)).numpy()
        np.testing.assert_allclose(experts[:, names.index("ring")], expected, rtol=1e-4, atol=1e-4)
        # The mean of |x[1]| by quadrature with PyTorch's energies; standard error of 64 independent chains.
        y = torch.linspace(-6, 6, 6001)
        grid = torch.stack([torch.full_like(y, 0.6), y], 1)
        with torch.no_grad():
            share = torch.softmax(-net(grid) - grid.square().sum(1) / 4.5, 0)
        means = np.abs(chains[:, :, 1]).mean(1)
        self.assertLess(abs(means.mean() - (share * y.abs()).sum().item()), 6 * means.std(ddof=1) / 8)
        self.assertLess(means.std(ddof=1) / 8, 0.02)

    def test_inputs_are_told_apart_or_named(self):
        class Conditional(torch.nn.Module):
            def forward(self, x, noise, label, given):
                return (x.flatten(1).sum(1) * noise - label - given.sum(1)).square()

        rows = (torch.randn(4, 2, 2, dtype=torch.float64), torch.rand(4).double() + 1, torch.randint(0, 3, (4,)),
                torch.randn(4, 5).double())
        lines = potluck.export(Conditional(), rows, self.folder / "a.pt")
        self.assertIn("  x: {shape: [2, 2]}\n  noise: {}\n  label: {categories: K}", lines)
        self.assertIn("  given: {shape: [5]}\n", lines)
        self.assertIn("inputs: {x: x, noise: noise, label: label, given: given}", lines)
        self.assertIn("sample: {precision: float64}", lines)
        named = dict(zip(("x", "noise", "label", "given"), rows))
        self.assertEqual(potluck.export(Conditional(), named, self.folder / "a.pt"), lines)

    def test_a_module_whose_code_torchscript_does_not_know_is_traced(self):
        class Dynamic(torch.nn.Module):
            def forward(self, x):
                return sum((x * k).square().sum(1) for k in (lambda: (1, 2))())

        potluck.export(Dynamic(), torch.randn(4, 3), self.folder / "a.pt")
        x = torch.randn(7, 3)
        torch.testing.assert_close(torch.jit.load(str(self.folder / "a.pt"))(x), 5 * x.square().sum(1))

    def test_the_module_itself_stays_as_it_is(self):
        net = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Dropout(), torch.nn.Flatten(0))
        before = {name: p.clone() for name, p in net.named_parameters()}
        potluck.export(net, torch.randn(4, 2), self.folder / "a.pt")
        self.assertTrue(net.training)
        for name, p in net.named_parameters():
            self.assertTrue(p.requires_grad)
            torch.testing.assert_close(p, before[name])

    def test_what_cannot_be_hosted_is_refused_and_leaves_no_file(self):
        x = torch.randn(4, 3)

        class Of(torch.nn.Module):
            def __init__(self, energy):
                super().__init__()
                self.energy = energy

            def forward(self, *inputs):
                return self.energy(*inputs)

        square = Of(lambda x: x.square().sum(1))
        file = self.folder / "a.pt"
        self.assertIn("path must end in .pt or .pt2", self.refusal(square, x, self.folder / "a.onnx"))
        self.assertIn("an energy for each row, [4], got [4, 3]", self.refusal(Of(lambda x: x.square()), x, file))
        self.assertIn("does not trace to x", self.refusal(Of(lambda x: x.detach().sum(1)), x, file))
        self.assertIn("in the order x, label, got label, x",
                      self.refusal(square, {"label": torch.zeros(4, dtype=torch.long), "x": x}, file))
        self.assertIn("two that look alike", self.refusal(square, (x, x, x), file))
        self.assertIn("must be x and any of", self.refusal(square, {"x": x, "y": x}, file))
        self.assertIn("as many rows", self.refusal(square, (x, torch.zeros(3, dtype=torch.long)), file))
        self.assertIn("x must be float32 or float64, got torch.float16", self.refusal(square, x.half(), file))
        # A trace holds the example's number of rows, and its branch, fast.
        self.assertIn("the file must take 1 rows, got '",
                      self.refusal(Of(lambda x: x.reshape(4, -1).square().sum(1) if len(x) == 4 else x.square().sum(1)), x,
                                   file))
        self.assertIn("the file must have the module's energy at 4 rows within",
                      self.refusal(Of(lambda x: x.square().sum(1) + torch.rand(())), x, file))

    def test_its_project_file_makes_a_package_of_the_sources(self):
        shutil.copytree(SOURCES, self.folder / "python", ignore=shutil.ignore_patterns("*.egg-info", "build"))
        script = "from setuptools.build_meta import build_sdist; build_sdist('..')"
        done = subprocess.run([sys.executable, "-c", script], cwd=self.folder / "python", capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        (archive,) = self.folder.glob("potluck-*.tar.gz")
        with tarfile.open(archive) as files:
            names = {name.partition("/")[2] for name in files.getnames()}
        self.assertTrue({"pyproject.toml", "potluck/__init__.py", "potluck/export.py"} <= names, names)


def main():
    global PROGRAM
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=pathlib.Path, required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = arguments.program.resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
