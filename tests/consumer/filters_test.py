# SPDX-License-Identifier: Apache-2.0
"""A stranger's plugin in C that knows no second derivatives learns by score matching, and Potluck draws from it.

    python filters_test.py --program PROGRAM --plugin FILE --example textures.yaml --scratch FOLDER

The data are images of one bright rectangle each. At noise of standard deviation .1 the loss is the mean square error of
the denoised images in units of the noise's variance, times a weight near 1: an energy without a slope leaves about 1.
Filters that find the flat parts and the edges leave half of it. The example's own composition is trained for one update.
"""

import argparse
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np

BOUND = 0.6  # of the loss of held-out rows

COMPOSITION = """potluck: 1
variables:
  image: {shape: [10, 10], support: [0, 1]}
views:
  patches: {of: image, patches: 3, stride: 1}
energies:
  filters: {model: acme.filters, weights: filters.safetensors, settings: {filters: 8}}
target: {each: {over: patches, energy: filters}}
learn:
  data: {image: {file: images.npy}}
  hold_out: 200
  objective: denoising_score_matching
  noise: {least: 0.1, most: 0.1}
  until: {updates: 200}
  batch: 32
  rate: 0.05
  report_every: 50
sample: {method: mala, chains: 8, steps: 200, thin: 20}
"""


def images(count: int, size: int) -> np.ndarray:
    random = np.random.default_rng(1)
    made = np.zeros((count, size, size), np.float32)
    for image in made:
        image += random.uniform(0, 0.4)
        top, left = random.integers(0, 7, 2)
        height, width = random.integers(3, 8, 2)
        image[top : top + height, left : left + width] = random.uniform(0.6, 1)
    return made


def run(arguments: argparse.Namespace, *words: str) -> None:
    places = {name: str(arguments.scratch / "places") for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME")}
    subprocess.run([arguments.program, *words, "--plugin", arguments.plugin, "--overwrite"], cwd=arguments.scratch,
                   env=os.environ | places, check=True)


def held_out_loss(arguments: argparse.Namespace, folder: str, *words: str) -> float:
    """Of filters that begin at random."""
    (arguments.scratch / "filters.safetensors").unlink(missing_ok=True)
    run(arguments, "train", "scene.yaml", "--output", folder, *words)
    with open(arguments.scratch / folder / "training.csv", newline="") as log:
        return float(list(csv.DictReader(log))[-1]["held_out_loss"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "plugin", "example", "scratch"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    np.save(arguments.scratch / "images.npy", images(1200, 10))
    (arguments.scratch / "scene.yaml").write_text(COMPOSITION)

    untrained = held_out_loss(arguments, "untrained", "--set", "learn.until={updates: 1}", "--set", "learn.rate=1e-12")
    trained = held_out_loss(arguments, "trained")
    run(arguments, "sample", "scene.yaml", "--output", "drawn")
    np.save(arguments.scratch / "pictures.npy", images(50, 28))
    shutil.copy(arguments.example, arguments.scratch / "textures.yaml")
    run(arguments, "train", "textures.yaml", "--output", "example", "--continue", "--set",
        "learn.data={image: {file: pictures.npy}}", "--set", "learn.hold_out=10", "--set", "learn.until={updates: 1}")

    acceptance = json.loads((arguments.scratch / "drawn" / "run.json").read_text())["acceptance"]
    print(f"held-out loss: untrained {untrained:.3f}, trained {trained:.3f}; acceptance of draws {acceptance:.2f}")
    wrong = []
    if not 0.3 < acceptance < 0.95:
        wrong.append(f"the acceptance of draws must be between .3 and .95, got {acceptance}")
    if not trained < BOUND:
        wrong.append(f"the held-out loss of trained filters must be below {BOUND}, got {trained}")
    if not untrained > BOUND:
        wrong.append(f"the bound {BOUND} must be missed by untrained filters, got {untrained}")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
