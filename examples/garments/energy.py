# SPDX-License-Identifier: Apache-2.0
"""The model conv_energy once more, in PyTorch, from the arrays of its weights file: for looking at it from Python.

With m and s the mean and scale of the data, v = x - m, V = sigma^2 + s^2 (sigma^2 counts a least noise of 10^-3 s too),
c = log(sigma / s) / 4 and h the network's number,

    E(x, sigma, label) = |v|^2 / (2 V) - (s / sigma) h(v / sqrt(V), c, label) + o(c, label)

docs/models/conv_energy.md derives it.
"""

import pathlib

import torch
from safetensors.torch import load_file
from torch.nn import functional


class Energy:
    def __init__(self, weights: pathlib.Path) -> None:
        self.arrays = {name: array.float() for name, array in load_file(weights).items()}
        self.stages = sum(name.endswith("_weight") and name.startswith("stage_") and "modulation" not in name
                          for name in self.arrays)

    @torch.no_grad()
    def __call__(self, images: torch.Tensor, noise: float, labels: torch.Tensor) -> torch.Tensor:
        """E [N] of images [N, 28, 28] with labels [N], -1 for none."""
        a = self.arrays
        scale = a["data_scale"].double()
        square = noise**2 + (1e-3 * scale) ** 2
        v = (images - a["data_mean"]).double()
        c = (square.sqrt() / scale).log() / 4
        features = self.features(c, labels)
        map = (v / (square + scale**2).sqrt()).float().unsqueeze(1)
        for stage in range(self.stages):
            weight = a[f"stage_{stage}_weight"]
            z = functional.conv2d(map, weight, stride=2, padding=weight.shape[-1] // 2)
            map = self.modulated(z, f"stage_{stage}", features)
        hidden = self.modulated(map.flatten(1) @ a["hidden_weight"].T, "hidden", features)
        h = (hidden * a["last_weight"]).double().sum(1)
        offset = (a["label_offset"][labels + 1].double() * c ** torch.arange(4)).sum(1)
        return v.square().sum((1, 2)) / (2 * (square + scale**2)) - scale / square.sqrt() * h + offset

    def features(self, c: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        a = self.arrays
        waves = c.float() * torch.pi / 4 * 2.0 ** torch.arange(4)
        basis = torch.cat([waves.sin(), waves.cos()])
        level = a["level_weight"] @ basis + a["level_bias"]
        hidden = functional.silu(level + a["label_embedding"][labels + 1])
        return functional.silu(hidden @ a["feature_weight"].T + a["feature_bias"])

    def modulated(self, z: torch.Tensor, name: str, features: torch.Tensor) -> torch.Tensor:
        modulation = features @ self.arrays[f"{name}_modulation_weight"].T + self.arrays[f"{name}_modulation_bias"]
        scale, shift = modulation.reshape(*modulation.shape, *[1] * (z.dim() - 2)).chunk(2, dim=1)
        return functional.silu(z * (1 + scale) + shift)
