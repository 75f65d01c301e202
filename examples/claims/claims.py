# SPDX-License-Identifier: Apache-2.0
"""Runs the claims, and makes docs/claims.md and its pictures from what they left.

    python claims.py --program build/bin/potluck [--only NAME] [--again] [--weights FILE]
    python claims.py --page            makes the page alone, from the results that are kept
    python claims.py --check           says whether the page is that of the results that are kept

A claim is skipped where its result is of the same weights, files and version of the program, unless --again is given. So a
run that was stopped goes on where it was. The runs lie in examples/claims/runs. A result that is new is kept as
examples/claims/NAME/result.json and its pictures in docs/pictures/claims.
"""

import argparse
import dataclasses
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import textwrap
import time

import frame



@dataclasses.dataclass
class Made:
    """What a claim is made from beside its own folder, and the seconds that it took, which say how much time is left."""

    seconds: float
    examples: tuple[str, ...] = ("garments",)  # folders of examples/ whose programs, files and weights it uses


CLAIMS = {
    "implicit_generation": Made(100),
    "adaptive_time": Made(800),
    "one_temperature": Made(250),
    "inpainting": Made(900),
    "novelty": Made(80),
}
RUNS = frame.HERE / "runs"
PAGE = frame.TOP / "docs" / "claims.md"
PICTURES = frame.TOP / "docs" / "pictures" / "claims"

HEAD = """\
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by examples/claims/claims.py from the results of the runs. Change those, not this page. -->
# Claims

Du & Mordatch (2019, "Implicit generation and modeling with energy-based models") said that energies of images do more than
draw them. Each section here is one of these claims, made again: with the learned garments
([examples/garments](../examples/garments/README.md)), which are 28 x 28 images, or with energies that the claim trains
itself. It has numbers with their standard errors, the bars that were set before, and what a simple model gets. `make claims`
makes all of it again, in less than an hour on two cores; the command of a section makes that section.

A standard error is that of the draws or images that were measured, with these weights: another training differs by more.
Where a claim trains with several seeds, the worst counts, and its row says the values of all.
Times are of the machine that made this page, whatever else it did meanwhile.
"""


def fingerprint(name: str, weights: pathlib.Path, version: str) -> str:
    """Of all that a result is made from: the claim's folder, what claims share, the examples it uses, --weights."""
    garments = "garments" in CLAIMS[name].examples
    kinds = ["*.py", "*.yaml", *(["classifier.safetensors", "contrast.safetensors"] if garments else [])]
    folders = [frame.HERE / name, *(frame.TOP / "examples" / one for one in CLAIMS[name].examples)]
    files = [file for folder in folders for kind in kinds for file in sorted(folder.glob(kind))]
    files += [frame.HERE / "frame.py", *([weights] if garments else [])]
    return hashlib.sha256("\0".join([version, *(frame.sha256(file) for file in files)]).encode()).hexdigest()


class Clock:
    """How much time is left, from the time of what is done and how long each claim was expected to take."""

    def __init__(self, names: list[str]) -> None:
        self.started, self.expected = time.monotonic(), {name: CLAIMS[name].seconds for name in names}

    def left(self, name: str, share: float) -> str:
        names = list(self.expected)
        before = sum(self.expected[one] for one in names[: names.index(name)]) + share * self.expected[name]
        whole, gone = sum(self.expected.values()), time.monotonic() - self.started
        # What was expected counts as a minute of evidence of how fast this machine is.
        pace = (gone + 60) / (before + 60)
        return f"about {max(whole - before, 0) * pace / 60:.0f} min left"


def run(name: str, arguments: argparse.Namespace, clock: Clock) -> None:
    command = [sys.executable, str(frame.HERE / name / "claim.py"), "--program", str(arguments.program), "--output",
               str(RUNS / name), "--runs", str(RUNS / "shared"), "--threads", str(arguments.threads)]
    if "garments" in CLAIMS[name].examples:
        command += ["--weights", str(arguments.weights)]
        if arguments.data:
            command += ["--data", str(arguments.data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            share, _, what = line.rstrip().partition("% ")
            if share.isdigit():
                print(f"{name} {share} %: {what}, {clock.left(name, int(share) / 100)}", flush=True)
            else:
                print(line, end="", flush=True)
    if process.returncode != 0:
        raise SystemExit(f"{name}: its program must end with code 0, got {process.returncode}. What is done is kept: the "
                         "same command goes on")


def keep(name: str) -> None:
    """A new result and its pictures, where the page finds them."""
    result = json.loads((RUNS / name / "result.json").read_text(encoding="utf-8"))
    PICTURES.mkdir(parents=True, exist_ok=True)
    for picture in result["pictures"]:
        shutil.copy(RUNS / name / picture["file"], PICTURES / f"{name}-{picture['file']}")
    shutil.copy(RUNS / name / "result.json", frame.HERE / name / "result.json")


def number(value: float) -> str:
    if float(value).is_integer() and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.3f}"


def section(name: str) -> str:
    result = json.loads((frame.HERE / name / "result.json").read_text(encoding="utf-8"))
    lines = [f"## {name.replace('_', ' ').capitalize()}", "", f"**{result['sentence']}**", ""]
    baselines = list(dict.fromkeys(key for row in result["rows"] for key in row["baseline"]))
    lines += [" ".join(["| measure | value | bar | met |", *(f"{one} |" for one in baselines)]),
              "| --- | --- | --- | --- |" + " --- |" * len(baselines)]
    for row in result["rows"]:
        error = "" if row["standard_error"] is None else f" ± {number(row['standard_error'])}"
        met = {None: "", True: "yes", False: "**no**"}[row["met"]]
        cells = [row["measure"], number(row["value"]) + error, row["bar"] or "", met,
                 *(number(row["baseline"][one]) if one in row["baseline"] else "" for one in baselines)]
        lines.append("|" + "".join(f" {cell} |" if cell else " |" for cell in cells))
    lines.append("")
    for picture in result["pictures"]:
        lines += [f"![{picture['text']}](pictures/claims/{name}-{picture['file']})", "", picture["text"], ""]
    if result["missed"]:
        lines += [f"**Missed.** {result['missed']}.", ""]
    about = "garments" if "garments" in CLAIMS[name].examples else f"claims/{name}"
    made = (f"*Weights:* {result['trained']} ([all of it](../examples/{about}/README.md)). *Seeds:* {result['seeds']}. "
            f"*Took:* {max(1, round(result['seconds'] / 60))} min. *What is measured, and how:* "
            f"[claim.py](../examples/claims/{name}/claim.py). *Again:*")
    lines += [*textwrap.wrap(made, 120, break_long_words=False, break_on_hyphens=False), "",
              "<!-- not run: it takes minutes -->", "```sh", result["command"], "```", ""]
    return "\n".join(lines)


def page() -> str:
    names = [name for name in CLAIMS if (frame.HERE / name / "result.json").exists()]
    missing = [name.replace("_", " ") for name in CLAIMS if name not in names]
    left = f"\nNo result of these is kept yet: {', '.join(missing)}.\n" if missing else ""
    return HEAD + left + "\n" + "\n".join(section(name) for name in names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, help="potluck")
    parser.add_argument("--only", help=f"one of {', '.join(CLAIMS)}")
    parser.add_argument("--again", action="store_true", help="run claims whose results are up to date too")
    parser.add_argument("--weights", type=pathlib.Path, default=frame.GARMENTS / "trained.safetensors")
    parser.add_argument("--data", type=pathlib.Path, help="folder of the gzip'ed IDX files")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--page", action="store_true", help="make the page alone")
    parser.add_argument("--check", action="store_true", help="is the page that of the results?")
    arguments = parser.parse_args()
    if arguments.check:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            raise SystemExit(f"{PAGE}: must be made from the results that are kept, got another text. Run: python "
                             "examples/claims/claims.py --page")
        return
    if arguments.only and arguments.only not in CLAIMS:
        raise frame.must("--only", f"must be one of {', '.join(CLAIMS)}", arguments.only, "Leave it out to run all")
    if not arguments.page:
        if arguments.program is None:
            raise frame.must("--program", "must be the program potluck", "none", "Build it: make build")
        version = frame.program_version(arguments.program)
        arguments.weights = frame.weights_file(arguments.weights)
        frame.classifier.data_folder(arguments.data)
        prints = {name: fingerprint(name, arguments.weights, version)
                  for name in ([arguments.only] if arguments.only else CLAIMS)}
        old = [name for name in prints if arguments.again or not (RUNS / name / "made_from").exists()
               or (RUNS / name / "made_from").read_text() != prints[name]]
        for name in prints:
            if name not in old:
                print(f"{name}: up to date", flush=True)
        clock = Clock(old)
        for name in old:
            run(name, arguments, clock)
            keep(name)
            (RUNS / name / "made_from").write_text(prints[name])
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Page: {PAGE}")


if __name__ == "__main__":
    main()
