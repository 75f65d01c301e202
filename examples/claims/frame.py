# SPDX-License-Identifier: Apache-2.0
"""What every claim needs: the words on its command line, runs of the program that are kept, and the result that it leaves.

A claim is a program `claim.py` in a folder of its own. It is called as

    python claim.py --program build/bin/potluck --output DIR [--runs DIR] [--threads N] [--quick]

and, where it measures the learned garments, with [--weights FILE] [--data FOLDER] beside. Claims that learn energies of
their own train them with three seeds, and the worst of them counts (Row.of_seeds).

and leaves DIR/result.json and its pictures beside it. Runs of the program lie in --runs (default DIR/runs), each named
after all that it was made from, so that claims share them and a claim that was cut short goes on where it was.

result.json has these keys:

name, sentence     of the claim
rows               list of {measure, value, standard_error or null, bar or null, met or null, baseline: {name: value}}
trained            how the weights were made, as they say themselves
seeds              of training and sampling
seconds            that this took, with runs that were made before; and `command`, by which it is repeated
quick              whether this is the small preset of the tests, whose numbers are rougher
pictures           list of {file, text}, files beside result.json
missed             what falls short, by how much, and what was tried; empty where every bar is met
"""

import argparse
import dataclasses
import hashlib
import json
import operator
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
GARMENTS = TOP / "examples" / "garments"
sys.path.insert(0, str(GARMENTS))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: threads of NumPy's would only wait for each other

import netCDF4  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

import classifier  # noqa: E402

torch.set_num_threads(1)
BARS = {"<=": operator.le, ">=": operator.ge, "=": operator.eq}


def must(where: object, what: str, got: object, then: str) -> SystemExit:
    """An error in the words that the program uses."""
    return SystemExit(f"{where}: {what}, got {got}. {then}")


def program_version(program: pathlib.Path) -> str:
    if not os.access(program, os.X_OK) or program.is_dir():
        raise must("--program", "must be the program potluck", program, "Build it: make build")
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()


def weights_file(path: pathlib.Path) -> pathlib.Path:
    if not path.is_file():
        raise must("--weights", "must be a file of weights", path, "See examples/garments/README.md")
    return path.resolve()


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclasses.dataclass
class Row:
    """One number. A bar is a pair such as ("<=", 15)."""

    measure: str
    value: float
    standard_error: float | None = None
    bar: tuple[str, float] | None = None
    baseline: dict[str, float] = dataclasses.field(default_factory=dict)

    def met(self) -> bool | None:
        return None if self.bar is None else bool(BARS[self.bar[0]](self.value, self.bar[1]))

    @staticmethod
    def of_seeds(measure: str, values: list[float], bar: tuple[str, float] | None = None,
                 baseline: dict[str, float] | None = None, errors: list[float] | None = None) -> "Row":
        """The worst of several trainings' values, which is the one that the bar is about; without a bar, the largest. Its
        measure names its seed and says the values of all seeds, which are 1, 2, ...
        @param errors  a standard error for each value"""
        worst = int(np.argmin(values) if bar and bar[0] == ">=" else np.argmax(values))
        said = ", ".join(f"{value:.3g}" for value in values)
        return Row(f"{measure} (seed {worst + 1} of {said})" if len(values) > 1 else measure, values[worst],
                   None if errors is None else errors[worst], bar, baseline or {})

    def plain(self) -> dict:
        return {"measure": self.measure, "value": float(self.value),
                "standard_error": None if self.standard_error is None else float(self.standard_error),
                "bar": None if self.bar is None else f"{self.bar[0]} {self.bar[1]:g}", "met": self.met(),
                "baseline": {name: float(value) for name, value in self.baseline.items()}}


class Claim:
    def __init__(self, text: str, work: int, options: tuple[str, ...] = (), garments: bool = True) -> None:
        """@param text     the docstring of claim.py
        @param work      about how many steps it will say
        @param options   names of further options, of weights files
        @param garments  whether it measures the learned garments: it then has the options --weights and --data"""
        parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--program", required=True, type=pathlib.Path, help="potluck")
        parser.add_argument("--output", required=True, type=pathlib.Path, help="folder for the result")
        if garments:
            parser.add_argument("--weights", type=pathlib.Path, default=GARMENTS / "trained.safetensors")
            parser.add_argument("--data", type=pathlib.Path, help="folder of the gzip'ed IDX files")
        parser.add_argument("--runs", type=pathlib.Path, help="folder of runs that are kept, default OUTPUT/runs")
        parser.add_argument("--threads", type=int, default=1, help="of the program; no number depends on it")
        parser.add_argument("--quick", action="store_true", help="few draws: for the tests, in seconds")
        for option in options:
            parser.add_argument(option, type=pathlib.Path)
        self.arguments = parser.parse_args()
        self.started, self.done, self.work = time.monotonic(), 0, work
        self.reused = 0.0  # seconds that runs took which were made before
        self.folder = pathlib.Path(sys.argv[0]).resolve().parent
        self.program = self.arguments.program.resolve()
        self.version = program_version(self.program)
        if garments:
            self.weights = weights_file(self.arguments.weights)
            self.data = classifier.data_folder(self.arguments.data)
        self.quick = self.arguments.quick
        self.output = self.arguments.output.resolve()
        self.output.mkdir(parents=True, exist_ok=True)
        self.runs = (self.arguments.runs or self.output / "runs").resolve()
        self.runs.mkdir(parents=True, exist_ok=True)

    def step(self, what: str) -> None:
        """A line of progress: so much of the work is done, and this comes next."""
        print(f"{min(self.done / self.work, 1):.0%} {what}", flush=True)
        self.done += 1

    def call(self, *words: object, expect: tuple[int, ...] = (0,)) -> int:
        """Calls the program, whose errors pass through.
        @param expect  exit codes that are right, such as 5 where a run ends before its criterion holds"""
        done = subprocess.run([self.program, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True)
        if done.returncode not in expect:
            sys.stderr.write(done.stderr)
            raise SystemExit(f"potluck {words[0]} {words[1]} ended with code {done.returncode}")
        return done.returncode

    def key(self, command: str, file: pathlib.Path, options: list[object], *files: pathlib.Path) -> str:
        parts = [self.version, command, file.read_text(encoding="utf-8"), *map(str, options), *(sha256(one) for one in files)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]

    def train(self, file: pathlib.Path, *options: object, experts: tuple[str, ...],
              data: dict[str, pathlib.Path]) -> dict[str, pathlib.Path]:
        """The weights by expert that `potluck train FILE OPTIONS` learns, now or before. A training that was cut short goes
        on where it was.
        @param experts  names of the energies that learn
        @param data     the file of each variable, whose entry of learn.data is a map"""
        run = self.runs / self.key("train", file, [*options, *experts, *data], *data.values())
        weights = {expert: run / f"{expert}.safetensors" for expert in experts}
        if (run / "done").exists():
            self.reused += float((run / "done").read_text())
        else:
            began = time.monotonic()
            if (run / "checkpoint" / "latest").exists():
                words = ["--resume", run]
            else:
                words = [file, *options, "--output", run, "--overwrite"]
                words += [word for name, path in data.items() for word in ("--set", f"learn.data.{name}.file={path}")]
                words += [word for name, path in weights.items() for word in ("--set", f"energies.{name}.weights={path}")]
            self.call("train", *words, "--quiet", "--threads", self.arguments.threads)
            (run / "done").write_text(f"{time.monotonic() - began:.1f}")
        return weights

    def draw(self, file: pathlib.Path, *options: object, weights: pathlib.Path | dict[str, pathlib.Path] | None = None,
             start: pathlib.Path | None = None) -> pathlib.Path:
        """The folder of a run of `potluck sample FILE OPTIONS`, made now or before.
        @param weights  by expert, or those of the garment in place of --weights
        @param start    file at whose positions chains begin"""
        used = self._weights(weights)
        run = self.runs / self.key("sample", file, [*options, *used], *used.values(), *([start] if start else []))
        if (run / "done").exists():
            self.reused += record(run)["seconds"]["in_all"]
            return run
        more = [word for name, path in used.items() for word in ("--set", f"energies.{name}.weights={path}")]
        more += ["--set", f"sample.start={start}"] if start else []
        self.call("sample", file, *options, *more, "--set", "output.pictures=[]", "--output", run, "--overwrite", "--quiet",
                  "--threads", self.arguments.threads)
        shutil.rmtree(run / "draws")  # draws.nc has them
        (run / "done").touch()
        return run

    def energies(self, file: pathlib.Path, rows: np.ndarray, *options: object, variable: str = "image",
                 weights: pathlib.Path | dict[str, pathlib.Path] | None = None) -> np.ndarray:
        """E [N], or [N, K] with the option --over, of rows [N, ...] of the variable.
        @param weights  as of draw"""
        at, scores = self.runs / f"rows-{os.getpid()}.npy", self.runs / f"scores-{os.getpid()}.npz"
        np.save(at, rows.astype(np.float32))
        more = [word for name, path in self._weights(weights).items()
                for word in ("--set", f"energies.{name}.weights={path}")]
        try:
            self.call("evaluate", file, "--at", f"{variable}={at}", *options, *more, "--output", scores, "--overwrite",
                      "--quiet", "--threads", self.arguments.threads)
            with np.load(scores) as found:
                return found["energy"]
        finally:
            at.unlink()
            scores.unlink(missing_ok=True)

    def _weights(self, weights: pathlib.Path | dict[str, pathlib.Path] | None) -> dict[str, pathlib.Path]:
        by_expert = weights if isinstance(weights, dict) else {"garment": weights or self.weights}
        return {name: weights_file(path) for name, path in by_expert.items()}

    def finish(self, sentence: str, rows: list[Row], seeds: str, pictures: list[tuple[str, str]], tried: str = "",
               learned: str | None = None) -> None:
        """Writes result.json.
        @param learned  how the energies were trained, where they are not the learned garments
        @param pictures  pairs of a file beside it and a text;  @param tried  is said where a bar is missed"""
        plain = [row.plain() for row in rows]
        missed = [f"{row.measure}: {row.value:.3g}, where the bar is {row.bar[0]} {row.bar[1]:g}" for row in rows
                  if row.met() is False]
        result = {"name": self.folder.name, "sentence": sentence, "rows": plain, "trained": learned or trained(self.weights),
                  "seeds": seeds, "seconds": round(time.monotonic() - self.started + self.reused),
                  "command": f"make claims ONLY={self.folder.name}", "quick": self.quick,
                  "pictures": [{"file": file, "text": text} for file, text in pictures],
                  "missed": "; ".join(missed) + (f". {tried}" if missed and tried else "")}
        part = self.output / "result.json.part-written"
        part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        part.replace(self.output / "result.json")
        print("100% done", flush=True)


def trained(weights: pathlib.Path) -> str:
    """What the weights say of their training."""
    from safetensors import safe_open

    with safe_open(weights, "np") as file:
        said = file.metadata() or {}
        numbers = sum(file.get_tensor(name).size for name in file.keys())
    learn = json.loads(said.get("potluck.learn", "{}"))
    phases = " then ".join(phase.get("objective", "?") for phase in learn.get("phases", [])) or "not said"
    return (f"{weights.name}, {numbers} numbers, SHA-256 {sha256(weights)[:12]}; the last training that it records: {phases}, "
            f"{learn.get('updates', '?')} updates, seed {learn.get('seed', '?')}, of Fashion-MNIST's training images")


def images_of(run: pathlib.Path) -> np.ndarray:
    """The last draw of each chain [chains, 28, 28]."""
    with netCDF4.Dataset(run / "draws.nc") as draws:
        return np.asarray(draws["posterior"]["image"][:, -1], np.float32)


def record(run: pathlib.Path) -> dict:
    return json.loads((run / "run.json").read_text(encoding="utf-8"))


def auroc(known: np.ndarray, strange: np.ndarray) -> tuple[float, float]:
    """P(strange > known) + P(strange = known) / 2 of two lists of scores, and its standard error (DeLong et al. 1988)."""
    known, strange = np.sort(known), np.sort(strange)

    def share_below(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
        return (np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")) / (2 * len(others))

    of_strange, of_known = share_below(strange, known), 1 - share_below(known, strange)
    error = np.sqrt(of_strange.var(ddof=1) / len(strange) + of_known.var(ddof=1) / len(known))
    return float(of_strange.mean()), float(error)


def bytes_of(images: np.ndarray) -> np.ndarray:
    return (256 * images).clip(0, 255).astype(np.uint8)
