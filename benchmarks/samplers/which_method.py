#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the table of docs/which-method.md: every method on every target, with the same gradients for each.

    which_method.py POTLUCK [--gradients 4000] [--chains 256]

Effective samples are those of summary.json, the least over all numbers, bulk or tail; gradients are those of run.json,
after the warm-up. Both do not depend on how busy the machine is.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TARGETS = ("banana", "gaussian", "double_well")
METHODS = {  # as the page names them: keys of `sample`
    "mala": {"method": "mala"},
    "hmc": {"method": "hmc"},
    "hmc, metric: dense": {"method": "hmc", "metric": "dense"},
    "ghmc": {"method": "ghmc"},
    "adjusted_mclmc": {"method": "adjusted_mclmc"},
    "parallel_tempering": {"method": "parallel_tempering", "replicas": 4},
    "mclmc": {"method": "mclmc"},
    "baoab": {"method": "baoab"},
    "leimkuhler_matthews": {"method": "leimkuhler_matthews"},
    "langevin": {"method": "langevin"},
}
PILOT = 20


def sample(potluck, target, keys, folder):
    words = [potluck, "sample", str(HERE / f"{target}.yaml"), "--output", str(folder), "--overwrite", "--quiet"]
    for key, value in keys.items():
        words += ["--set", f"sample.{key}={value}"]
    subprocess.run(words, check=True)
    return json.loads((folder / "run.json").read_text()), json.loads((folder / "summary.json").read_text())


def figure(potluck, target, method, wanted, folder):
    keys = {**METHODS[method], "chains": wanted.chains, "warmup": 500, "seed": 1}
    record, _ = sample(potluck, target, {**keys, "steps": PILOT, "thin": PILOT}, folder)
    a_step = record["gradient_evaluations"]["sampling"] / PILOT
    thin = max(1, round(wanted.gradients / a_step / 200))
    steps = max(1, round(wanted.gradients / a_step / thin)) * thin
    record, summary = sample(potluck, target, {**keys, "steps": steps, "thin": thin}, folder)
    gradients = record["gradient_evaluations"]["sampling"] * wanted.chains
    rhat = summary["worst_rhat"]
    if not isinstance(rhat, float) or rhat > 1.1:
        return f"R-hat {rhat:.2f}" if isinstance(rhat, float) else "stuck"
    return f"{1000 * summary['least_ess'] / gradients:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("potluck")
    parser.add_argument("--gradients", type=int, default=4000, help="of a chain")
    parser.add_argument("--chains", type=int, default=256)
    wanted = parser.parse_args()
    print("| method | " + " | ".join(TARGETS) + " |\n| --- |" + " --- |" * len(TARGETS))
    with tempfile.TemporaryDirectory() as folder:
        for method in METHODS:
            figures = [figure(wanted.potluck, target, method, wanted, pathlib.Path(folder) / "run") for target in TARGETS]
            print(f"| `{method}` | " + " | ".join(figures) + " |", flush=True)


if __name__ == "__main__":
    main()
