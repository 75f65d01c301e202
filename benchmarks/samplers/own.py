# SPDX-License-Identifier: Apache-2.0
"""Runs Potluck's methods on a target and prints a JSON line for each, as peers.py does.

  own.py POTLUCK TARGET [--programs NAME ...] [--chains 1024] [--threads 2] [--seconds 15] [--seed 1]

A short run first tells how many steps fit into the seconds. Gradients and seconds are those of run.json: start-up and
warm-up are not in them, storing draws is. The energies that the run recorded must be those that peers see, up to a
constant. A method that this Potluck does not know is left out and named on the error stream.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

from effective import result
from targets import TARGETS

PILOT_STEPS = 50
WARMUP_STEPS = 500
COMPARED = 64  # energies

LOGIT = "variables.{variable}.walls"  # "transform": chains move in logit coordinates, as those of peers do

# name: (keys of the composition, most steps between two draws). Those in logit coordinates are for targets with walls.
PROGRAMS = {
    "potluck mala": ({"sample.method": "mala"}, 100),
    "potluck hmc": ({"sample.method": "hmc", "sample.step_size": "auto", "sample.trajectory_length": "auto"}, 1),
    "potluck hmc, identity metric": ({"sample.method": "hmc", "sample.metric": "identity"}, 1),
    "potluck hmc, dense metric": ({"sample.method": "hmc", "sample.metric": "dense"}, 1),
    "potluck ghmc": ({"sample.method": "ghmc"}, 10),
    "potluck adjusted_mclmc": ({"sample.method": "adjusted_mclmc"}, 1),
    "potluck mclmc": ({"sample.method": "mclmc"}, 10),
    "potluck hmc, logit": ({"sample.method": "hmc", LOGIT: "transform"}, 1),
    "potluck hmc, dense metric, logit": ({"sample.method": "hmc", "sample.metric": "dense", LOGIT: "transform"}, 1),
    "potluck mclmc, dense metric, logit": ({"sample.method": "mclmc", "sample.metric": "dense", LOGIT: "transform"}, 10),
}


def command(potluck, verb, target, keys):
    words = [str(potluck), verb, str(target.composition)]
    for word in [*target.change, *(f"{key}={value}" for key, value in keys.items())]:
        words += ["--set", word.format(variable=target.variable)]
    return words


def sample(wanted, target, keys, folder):
    """The record of a finished run."""
    words = command(wanted.potluck, "sample", target, keys)
    words += ["--device", "cpu", "--threads", str(wanted.threads), "--output", str(folder), "--overwrite"]
    if subprocess.run(words, stdout=sys.stderr, check=False).returncode:
        raise SystemExit(f"potluck failed: {' '.join(words)}")
    return json.loads((folder / "run.json").read_text())


def compare_energies(target, draws, energies):
    """Recorded energies beside those that peers see, at the last draws of some chains [N, d]."""
    import jax

    peers = np.asarray(jax.vmap(target.score)(draws.astype(np.float32))[0], float)
    apart = energies / target.temperature - peers
    error, scale = np.ptp(apart), np.ptp(peers) + 1
    if not error < 1e-3 * scale + 1e-6 * np.abs(peers).max():
        raise SystemExit(
            f"{target.composition.name}: energies of Potluck and its peers must differ by a constant, got differences "
            f"that vary by {error:g} where energies vary by {scale:g}. Compare targets.py with the composition"
        )


def run(name, target, wanted, folder):
    options, most_thin = PROGRAMS[name]
    if LOGIT in options and not target.walls:
        return None
    of_run = {"chains": wanted.chains, "seed": wanted.seed, "warmup": WARMUP_STEPS, "thin": 1, "steps": PILOT_STEPS}
    keys = {**options, **{f"sample.{key}": value for key, value in of_run.items()}}
    known = subprocess.run(command(wanted.potluck, "check", target, keys), capture_output=True, text=True, check=False)
    if known.returncode:
        print(f"{name} is left out: {(known.stderr or known.stdout).strip()}", file=sys.stderr)
        return None
    print(f"{wanted.target}, {name}: how long is a step?", file=sys.stderr, flush=True)
    a_step = sample(wanted, target, keys, folder)["seconds"]["sampling"] / PILOT_STEPS
    steps = int(np.clip(wanted.seconds / a_step, PILOT_STEPS, target.most_draws * most_thin))
    keys["sample.thin"] = -(-steps // target.most_draws)
    keys["sample.steps"] = steps - steps % keys["sample.thin"]
    print(f"{wanted.target}, {name}: {keys['sample.steps']} steps", file=sys.stderr, flush=True)
    record = sample(wanted, target, keys, folder)
    with h5py.File(folder / "draws.nc") as file:
        draws = file["posterior"][target.variable][()]
        energies = file["sample_stats"]["energy"][:COMPARED, -1]
    draws = draws.reshape(*draws.shape[:2], -1)[:, :, -target.size :]  # of the wardrobe the lower half is free
    compare_energies(target, draws[:COMPARED, -1], energies)
    gradients = record["gradient_evaluations"]["sampling"] * wanted.chains
    seconds = record["seconds"]
    thin = keys["sample.thin"]
    return result(target, wanted.target, name, draws, gradients, seconds["sampling"], seconds["warmup"], thin)


def main():
    parser = argparse.ArgumentParser(description="Potluck's samplers: a JSON line for each")
    parser.add_argument("potluck", type=pathlib.Path)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--programs", nargs="*", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--chains", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=15, help="about how long each samples")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    target = TARGETS[wanted.target]()
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted.programs:
            line = run(name, target, wanted, pathlib.Path(folder) / "run")
            if line:
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
