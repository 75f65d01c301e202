# SPDX-License-Identifier: Apache-2.0
"""The example of learned garments: its files are right, and its trained weights draw garments.

    python garments_test.py files|weights --program PROGRAM --plugins FOLDER --scratch FOLDER

files      every composition is accepted; each preset trains, and its own weights are then accepted by its own file, and
           labels.yaml trains on them
weights    200 garments of any kind are near the test images, and 32 each of two kinds show what was asked; the same
           from weights that are trained for two updates are told apart. energy.py agrees with the program about the
           energies of the draws
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
GARMENTS = TOP / "examples" / "garments"
SAMPLES = ["conditional", "unconditional", "lower_half", "composite"]
PRESETS = ["quick", "garments", "hour"]
SKIPPED = 77

LABELS = [1, 3]  # trousers and dresses
# Of 200 images and of 64; the trained weights have the distance 206.
MOST_DISTANCE = 280
LEAST_SHARE = 0.6


class Program:
    def __init__(self, program: pathlib.Path, plugins: pathlib.Path, scratch: pathlib.Path) -> None:
        self.program, self.plugins, self.scratch = program, plugins, scratch

    def run(self, command: str, file: pathlib.Path, *options: str) -> None:
        environment = os.environ | {"XDG_CACHE_HOME": str(self.scratch), "XDG_DATA_HOME": str(self.scratch)}
        subprocess.run([self.program, command, file, "--plugin", self.plugins, *options], env=environment, check=True)

    def train(self, preset: str) -> pathlib.Path:
        """A copy of the preset that was trained for two updates, in a folder of its own."""
        folder = self.scratch / preset
        folder.mkdir(parents=True)
        file = pathlib.Path(shutil.copy(GARMENTS / f"{preset}.yaml", folder))
        self.run("train", file, "--set", "learn.until={updates: 2}", "--set", "learn.hold_out=64", "--quiet")
        return file

    def train_on(self, preset: str, name: str) -> pathlib.Path:
        """A copy of a file that goes on training the weights of a preset, beside them, after two updates."""
        file = pathlib.Path(shutil.copy(GARMENTS / f"{name}.yaml", self.scratch / preset))
        self.run("train", file, "--continue", "--set", "learn.until={updates: 2}", "--set", "learn.hold_out=64", "--quiet")
        return file

    def draw(self, weights: pathlib.Path, name: str, chains: int, label: int | None = None) -> pathlib.Path:
        """A run of so many chains; of garments of any kind where no label is given."""
        run = self.scratch / f"{name}-{'any' if label is None else label}"
        file = GARMENTS / ("unconditional.yaml" if label is None else "conditional.yaml")
        self.run("sample", file, "--set", f"energies.garment.weights={weights}", "--set", f"sample.chains={chains}",
                 *([] if label is None else ["--given", f"label={label}"]), "--output", str(run), "--quiet")
        return run


def read_weights(file: pathlib.Path) -> dict:
    from safetensors.numpy import load_file

    return load_file(file)


def check_files(program: Program) -> list[str]:
    for name in SAMPLES:
        # The plugin's folder is there only once run.sh has built it.
        program.run("check", GARMENTS / f"{name}.yaml", *(["--set", "plugins=[]"] if name == "composite" else []))
    for name in PRESETS:
        program.run("check", program.train(name))
    labels = program.train_on("garments", "labels")
    offsets = read_weights(labels.with_name("garments.safetensors"))["label_offset"]
    return [] if offsets.any() else ["labels.yaml must have learned the offsets of labels, they are all 0"]


def check_weights(program: Program) -> list[str]:
    import measure
    import netCDF4
    import numpy as np
    from energy import Energy

    judge = measure.Judge(measure.classifier.data_folder(None))

    def measured(name: str, weights: pathlib.Path) -> tuple[float, float, list[pathlib.Path]]:
        images, _ = measure.read([program.draw(weights, name, 200)])
        judge.report(f"{name}, any kind", images)
        runs = [program.draw(weights, name, 32, label) for label in LABELS]
        shown, asked = measure.read(runs)
        judge.report(f"{name}, as asked", shown, asked)
        return judge.distance(images), float((judge.seen(shown) == asked).float().mean()), runs

    wrong = []
    weights = GARMENTS / "trained.safetensors"
    distance, share, runs = measured("trained", weights)
    if not distance <= MOST_DISTANCE:
        wrong.append(f"the distance of the trained weights must be at most {MOST_DISTANCE}, got {distance}")
    if not share >= LEAST_SHARE:
        wrong.append(f"the share as asked must be at least {LEAST_SHARE}, got {share}")
    distance, share, _ = measured("untrained", program.train("garments").with_suffix(".safetensors"))
    if distance <= MOST_DISTANCE or share >= LEAST_SHARE:
        wrong.append(f"untrained weights must not pass, got the distance {distance} and the share {share}")

    with netCDF4.Dataset(runs[0] / "draws.nc") as draws:
        told = np.asarray(draws["sample_stats"]["expert_energy"][:, -1, 0])
    images, asked = measure.read([runs[0]])
    own = Energy(weights)(images, 0.015, asked).numpy()
    # Single precision: 784 terms of up to |v|^2 / 2V, and s / sigma = 23 times h.
    difference = np.abs(own - told).max()
    if not difference <= 1e-5 * np.abs(told).max():
        wrong.append(f"energy.py differs from the program by {difference} in energies of {np.abs(told).max()}")
    other = Energy(weights)(images, 0.015, (asked + 1) % 10).numpy()
    if np.abs(other - told).max() <= 1e-5 * np.abs(told).max():
        wrong.append("energies of another label must not pass")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["files", "weights"])
    for name in ("program", "plugins", "scratch"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        print("skipped: this Python has no PyTorch")
        return SKIPPED
    sys.path.insert(0, str(GARMENTS))
    shutil.rmtree(arguments.scratch, ignore_errors=True)
    arguments.scratch.mkdir(parents=True)
    program = Program(arguments.program, arguments.plugins.resolve(), arguments.scratch)
    wrong = check_files(program) if arguments.what == "files" else check_weights(program)
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
