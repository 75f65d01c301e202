# SPDX-License-Identifier: Apache-2.0
"""Completes images of which some pixels are known: by a run of `potluck sample`, and by a Gaussian for comparison."""

import pathlib
import subprocess

import netCDF4
import numpy as np

import measure

HERE = pathlib.Path(__file__).resolve().parent
DRAWS = 8  # of each image


class Gaussian:
    """With the mean and covariance of images, given the pixels where `known` [28, 28] is true."""

    def __init__(self, images: np.ndarray) -> None:
        rows = images.reshape(-1, 784).astype(np.float64)
        self.mean, self.covariance = rows.mean(axis=0), np.cov(rows, rowvar=False) + 1e-4 * np.eye(784)

    def given(self, known: np.ndarray) -> "Conditional":
        return Conditional(self, known.reshape(784))


class Conditional:
    def __init__(self, law: Gaussian, known: np.ndarray) -> None:
        free, c = ~known, law.covariance
        self.known, self.mean = known, law.mean
        self.slope = np.linalg.solve(c[np.ix_(known, known)], c[np.ix_(known, free)])
        self.root = measure.square_root(c[np.ix_(free, free)] - c[np.ix_(free, known)] @ self.slope)

    def filled(self, image: np.ndarray, free: np.ndarray) -> np.ndarray:
        completed = np.broadcast_to(image.reshape(784), (len(free), 784)).copy()
        completed[:, ~self.known] = free
        return completed.reshape(-1, 28, 28)

    def guess(self, image: np.ndarray) -> np.ndarray:
        """[28, 28]: the image with the mean of the free pixels given the others."""
        row = image.reshape(784)
        free = self.mean[~self.known] + (row[self.known] - self.mean[self.known]) @ self.slope
        return self.filled(image, free[None])[0]

    def draw(self, image: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
        """[count, 28, 28]"""
        row = image.reshape(784)
        mean = self.mean[~self.known] + (row[self.known] - self.mean[self.known]) @ self.slope
        return self.filled(image, mean + random.standard_normal((count, len(mean))) @ self.root)


def command(program: pathlib.Path, file: pathlib.Path, weights: pathlib.Path | None, seed: int,
            folder: pathlib.Path) -> list[object]:
    """Of a run of DRAWS chains without pictures, on one thread."""
    words = [program, "sample", file, "--output", folder, "--overwrite", "--quiet", "--seed", str(seed), "--set",
             f"sample.chains={DRAWS}", "--set", "output.pictures=[]", "--threads", "1"]
    return words + (["--set", f"energies.garment.weights={weights.resolve()}"] if weights else [])


def views(image: np.ndarray, known: np.ndarray) -> list[str]:
    """Words for the command line of a composition with `image`: every known pixel is given.

    A view is a stretch of known pixels of one row. Numbers are written so that float32 reads them back exactly."""
    parts, given = [], []
    for row in range(28):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], known[row], [False]]).astype(int)))
        for first, last in edges.reshape(-1, 2):
            name = f"known_{row}_{first}"
            parts.append(f'{name}: {{of: image, slice: ["{row}:{row + 1}", "{first}:{last}"]}}')
            given.append(f"{name}=[{', '.join(repr(float(value)) for value in image[row, first:last])}]")
    return ["--set", f"views={{{', '.join(parts)}}}", *(word for one in given for word in ("--given", one))]


def run(words: list[object], folder: pathlib.Path) -> np.ndarray:
    """[DRAWS, 28, 28]: the last draw of each chain."""
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    with netCDF4.Dataset(folder / "draws.nc") as draws:
        return np.asarray(draws["posterior"]["image"][:, -1], np.float32)
