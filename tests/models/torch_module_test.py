# SPDX-License-Identifier: Apache-2.0
"""`torch_module` hosts what PyTorch exported: with PyTorch's energies and gradients, and with errors that say what is
wrong with a module.

    python torch_module_test.py --program build/bin/potluck --plugin potluck.torch_module.potluck.so
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings
from typing import Optional

import numpy as np
import torch
from safetensors.numpy import save_file

import potluck

torch.set_num_threads(1)
PROGRAM = PLUGIN = pathlib.Path()
warnings.filterwarnings("ignore", category=DeprecationWarning)
warnings.filterwarnings("ignore", category=FutureWarning)


class Critic(torch.nn.Module):
    """Of every input, with a parameter of each kind and a buffer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.SiLU(), torch.nn.Linear(16, 1))
        self.embed = torch.nn.Embedding(3, 6)
        self.register_buffer("centre", torch.full((6,), 0.25))

    def forward(self, x, noise, label, given):
        x = x.flatten(1)
        moved = (x - self.centre) / noise[:, None] + self.embed(label) * given.flatten(1).sum(1, keepdim=True)
        return self.net(moved).squeeze(1) + 0.5 * x.square().sum(1)


class Flexible(torch.nn.Module):
    """The same without any of its conditions."""

    def __init__(self):
        super().__init__()
        self.critic = Critic()

    def forward(self, x, noise: Optional[torch.Tensor] = None, label: Optional[torch.Tensor] = None,
                given: Optional[torch.Tensor] = None):
        ones = torch.ones_like(x[:, 0, 0])
        if noise is None:
            noise = ones
        if label is None:
            label = torch.zeros_like(ones, dtype=torch.long)
        if given is None:
            given = ones[:, None]
        return self.critic(x, noise, label, given)


class Plain(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.net = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Softplus(), torch.nn.Linear(16, 1))

    def forward(self, x):
        return self.net(x).squeeze(1) + 0.5 * x.square().sum(1)


def plain_scene(module="critic.pt", more="", sample=""):
    return (f"variables: {{x: {{shape: [4]}}}}\n"
            f"target: {{model: torch_module, settings: {{module: {module}}}, inputs: {{x: x}}{more}}}\n"
            f"sample: {{{sample}}}\n")


CRITIC_SCENE = """
variables: {x: {shape: [2, 3]}, noise: {}, label: {categories: 3}, given: {shape: [2]}}
target: {model: torch_module, settings: {module: critic.pt}, inputs: {x: x, noise: noise, label: label, given: given}}
sample: {precision: float64}
"""


def energy_and_gradients(module, *inputs):
    inputs = [t.requires_grad_() if t.is_floating_point() else t for t in inputs]
    energy = module(*inputs)
    gradients = torch.autograd.grad(energy.sum(), [t for t in inputs if t.requires_grad])
    return energy.detach().numpy(), [g.numpy() for g in gradients]


class TorchModuleTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def potluck(self, *words, code=0):
        done = subprocess.run([PROGRAM, *words, "--plugin", PLUGIN], cwd=self.folder, capture_output=True, text=True,
                              env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"})
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done.stderr + done.stdout

    def script(self, module, name="critic.pt"):
        torch.jit.script(module.eval()).save(str(self.folder / name))

    def scene(self, text):
        (self.folder / "scene.yaml").write_text(text)

    def scores(self, **rows):
        words = []
        for name, array in rows.items():
            np.save(self.folder / f"{name}.npy", array)
            words += ["--at", f"{name}={name}.npy"]
        self.potluck("evaluate", "scene.yaml", *words, "--gradient", "--output", "scores.npz", "--overwrite")
        return np.load(self.folder / "scores.npz")

    def refusal(self, scene):
        self.scene(scene)
        return self.potluck("check", "scene.yaml", code=2)

    def test_every_input_reaches_the_module_and_has_its_gradient(self):
        self.script(Critic())
        self.scene(CRITIC_SCENE)
        random = np.random.default_rng(1)
        rows = {"x": random.normal(size=(700, 2, 3)), "noise": random.uniform(0.5, 2, 700),
                "label": random.integers(0, 3, 700), "given": random.normal(size=(700, 2))}
        found = self.scores(**rows)
        energy, gradients = energy_and_gradients(Critic().double(), *(torch.from_numpy(r) for r in rows.values()))
        np.testing.assert_allclose(found["energy"], energy, rtol=0, atol=1e-12)
        for name, gradient in zip(("x", "noise", "given"), gradients):
            np.testing.assert_allclose(found[f"gradient_{name}"], gradient, rtol=0, atol=1e-11, err_msg=name)

    def test_single_precision_is_that_of_pytorch(self):
        self.script(Plain())
        self.scene(plain_scene())
        x = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
        found = self.scores(x=x)
        energy, (gradient,) = energy_and_gradients(Plain(), torch.from_numpy(x))
        np.testing.assert_allclose(found["energy"], energy, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found["gradient_x"], gradient, rtol=1e-5, atol=1e-5)

    def test_bits_depend_neither_on_threads_nor_on_how_often_the_module_was_called(self):
        self.script(Plain())
        self.scene(plain_scene())
        np.save(self.folder / "x.npy", np.random.default_rng(1).normal(size=(9000, 4)))
        for threads in ("1", "2"):
            self.potluck("evaluate", "scene.yaml", "--at", "x=x.npy", "--threads", threads, "--output", f"{threads}.npz")
        one, two = (np.load(self.folder / f"{threads}.npz")["energy"] for threads in ("1", "2"))
        np.testing.assert_array_equal(one, two)

    def test_the_conformance_kit_passes_it_with_its_parameters(self):
        self.script(Flexible())
        printed = self.potluck("plugins", "check", PLUGIN, "--allow-world-writable", "--set", "module=critic.pt", "--shape",
                               "x=2x3", "--shape", "given=2", "--categories", "label=3", "--support", "noise=0.5:2")
        self.assertRegex(printed, "passed +parameter gradient")
        self.assertRegex(printed, "passed +optional inputs")

    def test_an_input_that_is_left_out_is_one_that_the_module_goes_without(self):
        self.script(Flexible())
        self.scene(CRITIC_SCENE.replace(", noise: noise", "").replace("noise: {}, ", ""))
        random = np.random.default_rng(1)
        x, label, given = random.normal(size=(9, 2, 3)), random.integers(0, 3, 9), random.normal(size=(9, 2))
        found = self.scores(x=x, label=label, given=given)
        ones = torch.ones(9, dtype=torch.float64)
        energy, _ = energy_and_gradients(Critic().double(), torch.from_numpy(x), ones, torch.from_numpy(label),
                                         torch.from_numpy(given))
        np.testing.assert_allclose(found["energy"], energy, rtol=0, atol=1e-12)

    def test_a_weights_file_takes_the_places_of_the_parameters(self):
        self.script(Plain())
        random = np.random.default_rng(5)
        weights = {name: random.normal(size=p.shape).astype(np.float32) for name, p in Plain().named_parameters()}
        save_file(weights, self.folder / "weights.safetensors")
        self.scene(plain_scene(more=", weights: weights.safetensors", sample="precision: float64"))
        x = random.normal(size=(50, 4))
        module = Plain()
        module.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
        energy, _ = energy_and_gradients(module.double(), torch.from_numpy(x))
        np.testing.assert_allclose(self.scores(x=x)["energy"], energy, rtol=0, atol=1e-12)
        save_file(weights | {"net.0.bias": np.zeros(3, np.float32)}, self.folder / "weights.safetensors")
        self.assertIn("weights 'net.0.bias' must have the shape of the module's [16], got [3]",
                      self.refusal(plain_scene(more=", weights: weights.safetensors")))
        save_file({"net.0.bias": weights["net.0.bias"]}, self.folder / "weights.safetensors")
        self.assertIn("weights must have an array 'net.0.weight', got 'net.0.bias'",
                      self.refusal(plain_scene(more=", weights: weights.safetensors")))

    def test_a_lower_bound_that_the_user_knows_makes_products_integrable(self):
        self.script(Plain())
        scene = ("variables: {{x: {{shape: [4]}}}}\n"
                 "target: {{product: [{{model: torch_module, settings: {{module: critic.pt{}}}, inputs: {{x: x}}}}, "
                 "{{model: gaussian, inputs: x}}]}}\n")
        self.assertIn("integrable", self.refusal(scene.format("")))
        self.scene(scene.format(", least_energy: -10"))
        self.potluck("check", "scene.yaml")

    def test_files_that_are_no_modules_are_refused_at_their_place(self):
        where = "scene.yaml:2:50: "
        self.assertIn(where, self.refusal(plain_scene("nothing.pt")))
        self.assertIn("nothing.pt", self.refusal(plain_scene("nothing.pt")))
        torch.save(Plain().state_dict(), self.folder / "state.pt")
        text = self.refusal(plain_scene("state.pt"))
        self.assertIn(where, text)
        self.assertIn("setting 'module' must be a TorchScript module, as potluck.export() and torch.jit.save() write it, "
                      "got a file that LibTorch does not take for one ('", text)
        (self.folder / "text.pt").write_text("energy")
        self.assertIn("A state_dict is no module: export the module that has it", self.refusal(plain_scene("text.pt")))
        (self.folder / "text.pt2").write_text("energy")
        self.assertIn("setting 'module' must be a package of AOTInductor, as potluck.export() writes it, got one that "
                      "LibTorch does not load ('", self.refusal(plain_scene("text.pt2")))

    def test_modules_that_are_no_energies_are_refused(self):
        class Broken(torch.nn.Module):
            def __init__(self, how: int):
                super().__init__()
                self.how = how

            def forward(self, x):
                energy = x.square().sum(1)
                if self.how == 0:
                    return x.square()
                if self.how == 1:
                    return energy.sum()
                if self.how == 2:
                    return energy.detach()
                if self.how == 3:
                    return energy - energy.mean()
                if self.how == 4:
                    return (x @ x).sum(1)
                return energy.long()

        class Pair(torch.nn.Module):
            def forward(self, x):
                return x.sum(1), x

        expected = ["must return an energy for each row, [3] for x [3, 4], got [3, 4]. Sum over all axes but the first",
                    "must return an energy for each row, [3] for x [3, 4], got []",
                    "must have a gradient in x, got an energy that autograd does not trace to x. Leave out torch.no_grad()",
                    "must give each row an energy of its own, got ", "must take x [3, 4], got 'mat1 and mat2 shapes",
                    "must return floating-point energies, got "]
        for how, text in enumerate(expected):
            self.script(Broken(how))
            refusal = self.refusal(plain_scene())
            self.assertIn("scene.yaml:2:50: ", refusal)
            self.assertIn("setting 'module' " + text, refusal)
        self.script(Pair())
        self.assertIn("the module must return one tensor, got Tuple", self.refusal(plain_scene()))
        self.script(Critic())
        self.assertIn("must take x [3, 4], got 'forward() is missing value for argument", self.refusal(plain_scene()))

    def test_a_package_has_the_energies_and_gradients_of_its_module(self):
        random = np.random.default_rng(1)
        x, label = random.normal(size=(16, 2, 3)).astype(np.float32), random.integers(0, 3, 16)

        class Labelled(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.critic = Critic()

            def forward(self, x, label):
                ones = torch.ones_like(x[:, 0, 0])
                return self.critic(x, ones, label, ones[:, None])

        potluck.export(Labelled(), {"x": torch.from_numpy(x), "label": torch.from_numpy(label)}, self.folder / "critic.pt2")
        scene = ("variables: {x: {shape: [2, 3]}, label: {categories: 3}}\n"
                 "target: {model: torch_module, settings: {module: critic.pt2}, inputs: {x: x, label: label}}\n"
                 "given: [{of: label, value: 1}]\n")
        self.scene(scene)
        rows = {"x": random.normal(size=(531, 2, 3)).astype(np.float32), "label": random.integers(0, 3, 531)}
        found = self.scores(**rows)
        energy, (gradient,) = energy_and_gradients(Labelled(), *(torch.from_numpy(r) for r in rows.values()))
        np.testing.assert_allclose(found["energy"], energy, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found["gradient_x"], gradient, rtol=1e-5, atol=1e-5)
        # Weighted, and added to what another expert left.
        self.scene(scene.replace("target: {", "energies: {critic: {").replace("label: label}}", "label: label}}, wide: "
                                 "{model: gaussian, inputs: x}}\ntarget: {product: [wide, {energy: critic, weight: 0.5}]}"))
        both = self.scores(x=rows["x"][:5], label=rows["label"][:5])
        np.testing.assert_allclose(both["energy"], energy[:5] / 2 + (rows["x"][:5] ** 2).sum((1, 2)) / 2, rtol=1e-5)
        np.testing.assert_allclose(both["gradient_x"], gradient[:5] / 2 + rows["x"][:5], rtol=1e-5, atol=1e-5)
        self.assertIn("setting 'module' must be a package for float64, got one for float32. Set sample.precision: float32",
                      self.refusal(scene + "sample: {precision: float64}\n"))
        self.assertIn("setting 'module' must be a package for x, got one for x,label. Bind the inputs",
                      self.refusal(scene.replace(", label: label}}", "}}").replace(", label: {categories: 3}", "")
                                   .replace("given: [{of: label, value: 1}]\n", "")))
        self.assertIn("must return the energy and a gradient for each continuous input, got [16, 2, 3] in place of [16, 2, 2]",
                      self.refusal(scene.replace("shape: [2, 3]", "shape: [2, 2]")))


def main():
    global PROGRAM, PLUGIN
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--plugin", type=pathlib.Path, required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM, PLUGIN = arguments.program.resolve(), arguments.plugin.resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
