# SPDX-License-Identifier: Apache-2.0
"""Compares the bits of draws with those of an earlier Potluck, for every method, kind of node, start and precision.

    python recorded_draws_test.py --program build/bin/potluck --scratch FOLDER [--record]

Whoever changes how something is computed, and not what, must get the digests of digests.json. Whoever means to change
draws records them anew with --record and says why in the commit. Runs that are resumed, or shared by two ranks, must
give the digest of the run that was neither.

Matrix products and functions of the C library depend on the instructions that a processor has. The digests stand under
the name that run.json gives the instructions. On a processor that has no digests yet the runs are only compared with
each other, and the test says so.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

import netCDF4
import numpy

HERE = pathlib.Path(__file__).resolve().parent
DIGESTS = HERE / "digests.json"

METHODS = {
    "langevin": ["sample.step_size=0.01"],
    "mala": [],
    "baoab": ["sample.step_size=0.005"],
    "obabo": ["sample.step_size=0.005"],
    "leimkuhler_matthews": ["sample.step_size=0.005"],
    "hmc": [],
    "ghmc": [],
    "mclmc": [],
    "adjusted_mclmc": [],
    "parallel_tempering": ["sample.chains=36", "sample.replicas=3", "sample.hottest=5"],
    "ebm_practice": ["sample.step=0.1"],
}


class Case:
    """One run: a composition, what is changed in it, and the digest that it must have."""

    def __init__(self, like: str, file: str, changes: list[str], ranks: int = 1, cut_at: int = 0):
        self.like, self.file, self.changes = like, file, changes
        self.ranks, self.cut_at = ranks, cut_at
        self.name = like + (f" in {ranks} ranks" if ranks > 1 else "") + (f" cut at {cut_at}" if cut_at else "")


def cases() -> list[Case]:
    """Every method on experts that need no matrix; every kind of node under methods of each sort; and how runs begin,
    go on and are shared."""
    every = []
    for method, options in METHODS.items():
        chosen = [f"sample.method={method}", *options]
        every += [Case(f"plain {method}", "plain.yaml", chosen),
                  Case(f"plain {method}", "plain.yaml", chosen, cut_at=30),
                  Case(f"plain {method} float64", "plain.yaml", [*chosen, "sample.precision=float64"])]
        if method != "ebm_practice":
            every.append(Case(f"nodes {method}", "nodes.yaml", chosen))
            every.append(Case(f"plain {method}", "plain.yaml", chosen, ranks=2))
    tempered = ["sample.method=parallel_tempering", *METHODS["parallel_tempering"]]
    every += [
        Case("plain tuned langevin", "plain.yaml", ["sample.method=langevin", "sample.step_size=auto"]),
        Case("plain cooled", "plain.yaml", ["sample.cooling={from: 10, steps: 30}"]),
        Case("plain cooled", "plain.yaml", ["sample.anneal={temperature: {from: 10}, levels: 30}"], ranks=2),
        Case("plain at temperature 2", "plain.yaml", ["sample.temperature=2"]),
        Case("plain in superchains", "plain.yaml", ["sample.superchain=4"]),
        Case("plain normal starts", "plain.yaml", ["sample.start=normal"]),
        Case("plain 300 chains", "plain.yaml", ["sample.chains=300"]),
        Case("plain until", "plain.yaml", ["sample.steps=600", "sample.until={ess: 60}"]),
        Case("plain blocks", "plain.yaml", ["sample.blocks=[[x], {variables: y, method: hmc}]"]),
        Case("plain blocks", "plain.yaml", ["sample.blocks=[[x], {variables: y, method: hmc}]"], cut_at=30),
        Case("plain climbing", "plain.yaml", [*tempered, "sample.hottest=auto"]),
        Case("plain hmc identity", "plain.yaml", ["sample.method=hmc", "sample.metric=identity"]),
        Case("nodes float64", "nodes.yaml", ["sample.precision=float64"]),
        Case("nodes mala", "nodes.yaml", [], cut_at=30),
        Case("nodes mala", "nodes.yaml", [], ranks=2),
        Case("nodes blocks", "nodes.yaml", ["sample.blocks=[[code, rate], {variables: image, method: hmc}]"]),
        Case("nodes whole image", "nodes.yaml", ["given=[{of: label, value: 0}]"]),
        Case("labels", "labels.yaml", []),
        Case("labels", "labels.yaml", [], cut_at=30),
        Case("labels", "labels.yaml", [], ranks=2),
        Case("labels float64", "labels.yaml", ["sample.precision=float64"]),
        Case("labels hmc at temperature 2", "labels.yaml", ["sample.method=hmc", "sample.temperature=2"]),
        Case("labels alone", "labels.yaml", ["given=[{of: image, value: 0.25}, {of: code, value: 1}]"]),
        Case("labels of a mixture", "labels.yaml", ["target=mixed"]),
        Case("modes", "modes.yaml", []),
        Case("modes hmc", "modes.yaml", ["sample.method=hmc"]),
        Case("modes float64", "modes.yaml", ["sample.precision=float64"]),
        Case("modes tempered", "modes.yaml", tempered),
        Case("ridge", "ridge.yaml", []),
        Case("ridge", "ridge.yaml", [], cut_at=16),
        Case("ridge", "ridge.yaml", [], ranks=2),
        Case("ridge mala", "ridge.yaml", ["sample.method=mala"]),
        Case("shift", "shift.yaml", []),
        Case("shift", "shift.yaml", [], cut_at=30),
        Case("shift", "shift.yaml", [], ranks=2),
        Case("shift float64", "shift.yaml", ["sample.precision=float64"]),
        Case("shift hmc", "shift.yaml", ["sample.method=hmc"]),
        Case("shift linear", "shift.yaml", ["sample.anneal={shift: {from: -4}, levels: 7, steps: 5, spacing: linear}"]),
        Case("shift tempered", "shift.yaml", [*tempered, "sample.anneal={shift: {from: 4}, levels: 30}"]),
        Case("ridge float64", "ridge.yaml", ["sample.precision=float64"]),
    ]
    return every


class Failure(Exception):
    """A run that did not do what it was asked to."""


def run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}\nended with {done.returncode}\n{done.stdout[-2000:]}")


def sampled(case: Case, program: str, scratch: pathlib.Path) -> pathlib.Path:
    """The folder of the run, drawn as the case says."""
    folder = scratch / case.name.replace(" ", "_")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("POTLUCK_")}
    environment |= {"XDG_CACHE_HOME": str(scratch / "cache"), "XDG_DATA_HOME": str(scratch / "data")}
    command = [program, "sample", str(HERE / case.file), "--device", "cpu", "--threads", "1", "--quiet"]
    for change in case.changes:
        command += ["--set", change]
    if case.ranks > 1:
        for rank in range(case.ranks):
            run([*command, "--output", str(folder / "run"), "--rank", str(rank), "--world", str(case.ranks)],
                environment)
        run([program, "merge", str(folder / "run")], environment)
    elif case.cut_at:
        run([*command, "--output", str(folder / "run"), "--set", f"sample.steps={case.cut_at}"], environment)
        steps = re.search(r"\bsteps: (\d+)", (HERE / case.file).read_text(encoding="utf-8"))[1]
        run([program, "sample", "--resume", str(folder / "run"), "--set", f"sample.steps={steps}", "--quiet"],
            environment)
    else:
        run([*command, "--output", str(folder / "run")], environment)
    return folder / "run"


ONE_READER = threading.Lock()  # the library of the files is not safe in several threads


def digest(folder: pathlib.Path) -> str:
    """SHA-256 of the draws of all variables and of their energies."""
    total = hashlib.sha256()
    with ONE_READER, netCDF4.Dataset(folder / "draws.nc") as file:
        for group, names in (("posterior", sorted(file["posterior"].variables)), ("sample_stats", ["energy"])):
            for name in names:
                values = numpy.ascontiguousarray(numpy.ma.getdata(file[group][name][:]))
                total.update(f"{group}/{name} {values.dtype} {values.shape}\n".encode())
                total.update(values.tobytes())
    return total.hexdigest()


def instructions(folder: pathlib.Path) -> str:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))["machine"]["instructions"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--scratch", required=True, type=pathlib.Path)
    parser.add_argument("--record", action="store_true", help="write digests.json instead of comparing with it")
    parser.add_argument("--only", default="", help="cases whose names contain this")
    arguments = parser.parse_args()
    recorded = json.loads(DIGESTS.read_text(encoding="utf-8")) if DIGESTS.exists() else {}
    chosen = [case for case in cases() if arguments.only in case.name]

    def result(case: Case) -> tuple[str, str]:
        folder = sampled(case, arguments.program, arguments.scratch)
        return digest(folder), instructions(folder)

    found: dict[str, str] = {}
    wrong, unknown = [], 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for case, future in [(case, pool.submit(result, case)) for case in chosen]:
            try:
                bits, processor = future.result()
            except Failure as failure:
                wrong.append(f"{case.name}: {failure}")
                continue
            if found.setdefault(case.like, bits) != bits:
                wrong.append(f"{case.name}: must have the bits of '{case.like}', which is neither cut nor shared")
            elif arguments.record:
                recorded.setdefault(processor, {})[case.like] = bits
            elif processor not in recorded:
                unknown += 1
            elif recorded[processor].get(case.like) != bits:
                wrong.append(f"{case.name}: must have the recorded digest, got {bits}")
    if arguments.record and not wrong:
        DIGESTS.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for text in wrong:
        print(text)
    print(f"{len(chosen)} runs, {len(wrong)} wrong" +
          (f", {unknown} without a digest for this processor: record them with --record" if unknown else ""))
    return 1 if wrong or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
