# SPDX-License-Identifier: Apache-2.0
"""Draws of README's plugin have the moments of its density.

    python ring_test.py --program PROGRAM --plugin FILE --composition ring.yaml --scratch FOLDER

In two dimensions the radius r has the density r exp(-k (r - R)^2 / 2), and each coordinate the mean 0 and the variance
E[r^2]/2, here by quadrature. Six standard errors, which the summary gives.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

import numpy as np


def standard_deviation(radius: float, stiffness: float) -> float:
    r = np.linspace(0, radius + 12 / np.sqrt(stiffness), 100_001)
    density = r * np.exp(-stiffness * (r - radius) ** 2 / 2)
    return float(np.sqrt((density * r**2).sum() / density.sum() / 2))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "plugin", "composition", "scratch"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    run = arguments.scratch / "run"
    environment = os.environ | {"XDG_CACHE_HOME": str(arguments.scratch), "XDG_DATA_HOME": str(arguments.scratch)}
    subprocess.run([arguments.program, "sample", arguments.composition, "--plugin", arguments.plugin, "--output", run,
                    "--overwrite"], env=environment, check=True)
    scalars = json.loads((run / "summary.json").read_text())["variables"][0]["scalars"]

    wrong = []
    expected, other = standard_deviation(1, 10), standard_deviation(1.05, 10)
    for scalar in scalars:
        print(f"{scalar['name']}: mean {scalar['mean']:.4f} +- {scalar['mcse_mean']:.4f}, "
              f"sd {scalar['sd']:.4f} +- {scalar['mcse_sd']:.4f}, expected 0 and {expected:.4f}")
        if abs(scalar["mean"]) > 6 * scalar["mcse_mean"]:
            wrong.append(f"{scalar['name']}: mean must be 0, got {scalar['mean']}")
        if abs(scalar["sd"] - expected) > 6 * scalar["mcse_sd"]:
            wrong.append(f"{scalar['name']}: standard deviation must be {expected}, got {scalar['sd']}")
        # The broken twin: a ring that is a twentieth larger is told apart.
        if abs(scalar["sd"] - other) <= 6 * scalar["mcse_sd"]:
            wrong.append(f"{scalar['name']}: standard deviation {scalar['sd']} must not pass for {other}")
    print("\n".join(wrong))
    return 1 if wrong or len(scalars) != 2 else 0


if __name__ == "__main__":
    sys.exit(main())
