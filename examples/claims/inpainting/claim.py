# SPDX-License-Identifier: Apache-2.0
"""Pixels that are missing or wrong come from the energy of the whole image: it was trained for none of this.

lower halves      the upper half is known
random pixels     a quarter of the pixels, another quarter in each image
salt and pepper   a fifth of the pixels became black or white. Every pixel that is black or white may be one of them, so the
                  others are known

The known pixels of the first test images are given (garments/unconditional.yaml, without a label), and eight chains draw
the others. Known pixels must come back bit for bit. The distance (garments/measure.py) is that of one draw for each image;
the error is the mean square over the unknown pixels of the mean of the eight draws. The Gaussian has the mean and full
covariance of the training images and knows the same pixels: its distance is that of a draw, its error that of its
conditional mean, which no other linear guess beats. Lower halves are made of training images as well.
"""

import concurrent.futures
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import frame  # noqa: E402
import completion  # noqa: E402  behind frame, which says where it is
import measure  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

COLUMNS = 12  # of the picture
FILE = frame.GARMENTS / "unconditional.yaml"


def lower_halves(image: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What is seen [28, 28], and which pixels of it are known."""
    known = np.zeros((28, 28), bool)
    known[:14] = True
    return np.where(known, image, 0.5), known


def random_pixels(image: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    known = random.random((28, 28)) < 0.25
    return np.where(known, image, 0.5), known


def salt_and_pepper(image: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    black, white = np.float32(0.5 / 256), np.float32(255.5 / 256)
    corrupted = random.random((28, 28)) < 0.2
    seen = np.where(corrupted, np.where(random.random((28, 28)) < 0.5, black, white), image)
    return seen, (seen != black) & (seen != white)


TASKS = {"lower halves": lower_halves, "random pixels": random_pixels, "salt and pepper": salt_and_pepper}


class Completed:
    """Images that were completed by the energy and by a Gaussian."""

    def __init__(self, claim: frame.Claim, law: completion.Gaussian, task: str, part: str, truth: np.ndarray) -> None:
        random = np.random.default_rng(1)
        self.truth = truth
        self.seen, self.known = (np.stack(one) for one in zip(*(TASKS[task](image, random) for image in truth)))
        claim.step(f"{task}, {part}")
        self.draws = self.drawn(claim, part)
        conditionals = {}
        self.gaussian, self.guess = [], []
        for image, known in zip(truth, self.known):
            if known.tobytes() not in conditionals:
                conditionals = {known.tobytes(): law.given(known)}
            conditional = conditionals[known.tobytes()]
            self.gaussian.append(conditional.draw(image, 1, random)[0])
            self.guess.append(conditional.guess(image))
        self.gaussian, self.guess = np.stack(self.gaussian).astype(np.float32), np.stack(self.guess)

    def drawn(self, claim: frame.Claim, part: str) -> np.ndarray:
        """[N, 8, 28, 28], kept under all that they were made from."""
        views = [part, self.seen.tobytes().hex(), self.known.tobytes().hex()]
        kept = claim.runs / f"{claim.key('complete', FILE, views, claim.weights)}.npy"
        if not kept.exists():
            with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(
                    claim.arguments.threads) as pool:
                def one(row: int) -> np.ndarray:
                    folder = pathlib.Path(scratch) / str(row)
                    words = completion.command(claim.program, FILE, claim.weights, row + 1, folder)
                    return completion.run(words + completion.views(self.truth[row], self.known[row]), folder)

                np.save(kept, np.stack(list(pool.map(one, range(len(self.truth))))))
        return np.load(kept)

    def changed(self) -> int:
        """How many known pixels came back with other bits."""
        return int((self.draws != self.truth[:, None])[np.broadcast_to(self.known[:, None], self.draws.shape)].sum())

    def errors(self, images: np.ndarray) -> np.ndarray:
        """[N]: the mean square over unknown pixels."""
        free = ~self.known
        return (np.square(images - self.truth) * free).sum(axis=(1, 2)) / free.sum(axis=(1, 2))


def ratio(above: np.ndarray, below: np.ndarray, paired: bool) -> tuple[float, float]:
    """Of two means, with its standard error."""
    value = above.mean() / below.mean()
    if paired:
        error = (above - value * below).std(ddof=1) / np.sqrt(len(above)) / below.mean()
    else:
        error = value * np.hypot(above.std(ddof=1) / above.mean(), below.std(ddof=1) / below.mean()) / np.sqrt(len(above))
    return float(value), float(error)


def main() -> None:
    claim = frame.Claim(__doc__, len(TASKS) + 1)
    count = 8 if claim.quick else 128
    judge = measure.Judge(claim.data)
    train, test = (measure.classifier.read_images(claim.data, part)[0].numpy() for part in ("train", "t10k"))
    law = completion.Gaussian(train)
    own = judge.distance(torch.from_numpy(test[:count]))
    rows, sheet, found = [], [], {}
    for task in list(TASKS)[:1 if claim.quick else None]:
        done = found[task] = Completed(claim, law, task, "test images", test[:count])
        one, gaussian = torch.from_numpy(done.draws[:, 0].copy()), torch.from_numpy(done.gaussian)
        distance, of_gaussian = judge.distance(one), judge.distance(gaussian)
        error, guessed = done.errors(done.draws.mean(axis=1)), done.errors(done.guess)
        rows += [frame.Row(f"{task}: known pixels that changed", done.changed(), bar=("=", 0)),
                 frame.Row(f"{task}: distance of {count}", distance, judge.standard_error(one),
                           baseline={"Gaussian": of_gaussian, "the test images": own}),
                 frame.Row(f"{task}: distance / that of the Gaussian", distance / of_gaussian, bar=("<=", 0.9)),
                 frame.Row(f"{task}: mean square error of the mean of 8", error.mean(),
                           error.std(ddof=1) / np.sqrt(count), baseline={"Gaussian": guessed.mean()}),
                 frame.Row(f"{task}: error / that of the Gaussian's mean", *ratio(error, guessed, True), ("<=", 1.15))]
        for images in (done.seen, done.draws[:, 0], done.gaussian):
            sheet.append(np.concatenate(list(images[:COLUMNS]), axis=1))
    if not claim.quick:
        errors = [one.errors(one.draws.mean(axis=1)) for one in (
            Completed(claim, law, "lower halves", "training images", train[:count]), found["lower halves"])]
        rows.append(frame.Row("lower halves: error of training images / of test images", *ratio(*errors, False),
                              (">=", 0.9)))

    sheet.insert(0, np.concatenate(list(test[:count][:COLUMNS]), axis=1))
    Image.fromarray(frame.bytes_of(np.concatenate(sheet)).repeat(2, axis=0).repeat(2, axis=1)).save(
        claim.output / "completed.png", optimize=True)
    claim.finish("Halves, pixels and spoilt images are completed by an energy that was trained for none of this.", rows,
                 f"sampling 1 to {count}, one for each image; masks 1",
                 [("completed.png", "Test images; then for " + ", ".join(found) + " three rows each: what is seen, one draw "
                   "of the energy, one draw of the Gaussian.")],
                 "The mean of eight draws still has an eighth of their variance, which the Gaussian's mean has not")


if __name__ == "__main__":
    main()
