# SPDX-License-Identifier: Apache-2.0
"""A claim of examples/claims holds in its small preset, and would not hold of a broken energy.

    python claims_test.py NAME --program PROGRAM --scratch FOLDER
    python claims_test.py page

The claim's own program measures the trained garments with --quick, and once more garments whose network has its sign
turned: E = Gaussian part + h in place of - h. Each number of BOUNDS must hold of the first, and at least one must not
hold of the second (or the program must have refused it). `page` checks that docs/claims.md is that of the results kept.
"""

import argparse
import json
import operator
import pathlib
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
    "adaptive_time": {},
    "novelty": {},
    "implicit_generation": {},
    "inpainting": {},
}


def broken(folder: pathlib.Path) -> pathlib.Path:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(WEIGHTS, "np") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}
        arrays["last_weight"] = -arrays["last_weight"]
        save_file(arrays, folder / "broken.safetensors", metadata=file.metadata())
    return folder / "broken.safetensors"


def measured(name: str, arguments: argparse.Namespace, weights: pathlib.Path) -> dict[str, float] | None:
    """The numbers of a result by their measures; none where the claim's program failed."""
    output = arguments.scratch / weights.stem
    done = subprocess.run([sys.executable, CLAIMS / name / "claim.py", "--program", arguments.program, "--output", output,
                           "--weights", weights, "--quick"])
    if done.returncode != 0:
        return None
    result = json.loads((output / "result.json").read_text(encoding="utf-8"))
    for picture in result["pictures"]:
        if not (output / picture["file"]).exists():
            raise SystemExit(f"{name}: must have made {picture['file']}")
    return {row["measure"]: row["value"] for row in result["rows"]}


def check_page() -> int:
    return subprocess.run([sys.executable, CLAIMS / "claims.py", "--check"]).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*BOUNDS, "page"])
    parser.add_argument("--program", type=pathlib.Path)
    parser.add_argument("--scratch", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        print("skipped: this Python has no PyTorch")
        return SKIPPED
    if arguments.name == "page":
        return check_page()
    shutil.rmtree(arguments.scratch, ignore_errors=True)
    arguments.scratch.mkdir(parents=True)
    own, other = (measured(arguments.name, arguments, weights) for weights in (WEIGHTS, broken(arguments.scratch)))
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
    sys.exit(main())
