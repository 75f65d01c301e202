# SPDX-License-Identifier: Apache-2.0
"""Measures images of garments: how far their law is from that of the test images, and whether they show what was asked.

    python measure.py runs/conditional-*          runs of `potluck sample`, pooled; or arrays [N, 28, 28] in npy files
    python measure.py --calibrate                 the same of training images, of a Gaussian, and of uniform noise
    python measure.py --weights garments.safetensors       whether the energy tells training images from test images

distance     squared Frechet distance between the normal laws with the mean and covariance of the classifier's 64
             features, of the images and of the 10 000 test images (Heusel et al. 2017, with our classifier for
             theirs). It falls with the number of images; compare equal numbers. Each chain gives its last draw, and of
             longer arrays the first 1000 images count.
as asked     share of the images that the classifier sees as the label that the run was given
shares       share of each class, as the classifier sees it
AUROC        probability that a test image has a higher energy than a training image, both with the same noise: 0.5 if
             nothing is learned by heart
"""

import argparse
import pathlib

import netCDF4
import numpy as np
import torch

import classifier
from energy import Energy

COUNT = 1000


def read_run(folder: pathlib.Path) -> tuple[np.ndarray, int | None]:
    """The last draw of each chain [chains, 28, 28], and the label that was given."""
    with netCDF4.Dataset(folder / "draws.nc") as draws:
        images = np.asarray(draws["posterior"]["image"][:, -1], np.float32)
        given = draws.groups.get("observed_data")
        label = int(given["label"][...]) if given is not None and "label" in given.variables else None
    return images, label


def read(paths: list[pathlib.Path]) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of all runs and arrays, and the label that each was asked to show, -1 where none was."""
    images, labels = [], []
    for path in paths:
        if path.is_file():
            found, label = np.load(path).astype(np.float32).reshape(-1, 28, 28), None
        else:
            found, label = read_run(path)
        images.append(found)
        labels.append(np.full(len(found), -1 if label is None else label))
    return torch.from_numpy(np.concatenate(images)), torch.from_numpy(np.concatenate(labels))


class Judge:
    def __init__(self, folder: pathlib.Path) -> None:
        self.classifier = classifier.load()
        images, _ = classifier.read_images(folder, "t10k")
        features = self.features(images)
        self.mean, self.covariance = features.mean(axis=0), np.cov(features, rowvar=False)
        self.root = square_root(self.covariance)

    def features(self, images: torch.Tensor) -> np.ndarray:
        return classifier.in_pieces(self.classifier.features, images).double().numpy()

    def distance(self, images: torch.Tensor) -> float:
        return self.distance_of(self.features(images))

    def distance_of(self, features: np.ndarray) -> float:
        """|m - m'|^2 + tr(C + C' - 2 (C^1/2 C' C^1/2)^1/2)"""
        mean, covariance = features.mean(axis=0), np.cov(features, rowvar=False)
        cross = np.sqrt(np.maximum(np.linalg.eigvalsh(self.root @ covariance @ self.root), 0)).sum()
        return float(((mean - self.mean) ** 2).sum() + np.trace(covariance + self.covariance) - 2 * cross)

    def standard_error(self, images: torch.Tensor, times: int = 100) -> float:
        """Of the distance, by the bootstrap over images: how much it would differ with other images of the same law."""
        features, random = self.features(images), np.random.default_rng(1)
        return float(np.std([self.distance_of(features[random.integers(len(features), size=len(features))])
                             for _ in range(times)], ddof=1))

    def seen(self, images: torch.Tensor) -> torch.Tensor:
        return classifier.in_pieces(self.classifier, images).argmax(1)

    def report(self, name: str, images: torch.Tensor, asked: torch.Tensor | None = None) -> None:
        seen = self.seen(images)
        counts = torch.bincount(seen, minlength=len(classifier.CLASSES)) / len(seen)
        line = f"{name}: {len(images)} images, distance {self.distance(images):.1f}"
        if asked is not None and (asked >= 0).any():
            line += f", as asked {(seen == asked)[asked >= 0].float().mean():.3f}"
            each = [(seen == asked)[asked == label].float().mean() for label in range(10) if (asked == label).any()]
            line += " (" + " ".join(f"{share:.2f}" for share in each) + ")"
        print(line + ", shares " + " ".join(f"{share:.2f}" for share in counts), flush=True)


def square_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def gaussian_draws(images: np.ndarray, count: int, random: np.random.Generator) -> torch.Tensor:
    """Draws [count, 28, 28] of the normal law with the mean and full covariance of the images."""
    rows = images.reshape(-1, 784).astype(np.float64)
    draws = rows.mean(axis=0) + random.standard_normal((count, 784)) @ square_root(np.cov(rows, rowvar=False))
    return torch.from_numpy(draws.astype(np.float32)).reshape(-1, 28, 28)


def calibrate(judge: Judge, folder: pathlib.Path) -> None:
    images, labels = classifier.read_images(folder, "train")
    judge.report("training images", images[:COUNT], labels[:COUNT])
    random = np.random.default_rng(1)
    judge.report("Gaussian with the covariance of the training images", gaussian_draws(images.numpy(), COUNT, random))
    judge.report("uniform noise", torch.from_numpy(random.random((COUNT, 28, 28), np.float32)))


def overfitting(weights: pathlib.Path, folder: pathlib.Path, noise: float, count: int = 10_000) -> float:
    """P(E(test image) > E(training image)), with their labels and noise of one level."""
    energy = Energy(weights)
    generator = torch.Generator().manual_seed(1)
    energies = []
    for part in ("train", "t10k"):
        images, labels = (rows[:count] for rows in classifier.read_images(folder, part))
        noisy = images + noise * torch.randn(images.shape, generator=generator)
        energies.append(np.concatenate([energy(noisy[first : first + 500], noise, labels[first : first + 500]).numpy()
                                        for first in range(0, len(noisy), 500)]))
    ranks = np.empty(2 * count)
    ranks[np.argsort(np.concatenate(energies))] = np.arange(2 * count)
    return float((ranks[count:].mean() - (count - 1) / 2) / count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=pathlib.Path, help="folders of runs, or npy files")
    parser.add_argument("--data", type=pathlib.Path, help="folder of the gzip'ed IDX files")
    parser.add_argument("--calibrate", action="store_true")
    parser.add_argument("--weights", type=pathlib.Path, help="weights of the energy, for the AUROC")
    parser.add_argument("--at-most", type=float, help="exit with an error where the distance is larger")
    arguments = parser.parse_args()
    folder = classifier.data_folder(arguments.data)
    if arguments.weights:
        for noise in (0.025, 0.1, 0.4):
            print(f"AUROC of test against training images at noise {noise}: "
                  f"{overfitting(arguments.weights, folder, noise):.3f}", flush=True)
    if not arguments.paths and not arguments.calibrate:
        return
    judge = Judge(folder)
    if arguments.calibrate:
        calibrate(judge, folder)
    if not arguments.paths:
        return
    images, asked = read(arguments.paths)
    if len(images) > COUNT:
        images, asked = images[:COUNT], asked[:COUNT]
    name = arguments.paths[0].name if len(arguments.paths) == 1 else f"{len(arguments.paths)} runs"
    judge.report(name, images, asked)
    if arguments.at_most is not None and not judge.distance(images) <= arguments.at_most:
        raise SystemExit(f"the distance must be at most {arguments.at_most}")


if __name__ == "__main__":
    main()
