# SPDX-License-Identifier: Apache-2.0
"""The energy of images tells what is no garment: the area under the ROC curve (AUROC) of strange images against known ones.

The known images are test images. The energy is that of garments/unconditional.yaml without a label, at three levels of
noise, by `potluck evaluate`; the images themselves get no noise. An image's rank sum is the sum, over the three levels, of
the share of training images with a lower energy. Levels and rule were fixed on training images before test images were
looked at. 0.5 is chance; below it the strange images have the lower energies.

noise            uniform in every pixel
shuffled         pixels of a test image in random order, another one for each image
inverted         1 - x
constants        one grey for all pixels, uniform
look-alikes      draws of the normal law with the training images' mean and covariance
cut look-alikes  the same, cut to the range of pixels
V-flip, H-flip   test images upside down, and mirrored: all shoes look to the left
rotations        by a quarter turn
blends           means of two test images of different kinds
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import frame  # noqa: E402
import measure  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

LEVELS = [0.025, 0.1, 0.4]
BARS = {"noise": 0.99, "shuffled": 0.99, "inverted": 0.99, "look-alikes": 0.95, "V-flip": 0.75, "H-flip": 0.58}
RIDGE = 1e-4  # variance that the Gaussian gets beside that of the data, as in garments/halves.py
SHOWN = 8


def strange(test: np.ndarray, labels: np.ndarray, train: np.ndarray) -> dict[str, np.ndarray]:
    """Images [N, 28, 28] of each kind."""
    random = np.random.default_rng(1)
    count = len(test)
    gaussian = measure.gaussian_draws(train, count, random).numpy()
    partner = np.array([random.choice(np.flatnonzero(labels != label)) for label in labels])
    return {"noise": random.random(test.shape),
            "shuffled": random.permuted(test.reshape(count, 784), axis=1).reshape(test.shape),
            "inverted": 1 - test,
            "constants": np.broadcast_to(random.random((count, 1, 1)), test.shape),
            "look-alikes": gaussian,
            "cut look-alikes": gaussian.clip(1 / 512, 1 - 1 / 512),
            "V-flip": test[:, ::-1],
            "H-flip": test[:, :, ::-1],
            "rotations": np.rot90(test, axes=(1, 2)),
            "blends": (test + test[partner]) / 2}


class Gaussian:
    def __init__(self, train: np.ndarray) -> None:
        rows = train.reshape(-1, 784).astype(np.float64)
        self.mean = rows.mean(axis=0)
        self.precision = np.linalg.inv(np.cov(rows, rowvar=False) + RIDGE * np.eye(784))

    def energy(self, images: np.ndarray) -> np.ndarray:
        v = images.reshape(-1, 784) - self.mean
        return np.einsum("ni,ni->n", v @ self.precision, v) / 2


def rank_sum(energies: list[np.ndarray], reference: list[np.ndarray]) -> np.ndarray:
    return sum(np.searchsorted(np.sort(one), energy) / len(one) for energy, one in zip(energies, reference))


def main() -> None:
    claim = frame.Claim(__doc__, len(LEVELS))
    count = 300 if claim.quick else 2000
    train = measure.classifier.read_images(claim.data, "train")[0].numpy()
    test, labels = (part.numpy() for part in measure.classifier.read_images(claim.data, "t10k"))
    kinds = strange(test[:count], labels[:count], train)
    sets = {"training images": train[: 5 * count], "known": test[count : 2 * count], **kinds}
    energies = {name: [] for name in sets}
    ends = np.cumsum([len(images) for images in sets.values()])[:-1]
    for level in LEVELS:
        claim.step(f"energies at noise {level}")
        found = claim.energies(frame.GARMENTS / "unconditional.yaml", np.concatenate(list(sets.values())), "--given",
                               f"noise={level}")
        for name, part in zip(sets, np.split(found, ends)):
            energies[name].append(part)

    gaussian = Gaussian(train)
    baseline = {name: gaussian.energy(sets[name]) for name in ("known", *kinds)}
    sums = {name: rank_sum(energies[name], energies["training images"]) for name in ("known", *kinds)}
    rows = []
    for name in kinds:
        of_gaussian = {"full-covariance Gaussian": frame.auroc(baseline["known"], baseline[name])[0]}
        bar = (">=", BARS[name]) if name in BARS else None
        rows.append(frame.Row(f"{name}: rank sum", *frame.auroc(sums["known"], sums[name]), bar, of_gaussian))
        for index, level in enumerate(LEVELS):
            rows.append(frame.Row(f"{name}: noise {level}",
                                  *frame.auroc(energies["known"][index], energies[name][index])))

    sheet = np.concatenate([np.concatenate(list(kinds[name][:SHOWN]), axis=1) for name in kinds])
    Image.fromarray(frame.bytes_of(sheet).repeat(2, axis=0).repeat(2, axis=1)).save(claim.output / "kinds.png",
                                                                                     optimize=True)
    claim.finish("The energy tells noise, negatives and look-alikes from garments, and partly garments that were turned.", rows,
                 "of the strange images: 1", [("kinds.png", "The strange images, a row each: " + ", ".join(kinds) + ".")],
                 "Images with noise of the level added were tried on training images and are told apart no better")


if __name__ == "__main__":
    main()
