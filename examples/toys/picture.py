# SPDX-License-Identifier: Apache-2.0
"""Draws what compare.py left in a folder: data, Potluck's learned energy, and everybody's draws; a row for each law.

  picture.py POTLUCK OUT.png [--seed 1] [--runs FOLDER] [--laws moons ...]
"""

import argparse
import pathlib
import subprocess
import tempfile

import matplotlib
import numpy as np

from data import HERE, LAWS

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

REACH, POINTS = 3.0, 150
PROGRAMS = ("potluck", "torchebm", "ebmkit")


def energies(potluck, law, seed, runs):
    """Of `potluck evaluate` on a grid, rows from the bottom to the top."""
    axis = np.linspace(-REACH, REACH, POINTS)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/grid.npy", grid.astype(np.float32))
        words = [potluck, "evaluate", HERE / f"{law}.yaml", "--at", f"x={folder}/grid.npy", "--quiet"]
        words += ["--set", f"energies.{law}.weights={(runs / f'{law}-{seed}.safetensors').resolve()}"]
        subprocess.run([str(word) for word in [*words, "--output", f"{folder}/energies.npz"]], check=True)
        return np.load(f"{folder}/energies.npz")["energy"].reshape(POINTS, POINTS)


def main():
    parser = argparse.ArgumentParser(description="A picture of what compare.py found")
    parser.add_argument("potluck", type=pathlib.Path, help="the program")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=pathlib.Path, default=HERE / "runs")
    parser.add_argument("--laws", nargs="*", choices=LAWS, default=list(LAWS))
    wanted = parser.parse_args()
    columns = ["held-out data", "energy, Potluck", *PROGRAMS]
    figure, axes = plt.subplots(
        len(wanted.laws), len(columns), figsize=(2.2 * len(columns), 2.2 * len(wanted.laws)), squeeze=False
    )
    for law, row in zip(wanted.laws, axes):
        energy = energies(wanted.potluck.resolve(), law, wanted.seed, wanted.runs)
        row[1].imshow(
            energy, origin="lower", extent=[-REACH, REACH] * 2, vmin=energy.min(), vmax=energy.min() + 12, cmap="magma_r"
        )
        points = {0: HERE / "data" / f"{law}_test.npy"}
        for place, program in enumerate(PROGRAMS, 2):
            points[place] = wanted.runs / f"{law}-{program}-{wanted.seed}.npy"
        for place, file in points.items():
            if file.exists():
                row[place].plot(*np.load(file)[:1000].T, ".", markersize=1.5, color="black", alpha=0.5)
        row[0].set_ylabel(law.replace("_", " "))
    for row in axes:
        for one in row:
            one.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=[], yticks=[], aspect="equal")
    for one, title in zip(axes[0], columns):
        one.set_title(title, fontsize=9)
    figure.tight_layout()
    figure.savefig(wanted.out, dpi=110)


if __name__ == "__main__":
    main()
