# SPDX-License-Identifier: Apache-2.0
"""The laws in the plane: their files are right, and the moons are learned in seconds and drawn.

    python toys_test.py --program PROGRAM --plugins FOLDER --scratch FOLDER

Every composition file trains, and its weights are then accepted by it. The moons get 300 of their 1000 updates. 1000
draws and 1000 held-out rows are compared as compare.py does it. The discrepancy must be at most MOST_LEVELS times the
level above which draws are told from data (it was -0.3 of it), and the same training with a rate that is next to nothing
must be told apart (32 of it): it keeps the Gaussian that the network stands beside.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
TOYS = TOP / "examples" / "toys"
sys.path.insert(0, str(TOYS))

import compare  # noqa: E402
import data  # noqa: E402
import netCDF4  # noqa: E402
import numpy as np  # noqa: E402

UPDATES = 300
MOST_LEVELS = 2


class Toys:
    def __init__(self, program: pathlib.Path, plugins: pathlib.Path, folder: pathlib.Path) -> None:
        self.program, self.plugins, self.folder = program, plugins, folder
        for file in TOYS.glob("*.yaml"):
            shutil.copy(file, folder)
        subprocess.run([sys.executable, TOYS / "data.py", folder / "data"], check=True)

    def run(self, command: str, law: str, *options: str) -> None:
        environment = os.environ | {"XDG_CACHE_HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        words = [self.program, command, self.folder / f"{law}.yaml", "--plugin", self.plugins, *options]
        subprocess.run(words, env=environment, cwd=self.folder, check=True)

    def levels(self, rate: float) -> float:
        """Of moons that were learned at this rate: discrepancy / level."""
        law = data.LAWS["moons"]
        weights = f"energies.moons.weights={self.folder / f'{rate}.safetensors'}"
        run = self.folder / f"run-{rate}"
        self.run("train", "moons", "--set", weights, "--set", f"learn.until={{updates: {UPDATES}}}",
                 "--set", f"learn.rate={rate}", "--output", f"{run}-training", "--quiet")
        self.run("sample", "moons", "--set", weights, "--output", str(run), "--quiet")
        with netCDF4.Dataset(run / "draws.nc") as draws:
            last = np.asarray(draws["posterior"]["x"][:, -1])
        rows, test = (np.load(self.folder / "data" / f"moons{end}.npy") for end in ("", "_test"))
        found = compare.measured(law, last, 0.0, test, rows)
        print(f"rate {rate}: {found}")
        return found["mmd"] / found["level"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "plugins", "scratch"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    shutil.rmtree(arguments.scratch, ignore_errors=True)
    arguments.scratch.mkdir(parents=True)
    toys = Toys(arguments.program, arguments.plugins.resolve(), arguments.scratch.resolve())
    for law in data.LAWS:
        toys.run("train", law, "--set", "learn.until={updates: 2}", "--quiet")
        toys.run("check", law)

    wrong = []
    learned, kept = toys.levels(0.01), toys.levels(1e-9)
    if not learned <= MOST_LEVELS:
        wrong.append(f"the discrepancy of the moons must be at most {MOST_LEVELS} levels, got {learned}")
    if not kept > MOST_LEVELS:
        wrong.append(f"a network that learned nothing must not pass, got {kept} levels")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
