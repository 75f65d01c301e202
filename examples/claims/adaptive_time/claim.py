# SPDX-License-Identifier: Apache-2.0
"""More time makes better draws, from one file of weights: garments with 12, 30, 90, 150 and 1000 gradients.

The anneal of conditional.yaml and unconditional.yaml goes down 4, 10, 30, 50 or 333 levels of noise, with three gradients
a level; behind it come the same few moves at the last noise. The distance is that of garments/measure.py.

Then a run ends by a criterion and is bought more time: longer.yaml draws boots at noise 1 until the effective sample size
is 100, and `--resume` goes on until it is 200. Its draws must be those of a run that asked for 200 at once.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import frame  # noqa: E402
import matplotlib  # noqa: E402
import measure  # noqa: E402
import netCDF4  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
LEVELS = [4, 10, 30, 50, 333]
MONOTONE = 3  # of these, the first are expected to fall
GRADIENTS = 3  # of a level: one to arrive there, one for each of two moves


def chains_options(levels: int, chains: int) -> list[str]:
    return ["--set", f"sample.anneal.levels={levels}", "--set", f"sample.chains={chains}"]


def extended(claim: frame.Claim) -> tuple[int, int, int]:
    """Steps of the run that ended at 100, of the same run when it had reached 200, and its draws that differ from those
    of a run that asked for 200 at once."""
    file = HERE / "longer.yaml"
    weights = ["--set", f"energies.garment.weights={claim.weights}", "--threads", claim.arguments.threads, "--quiet"]
    run, whole = claim.output / "extended", claim.output / "at-once"
    claim.call("sample", file, *weights, "--output", run, "--overwrite", "--until", "ess=100")
    first = frame.record(run)["steps_done"]
    claim.call("sample", "--resume", run, "--until", "ess=200", "--quiet", "--threads", claim.arguments.threads)
    claim.call("sample", file, *weights, "--output", whole, "--overwrite", "--until", "ess=200")
    draws = []
    for one in (run, whole):
        with netCDF4.Dataset(one / "draws.nc") as group:
            draws.append(np.asarray(group["posterior"]["image"][:]))
    differ = -1 if draws[0].shape != draws[1].shape else int((draws[0] != draws[1]).any(axis=(2, 3)).sum())
    return first, frame.record(run)["steps_done"], differ


def main() -> None:
    quick = "--quick" in sys.argv
    levels = LEVELS[:MONOTONE] if quick else LEVELS
    labels = [1, 9] if quick else list(range(10))
    claim = frame.Claim(__doc__, len(levels) * (len(labels) + 1) + 2)
    judge = measure.Judge(claim.data)
    each = 32 if quick else 100
    shown, table = [], {"conditional": [], "unconditional": []}
    asked = []
    for level in levels:
        drawn = []
        for label in labels:
            claim.step(f"{GRADIENTS * level} gradients, label {label}")
            run = claim.draw(frame.GARMENTS / "conditional.yaml", "--given", f"label={label}", "--seed", label + 1,
                             *chains_options(level, each))
            drawn.append(frame.images_of(run))
        claim.step(f"{GRADIENTS * level} gradients, of any kind")
        run = claim.draw(frame.GARMENTS / "unconditional.yaml", "--seed", 1, *chains_options(level, each * len(labels)))
        for name, images in (("conditional", np.concatenate(drawn)), ("unconditional", frame.images_of(run))):
            images = torch.from_numpy(images)
            table[name].append((judge.distance(images), judge.standard_error(images)))
        seen = judge.seen(torch.from_numpy(np.concatenate(drawn))).numpy()
        asked.append(float((seen == np.repeat(labels, each)).mean()))
        shown.append(np.concatenate([images[0] for images in drawn], axis=1))
    claim.step("a run that is bought more time")
    first, later, differ = extended(claim)

    random = np.random.default_rng(1)
    train = measure.classifier.read_images(claim.data, "train")[0].numpy()
    count = each * len(labels)
    gaussian = judge.distance(measure.gaussian_draws(train, count, random))
    data = judge.distance(torch.from_numpy(train[:count]))
    rows = []
    for name, found in table.items():
        rises = [(b[0] - a[0]) / np.hypot(a[1], b[1]) for a, b in zip(found[:MONOTONE], found[1:MONOTONE])]
        rows.append(frame.Row(f"{name}: largest rise of the distance from 12 to 30 to 90 gradients, in standard errors",
                              max(rises), bar=("<=", 2)))
    for index, level in enumerate(levels):
        for name, found in table.items():
            rows.append(frame.Row(f"{name}: distance after {GRADIENTS * level} gradients", *found[index],
                                  baseline={"Gaussian": gaussian, "training images": data}))
        rows.append(frame.Row(f"conditional: seen as asked after {GRADIENTS * level} gradients", asked[index],
                              float(np.sqrt(asked[index] * (1 - asked[index]) / count))))
    rows.append(frame.Row("steps of 32 chains until the effective sample size was 100", first))
    rows.append(frame.Row("steps until it was 200, by --resume", later))
    rows.append(frame.Row("draws of the extended run that differ from a run that asked for 200 at once", differ,
                          bar=("=", 0)))

    strip = frame.bytes_of(np.concatenate(shown))
    Image.fromarray(strip.repeat(2, axis=0).repeat(2, axis=1)).save(claim.output / "strip.png", optimize=True)
    figure, axes = plt.subplots(figsize=(4.6, 2.8), dpi=100, layout="constrained")
    for name, found in table.items():
        axes.errorbar([GRADIENTS * level for level in levels], [one[0] for one in found], [2 * one[1] for one in found],
                      marker="o", capsize=3, label=name)
    axes.axhline(data, color="grey", linestyle=":", label="training images")
    axes.set(xscale="log", yscale="log", xlabel="gradients", ylabel="distance to test images")
    axes.set_xticks([GRADIENTS * level for level in levels], [str(GRADIENTS * level) for level in levels])
    axes.minorticks_off()
    axes.legend(fontsize=8)
    figure.savefig(claim.output / "curve.png")
    claim.finish("One file of weights gives a draw in little time, and a better one in more.", rows,
                 "sampling 1 to 10 (a label each) and 1",
                 [("curve.png", f"Distance of {count} draws against gradients, with two standard errors."),
                  ("strip.png", "A draw of each kind (columns) after " + ", ".join(
                      str(GRADIENTS * level) for level in levels) + " gradients (rows).")],
                 "More noise levels and larger steps at each were tried (examples/garments/README.md)")


if __name__ == "__main__":
    main()
