# SPDX-License-Identifier: Apache-2.0
"""conv_energy (docs/models/conv_energy.md) as one would write it in PyTorch, with the weights of Potluck's file."""

import json
import math
import pathlib

import numpy as np
import torch
from torch.nn import functional

LEAST_NOISE = 1e-3  # in units of the data's scale


def read_weights(file):
    """name: array, of a safetensors file."""
    data = pathlib.Path(file).read_bytes()
    length = int.from_bytes(data[:8], "little")
    types = {"F32": np.float32, "F64": np.float64}
    arrays = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        numbers = np.frombuffer(data[8 + length + begin : 8 + length + end], types[entry["dtype"]])
        arrays[name] = torch.tensor(numbers.astype(np.float32).reshape(entry["shape"]))
    return arrays


class ConvEnergy(torch.nn.Module):
    """E(x, noise, label) [B]: x [B, 28, 28], noise [B] or a number, label [B] or a number; float32 throughout."""

    def __init__(self, weights):
        super().__init__()
        for name, array in weights.items():
            if name.startswith("data_"):
                self.register_buffer(name, array)
            else:
                self.register_parameter(name, torch.nn.Parameter(array))
        self.stages = sum(name.startswith("stage_") and name.count("_") == 2 for name in weights)

    def modulated(self, z, features, name):
        modulation = functional.linear(
            features, getattr(self, f"{name}_modulation_weight"), getattr(self, f"{name}_modulation_bias")
        )
        scale, shift = modulation.reshape(modulation.shape + (1,) * (z.dim() - 2)).chunk(2, 1)
        return functional.silu(z * (1 + scale) + shift)

    def features(self, c, label):
        waves = c[:, None] * (math.pi / 4 * 2.0 ** torch.arange(4))
        basis = torch.cat([waves.sin(), waves.cos()], 1)
        hidden = functional.linear(basis, self.level_weight, self.level_bias) + self.label_embedding[label + 1]
        return functional.silu(functional.linear(functional.silu(hidden), self.feature_weight, self.feature_bias))

    def forward(self, x, noise, label):
        if not isinstance(noise, torch.Tensor):
            noise = torch.full((len(x),), noise)
        if not isinstance(label, torch.Tensor):
            label = torch.full((len(x),), label)
        s = self.data_scale
        sigma = (noise**2 + (LEAST_NOISE * s) ** 2).sqrt()
        c = (sigma / s).log() / 4
        curvature = 1 / (sigma**2 + s**2)
        v = x - self.data_mean
        features = self.features(c, label)
        z = (v * curvature.sqrt()[:, None, None])[:, None]
        for stage in range(self.stages):
            weight = getattr(self, f"stage_{stage}_weight")
            z = functional.conv2d(z, weight, stride=2, padding=weight.shape[-1] // 2)
            z = self.modulated(z, features, f"stage_{stage}")
        hidden = self.modulated(functional.linear(z.flatten(1), self.hidden_weight), features, "hidden")
        h = hidden @ self.last_weight
        offset = (self.label_offset[label + 1] * c[:, None] ** torch.arange(4)).sum(1)
        return curvature * (v**2).sum((1, 2)) / 2 - s / sigma * h + offset
