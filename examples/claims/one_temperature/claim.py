# SPDX-License-Identifier: Apache-2.0
"""Plain MCMC at one temperature and one level of noise stays where data are: nothing anneals, nothing restarts.

    python claim.py ... [--after garments/contrast.safetensors]

At noise 0.05 (data in [0, 1]; it is 0.1 where data are in [-1, 1]), exact moves of `mala` with a fixed step size of a tenth
of the noise's square, of garments/unconditional.yaml. Chains begin at test images with that noise, and where an anneal
ended. After 400 moves:

classes kept     share of the chains whose image the classifier sees as the class that it saw at the start
energy gap       mean energy of the chains less that of other test images with that noise, in standard deviations of the
                 latter: 0 where model and data agree, below it where moves find images that the energy likes too much

Last, 32 chains make 10 000 moves. `--after` names weights that a contrastive phase trained further: everything is made
with both, and the bars are those of the latter.
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

NOISE, STEPS, THIN = 0.05, 400, 40
FILE = frame.GARMENTS / "unconditional.yaml"
COLUMNS = 16  # of the picture


class Chains:
    """A run of exact moves from `start` [N, 28, 28]: images and energies of its draws, every THIN moves or more seldom."""

    def __init__(self, claim: frame.Claim, start: pathlib.Path, count: int, steps: int, thin: int, seed: int,
                 weights: pathlib.Path) -> None:
        sample = (f"{{method: mala, step_size: {0.1 * NOISE**2}, metric: identity, warmup: 0, chains: {count}, "
                  f"steps: {steps}, thin: {thin}}}")
        run = claim.draw(FILE, "--given", f"noise={NOISE}", "--set", f"sample={sample}", "--seed", seed, start=start,
                         weights=weights)
        self.acceptance = frame.record(run)["acceptance"]
        with netCDF4.Dataset(run / "draws.nc") as draws:
            self.images = np.asarray(draws["posterior"]["image"][:], np.float32)  # [N, draws, 28, 28]
            self.energies = np.asarray(draws["sample_stats"]["expert_energy"][:, :, 0])  # [N, draws]
        self.moves = thin * np.arange(1, self.energies.shape[1] + 1)


def main() -> None:
    claim = frame.Claim(__doc__, 8, ("--before", "--after"))
    count, long = (64, 0) if claim.quick else (400, 10_000)
    test = measure.classifier.read_images(claim.data, "t10k")[0].numpy()
    random = np.random.default_rng(1)
    noisy = (test[: 3 * count] + NOISE * random.standard_normal((3 * count, 28, 28))).astype(np.float32)
    data, fresh = noisy[:count], noisy[count:]
    again = (test[:count] + NOISE * random.standard_normal((count, 28, 28))).astype(np.float32)
    start = claim.runs / f"test-images-{count}.npy"
    np.save(start, data)
    judge = measure.Judge(claim.data)

    def seen(images: np.ndarray) -> np.ndarray:
        return judge.seen(torch.from_numpy(images.astype(np.float32))).numpy()

    contrast = frame.GARMENTS / "contrast.safetensors"
    after = claim.arguments.after or (contrast if contrast.is_file() else None)
    every = {"": claim.arguments.before or claim.weights} if after is None else \
        {"before, ": claim.arguments.before or claim.weights, "after, ": after}
    rows, figure, sheet = [], plt.figure(figsize=(4.6, 2.8), dpi=100, layout="constrained"), []
    axes = figure.subplots()
    for name, weights in every.items():
        last = name == list(every)[-1]
        energies = claim.energies(FILE, fresh, "--given", f"noise={NOISE}", weights=weights)
        claim.step(f"{name}down to noise {NOISE}")
        annealed = claim.draw(FILE, "--given", f"noise={NOISE}", "--set", f"sample.chains={count}", weights=weights)
        starts = {"test images": (start, data), "an anneal": (annealed / "state.safetensors", frame.images_of(annealed))}
        for kind, (file, images) in starts.items():
            claim.step(f"{name}{STEPS} moves from {kind}")
            chains = Chains(claim, file, count, STEPS, THIN, 2, weights)
            end = chains.images[:, -1]
            kept = float((seen(images) == seen(end)).mean())
            first = claim.energies(FILE, images, "--given", f"noise={NOISE}", weights=weights)
            gaps = (np.concatenate([first[:, None], chains.energies], axis=1) - energies.mean()) / energies.std()
            error = np.hypot(gaps[:, -1].std() / np.sqrt(count), 1 / np.sqrt(len(energies)))
            baseline = {"the same test images with other noise": float((seen(data) == seen(again)).mean())}
            rows += [frame.Row(f"{name}from {kind}: classes kept over {STEPS} moves", kept,
                               float(np.sqrt(kept * (1 - kept) / count)), (">=", 0.85) if last else None,
                               baseline if kind == "test images" else {}),
                     frame.Row(f"{name}from {kind}: energy gap at the start", gaps[:, 0].mean()),
                     frame.Row(f"{name}from {kind}: energy gap after {STEPS} moves", gaps[:, -1].mean(), float(error)),
                     frame.Row(f"{name}from {kind}: acceptance", chains.acceptance)]
            axes.plot([0, *chains.moves], gaps.mean(axis=0), label=f"{name}from {kind}")
            sheet += [np.concatenate(list(one[:COLUMNS]), axis=1) for one in (images, end)]
        if long:
            claim.step(f"{name}{long} moves of 32 chains")
            chains = Chains(claim, start, 32, long, 250, 3, weights)
            gaps = (chains.energies - energies.mean()) / energies.std()
            kept = float((seen(data[:32]) == seen(chains.images[:, -1])).mean())
            rows += [frame.Row(f"{name}from test images: energy gap after {long} moves", gaps[:, -1].mean(),
                               float(gaps[:, -1].std() / np.sqrt(32))),
                     frame.Row(f"{name}from test images: classes kept over {long} moves", kept,
                               float(np.sqrt(kept * (1 - kept) / 32)))]
            axes.plot(chains.moves, gaps.mean(axis=0), linestyle=":", label=f"{name}32 chains from test images")
            sheet.append(np.concatenate(list(chains.images[:COLUMNS, -1]), axis=1))
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set_xscale("symlog", linthresh=THIN)
    axes.set(xlim=(0, None), xlabel="moves", ylabel="energy gap / sd of data")
    axes.legend(fontsize=7)
    figure.savefig(claim.output / "gap.png")
    Image.fromarray(frame.bytes_of(np.concatenate(sheet)).repeat(2, axis=0).repeat(2, axis=1)).save(
        claim.output / "chains.png", optimize=True)
    which = "before and after a contrastive phase" if after else "one file of weights, without a contrastive phase"
    claim.finish("Plain exact moves at one temperature, noise and step size: how far do chains stay where data are?", rows,
                 f"noise of the data 1, moves 2 and 3; {which}",
                 [("gap.png", "Mean energy of chains less that of data, against moves."),
                  ("chains.png", "For each weights: test images with noise and the same chains after 400 moves; ends of the "
                   "anneal and those chains after 400 moves" + ("; test images after 10 000 moves." if long else "."))],
                 "" if after else "A contrastive phase, which is meant for this, was tried: it halves the gap, and keeps fewer classes "
                 "(examples/garments/README.md)")


if __name__ == "__main__":
    main()
