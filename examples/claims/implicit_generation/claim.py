# SPDX-License-Identifier: Apache-2.0
"""Images come from moves along the energy alone: garments of one kind, and of any kind.

Chains go down 30 levels of noise (garments/conditional.yaml and unconditional.yaml, 90 gradients). From there 40 moves of
`mala`, which leaves the law of the learned energy at the least noise exactly as it is, with the fixed step size of a tenth
of that noise's square. Its draws are measured by garments/measure.py: the distance to the test images, and the share that
the classifier sees as the label that was given.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import frame  # noqa: E402
import measure  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

NOISE = 0.015
EXACT = f"{{method: mala, step_size: {0.1 * NOISE**2}, metric: identity, warmup: 0, steps: 40, thin: 40"
COLUMNS = 20  # of the picture


def drawn(claim: frame.Claim, name: str, chains: int, seed: int, *options: object) -> tuple[pathlib.Path, pathlib.Path]:
    """The run of the anneal, and that of exact moves behind it."""
    file = frame.GARMENTS / f"{name}.yaml"
    claim.step(f"{name}, seed {seed}, down the noise")
    first = claim.draw(file, *options, "--seed", seed, "--set", "sample.anneal.levels=30", "--set", f"sample.chains={chains}")
    claim.step(f"{name}, seed {seed}, exact moves")
    exact = claim.draw(file, *options, "--seed", seed + 100, "--set", f"sample={EXACT}, chains: {chains}}}",
                       start=first / "state.safetensors")
    return first, exact


def main() -> None:
    quick = "--quick" in sys.argv
    labels = [1, 9] if quick else list(range(10))
    claim = frame.Claim(__doc__, 2 * (len(labels) + 1))
    each = 32 if quick else 100
    count = each * len(labels)
    runs = [drawn(claim, "conditional", each, label + 1, "--given", f"label={label}") for label in labels]
    any_kind = drawn(claim, "unconditional", count, 1)

    judge = measure.Judge(claim.data)
    images, labels_of_images = measure.classifier.read_images(claim.data, "train")
    random = np.random.default_rng(1)
    baseline = {"full-covariance Gaussian": judge.distance(measure.gaussian_draws(images.numpy(), count, random)),
                "training images": judge.distance(images[:count])}
    asked = np.repeat(labels, each)
    rows = []
    for name, end in (("after the anneal", 0), ("after exact moves", 1)):
        conditional = torch.from_numpy(np.concatenate([frame.images_of(run[end]) for run in runs]))
        unconditional = torch.from_numpy(frame.images_of(any_kind[end]))
        share = float((judge.seen(conditional).numpy() == asked).mean())
        exact = end == 1
        rows += [frame.Row(f"conditional, {name}: distance of {count}", judge.distance(conditional),
                           judge.standard_error(conditional), ("<=", 15) if exact else None, baseline),
                 frame.Row(f"unconditional, {name}: distance of {count}", judge.distance(unconditional),
                           judge.standard_error(unconditional), ("<=", 40) if exact else None, baseline),
                 frame.Row(f"conditional, {name}: seen as asked", share, float(np.sqrt(share * (1 - share) / count)),
                           baseline={"training images": float(
                               (judge.seen(images[:count]) == labels_of_images[:count]).float().mean())})]
    accepted = [frame.record(run[1])["acceptance"] for run in (*runs, any_kind)]
    rows += [frame.Row("least acceptance of the exact moves", min(accepted), bar=(">=", 0.6)),
             frame.Row("largest acceptance of the exact moves", max(accepted), bar=("<=", 0.9))]

    columns = [frame.images_of(run[1])[:COLUMNS // len(labels)] for run in runs]
    sheet = [np.concatenate([image for column in columns for image in column], axis=1)]
    shown = frame.images_of(any_kind[1])
    sheet += [np.concatenate(list(shown[COLUMNS * row : COLUMNS * (row + 1)]), axis=1) for row in range(3)]
    Image.fromarray(frame.bytes_of(np.concatenate(sheet)).repeat(2, axis=0).repeat(2, axis=1)).save(
        claim.output / "draws.png", optimize=True)
    claim.finish("Garments of one kind or of any kind are drawn by moves along the energy alone.", rows,
                 "sampling 1 to 10 (a label each) and 1, exact moves 100 more",
                 [("draws.png", "First row: two draws of each kind. Other rows: draws of any kind, none picked.")],
                 "examples/garments/README.md says what was tried")


if __name__ == "__main__":
    main()
