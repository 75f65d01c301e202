# SPDX-License-Identifier: Apache-2.0
"""A claim of examples/claims holds in its small preset, and would not hold of a broken energy.

    python claims_test.py NAME --program PROGRAM --scratch FOLDER
    python claims_test.py frame --program PROGRAM

The claim's own program measures the trained garments with --quick, and once more garments whose network has its sign
turned: E = Gaussian part + h in place of - h. A claim that trains energies itself is called with the program, and once more
with a program that turns the sign of each network that it has trained. Each number of BOUNDS must hold of the first, and at
least one must not hold of the second (or the claim must have refused it). `frame` checks what the claims share: errors, what
makes a result old, and that docs/claims.md is that of the results that are kept.

    python claims_test.py turned PROGRAM WORDS      the second program: `turned` before the words of the first
"""

import argparse
import json
import operator
import pathlib
import shlex
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
CLAIMS = TOP / "examples" / "claims"
WEIGHTS = TOP / "examples" / "garments" / "trained.safetensors"
SKIPPED = 77
HOLDS = {"<=": operator.le, ">=": operator.ge, "=": operator.eq}

# Looser than the bars of the claims, by what few images leave open. Beside each: the trained weights, the broken ones.
BOUNDS = {
    "adaptive_time": {
        "unconditional: distance after 90 gradients": ("<=", 150),  # 76, 624
        "conditional: seen as asked after 90 gradients": (">=", 0.8),  # 0.97, 0
        "unconditional: largest rise of the distance from 12 to 30 to 90 gradients, in standard errors": ("<=", 3),  # 0.6
        "draws of the extended run that differ from a run that asked for 200 at once": ("=", 0),  # 0
    },
    "novelty": {
        "noise: rank sum": (">=", 0.98),  # 1.000, 0.252
        "shuffled: rank sum": (">=", 0.98),  # 0.996, 0.192
        "inverted: rank sum": (">=", 0.98),  # 0.997, 0.995
        "look-alikes: rank sum": (">=", 0.95),  # 0.996, 0.125
        "V-flip: rank sum": (">=", 0.6),  # 0.700, 0.476
    },
    "implicit_generation": {
        "unconditional, after exact moves: distance of 64": ("<=", 150),  # 74, 631
        "conditional, after exact moves: seen as asked": (">=", 0.8),  # 0.97, 0
        "least acceptance of the exact moves": (">=", 0.6),  # 0.82
        "largest acceptance of the exact moves": ("<=", 0.9),  # 0.85, 1.00
    },
    "inpainting": {
        "lower halves: known pixels that changed": ("=", 0),  # 0, 0
        "lower halves: distance / that of the Gaussian": ("<=", 2),  # 0.91, 6.4
        "lower halves: error / that of the Gaussian's mean": ("<=", 2),  # 1.28, 6.6
    },
    "one_temperature": {
        "from test images: classes kept over 400 moves": (">=", 0.65),  # 0.84, 0.20
        "from test images: energy gap after 400 moves": (">=", -1.5),  # -0.51, -4.22
        "from test images: acceptance": (">=", 0.6),  # 0.80, 0.93
    },
}


def turn(weights: pathlib.Path, to: pathlib.Path) -> None:
    """Writes weights whose network, the sum of last_weight times its last numbers, has the other sign."""
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(weights, "np") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    arrays["last_weight"] = -arrays["last_weight"]
    save_file(arrays, to, metadata=metadata)


def turned(program: str, words: list[str]) -> int:
    """The program's exit code, after it turned the networks that it has trained."""
    done = subprocess.run([program, *words])
    if done.returncode == 0 and words[0] == "train":
        run = pathlib.Path(words[words.index("--output" if "--output" in words else "--resume") + 1])
        for weights in run.glob("*.safetensors"):
            turn(weights, weights)
    return done.returncode


def broken(name: str, arguments: argparse.Namespace) -> tuple[pathlib.Path, list[object]]:
    """The program and options that measure a broken energy."""
    if measures_garments(name):
        turn(WEIGHTS, arguments.scratch / "broken.safetensors")
        return arguments.program, ["--weights", arguments.scratch / "broken.safetensors"]
    program = arguments.scratch / "turned"
    words = [sys.executable, pathlib.Path(__file__).resolve(), "turned", arguments.program.resolve()]
    program.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program, []


def measures_garments(name: str) -> bool:
    sys.path.insert(0, str(CLAIMS))
    import claims

    return "garments" in claims.CLAIMS[name].examples


def measured(name: str, output: pathlib.Path, program: pathlib.Path, options: list[object]) -> dict[str, float] | None:
    """The numbers of a result by their measures; none where the claim's program failed."""
    done = subprocess.run([sys.executable, CLAIMS / name / "claim.py", "--program", program, "--output", output, *options,
                           "--quick"])
    if done.returncode != 0:
        return None
    result = json.loads((output / "result.json").read_text(encoding="utf-8"))
    for picture in result["pictures"]:
        if not (output / picture["file"]).exists():
            raise SystemExit(f"{name}: must have made {picture['file']}")
    return {row["measure"]: row["value"] for row in result["rows"]}


def check_frame(program: pathlib.Path) -> list[str]:
    """What the claims share: errors, the page, AUROC, and what makes a result old."""
    sys.path.insert(0, str(CLAIMS))
    import claims
    import frame
    import numpy as np

    wrong = []

    def driver(*words: object) -> tuple[int, str]:
        done = subprocess.run([sys.executable, CLAIMS / "claims.py", *map(str, words)], capture_output=True, text=True)
        return done.returncode, done.stderr.strip()

    names = ", ".join(claims.CLAIMS)
    for words, text in [
        (["--program", "/none"], "--program: must be the program potluck, got /none. Build it: make build"),
        ([], "--program: must be the program potluck, got none. Build it: make build"),
        (["--program", program, "--weights", "/none"],
         "--weights: must be a file of weights, got /none. See examples/garments/README.md"),
        (["--program", program, "--data", "/none"],
         "/none: must hold train-images-idx3-ubyte.gz. Install Debian's package dataset-fashion-mnist, or give --data or "
         "POTLUCK_FASHION_MNIST"),
        (["--only", "luck"], f"--only: must be one of {names}, got luck. Leave it out to run all"),
    ]:
        if driver(*words) != (1, text):
            wrong.append(f"claims.py {words}: must say '{text}', got {driver(*words)}")
    if driver("--check") != (0, ""):
        wrong.append(f"docs/claims.md: must be that of the results, got {driver('--check')}")

    random = np.random.default_rng(1)
    known, strange = random.integers(0, 9, 40), random.integers(2, 12, 30)
    pairs = (strange[:, None] > known) + 0.5 * (strange[:, None] == known)
    if not np.isclose(frame.auroc(known, strange)[0], pairs.mean()):
        wrong.append(f"the AUROC must be {pairs.mean()}, got {frame.auroc(known, strange)}")
    # Two groups of the same law, again and again: the spread of the AUROC is the standard error that it says.
    found = np.array([frame.auroc(random.normal(size=80), random.normal(size=50)) for _ in range(400)])
    if not 0.85 < found[:, 0].std() / found[:, 1].mean() < 1.15:
        wrong.append(f"the standard error must be about {found[:, 0].std()}, got {found[:, 1].mean()}")

    prints = {claims.fingerprint("novelty", WEIGHTS, "potluck 1"), claims.fingerprint("novelty", WEIGHTS, "potluck 2"),
              claims.fingerprint("inpainting", WEIGHTS, "potluck 1"),
              claims.fingerprint("novelty", CLAIMS / "frame.py", "potluck 1")}
    if len(prints) != 4 or claims.fingerprint("novelty", WEIGHTS, "potluck 1") not in prints:
        wrong.append("another claim, version or weights must make a result old, and nothing else")
    if frame.Row("a", 3, bar=("<=", 2)).met() or not frame.Row("a", 2, bar=("<=", 2)).met():
        wrong.append("3 must miss a bar of <= 2, and 2 must not")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*BOUNDS, "frame"])
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        print("skipped: this Python has no PyTorch")
        return SKIPPED
    if arguments.name == "frame":
        wrong = check_frame(arguments.program)
        print("\n".join(wrong))
        return 1 if wrong else 0
    shutil.rmtree(arguments.scratch, ignore_errors=True)
    arguments.scratch.mkdir(parents=True)
    own = measured(arguments.name, arguments.scratch / "own", arguments.program, [])
    other = measured(arguments.name, arguments.scratch / "broken", *broken(arguments.name, arguments))
    if own is None:
        print(f"{arguments.name}: its program must end with code 0")
        return 1
    wrong, missed = [], 0
    for measure, (sign, bound) in BOUNDS[arguments.name].items():
        of_other = None if other is None else other[measure]
        print(f"{measure}: {own[measure]:.4g}, must be {sign} {bound}; broken: {of_other}")
        if not HOLDS[sign](own[measure], bound):
            wrong.append(f"{measure} must be {sign} {bound}, got {own[measure]}")
        missed += of_other is not None and not HOLDS[sign](of_other, bound)
    if other is not None and not missed:
        wrong.append("a broken energy must not pass")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(turned(sys.argv[2], sys.argv[3:]) if sys.argv[1:2] == ["turned"] else main())
