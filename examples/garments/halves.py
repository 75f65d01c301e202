# SPDX-License-Identifier: Apache-2.0
"""Completes the lower halves of test images by `lower_half.yaml`, beside the Gaussian of each kind of garment.

    python halves.py --program build/bin/potluck [--weights trained.safetensors] [--count 256] [--labels]

The upper halves of the first test images are given, one run for each. The Gaussian has the mean and covariance of the
training images (of their kind with --labels, where the energy is told the label too), and draws and guesses lower
halves given the upper ones.

distance       squared Frechet distance of the completed images, one draw for each, to the 10 000 test images, in the
               classifier's features (measure.py)
reconstruction square root of the mean square error of one draw, and of the mean of 8 draws, per pixel of the lower half in
               [0, 1]. A mean is closer than a draw can be, so compare draws with draws
"""

import argparse
import pathlib
import tempfile

import numpy as np
import torch
from PIL import Image

import classifier
import completion
import measure

HERE = pathlib.Path(__file__).resolve().parent
UPPER = np.repeat([True, False], 14)[:, None] & np.ones((28, 28), bool)  # what is known
COLUMNS = 14  # of the picture


def complete(arguments: argparse.Namespace, row: int, label: int | None, images: pathlib.Path,
             folder: pathlib.Path) -> np.ndarray:
    """[8, 28, 28]: images with the upper half of a test image."""
    words = completion.command(arguments.program, HERE / "lower_half.yaml", arguments.weights, row + 1, folder)
    words += ["--given", f"upper={{file: {images}, row: {row}, scale: 1/256}}", "--set", "sample.steps=1", "--set",
              "sample.thin=1"]
    if label is not None:
        words += ["--set", "variables.label={categories: 10}", "--set", "energies.garment.inputs.label=label",
                  "--given", f"label={label}"]
    return completion.run(words, folder)


def report(name: str, judge: measure.Judge, completed: np.ndarray, truth: np.ndarray) -> None:
    """@param completed  [N, draws, 28, 28]"""
    error = completed[:, :, 14:] - truth[:, None, 14:]
    one, mean = np.sqrt(np.square(error[:, 0]).mean()), np.sqrt(np.square(error.mean(axis=1)).mean())
    distance = judge.distance(torch.from_numpy(completed[:, 0].copy()))
    print(f"{name}: {len(completed)} images, distance {distance:.1f}, reconstruction {one:.3f} by one draw, {mean:.3f} by "
          f"the mean of {completed.shape[1]}", flush=True)


def paint(path: pathlib.Path, *rows: np.ndarray) -> None:
    """The first images of each row [N, 28, 28], side by side, twice as large."""
    shown = np.stack([row[:COLUMNS] for row in rows])
    pixels = (256 * np.pad(shown, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=0.5)).clip(0, 255).astype(np.uint8)
    pixels = pixels.transpose(0, 2, 1, 3).reshape(len(rows) * 30, COLUMNS * 30)
    Image.fromarray(pixels.repeat(2, axis=0).repeat(2, axis=1)).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=pathlib.Path, help="potluck")
    parser.add_argument("--weights", type=pathlib.Path, help="of the energy, instead of those that are here")
    parser.add_argument("--data", type=pathlib.Path, help="folder of the gzip'ed IDX files")
    parser.add_argument("--count", type=int, default=256, help="test images")
    parser.add_argument("--labels", action="store_true", help="tell the energy and the Gaussian the label")
    parser.add_argument("--save", type=pathlib.Path, help="npy file for the completed images")
    parser.add_argument("--picture", type=pathlib.Path, help="PNG of test images, the Gaussian's draws, the energy's draws")
    arguments = parser.parse_args()
    folder = classifier.data_folder(arguments.data)
    judge = measure.Judge(folder)
    train, train_labels = (part.numpy() for part in classifier.read_images(folder, "train"))
    truth, labels = (part.numpy()[: arguments.count] for part in classifier.read_images(folder, "t10k"))

    random = np.random.default_rng(1)
    if arguments.labels:
        gaussians = [completion.Gaussian(train[train_labels == kind]).given(UPPER) for kind in range(10)]
    else:
        gaussians = [completion.Gaussian(train).given(UPPER)] * 10
    drawn = [gaussians[label].draw(image, completion.DRAWS, random) for image, label in zip(truth, labels)]
    guessed = np.stack([gaussians[label].guess(image) for image, label in zip(truth, labels)])
    report("test images", judge, truth[:, None], truth)
    report("Gaussian", judge, np.stack(drawn), truth)
    report("Gaussian, its mean", judge, guessed[:, None], truth)

    images = folder / "t10k-images-idx3-ubyte.gz"
    with tempfile.TemporaryDirectory() as scratch:
        completed = np.stack([complete(arguments, row, int(labels[row]) if arguments.labels else None, images,
                                       pathlib.Path(scratch) / "run") for row in range(len(truth))])
    if arguments.save:
        np.save(arguments.save, completed)
    if arguments.picture:
        paint(arguments.picture, truth, np.stack(drawn)[:, 0], completed[:, 0])
    report("learned energy", judge, completed, truth)


if __name__ == "__main__":
    main()
