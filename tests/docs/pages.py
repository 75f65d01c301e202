# SPDX-License-Identifier: Apache-2.0
"""Does what the fenced blocks of README.md and docs/ say, and compares what they show with what comes out.

    python pages.py --program build/bin/potluck --plugins FOLDER --scratch FOLDER PAGE...

The comment right above a block says what is done with it; every block has one:

    <!-- checks -->            a whole composition: `potluck check` accepts it
    <!-- saved as: NAME -->    a whole composition as well, which later blocks of the page find under NAME
    <!-- included as: NAME -->  a part of a composition, which later blocks of the page include as NAME
    <!-- runs -->              commands (sh) or a program (python) that succeed
    <!-- fails: CODE -->       commands that end with this exit code
    <!-- printed -->           each line was printed by the block that ran last
    <!-- runs: FILE -->        the text of FILE of the repository, which other tests run, without its licence line
    <!-- not run: REASON -->

A composition is always checked, with the real models and the plugins of examples/plugins: "not run" is no mark for YAML.
Blocks of a page run in one folder that looks like the top of a clone. In what is printed a number with a decimal point,
or behind "at least", may differ by a tenth from what the page shows (other processors round differently), a time by
anything, and "..." stands for any text.
"""

import argparse
import gzip
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- (checks|saved as|included as|runs|fails|printed|not run)(?:: ([^\n]*?))? -->\n\Z")
NUMBER = re.compile(r"(?<![\w.])(\d+ ?s\b|\d+\.\d+(?:e[-+]\d+)?(?: s\b)?|(?<=at least )\d+)")
SECONDS_A_BLOCK = float(os.environ.get("POTLUCK_SECONDS_A_BLOCK", 120))


def agrees(shown: str, printed: str) -> bool:
    """Whether a printed line is the one that the page shows."""
    pattern, numbers, at = "", [], 0
    for found in NUMBER.finditer(shown):
        pattern += re.escape(shown[at:found.start()])
        timed = found.group().endswith("s")
        pattern += r"[\d.]+ ?s" if timed else r"([-+\d.e]+)"
        if not timed:
            numbers.append(float(found.group()))
        at = found.end()
    pattern = (pattern + re.escape(shown[at:])).replace(re.escape("..."), ".*")
    match = re.search(pattern, printed)
    if not match:
        return False
    try:
        return all(abs(float(is_) - said) <= 0.1 * abs(said) for is_, said in zip(match.groups(), numbers))
    except ValueError:
        return False


class Page:
    """One page, its folder, and what went wrong in it."""

    def __init__(self, file: pathlib.Path, program: pathlib.Path, scratch: pathlib.Path, top: pathlib.Path = TOP,
                 plugins: pathlib.Path | None = None):
        self.file, self.program, self.top = file, program.resolve(), top
        self.folder = scratch.resolve() / file.stem
        self.wrong: list[str] = []
        self.printed = ""
        self.done = 0
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "build/bin").mkdir(parents=True)
        (self.folder / "build/bin/potluck").symlink_to(self.program)
        for example in ("examples/readme", "examples/labels"):
            if (top / example).exists():
                shutil.copytree(top / example, self.folder / example, ignore=shutil.ignore_patterns("runs"))
        # Fashion-MNIST's test pictures, the first of them and all grey.
        pictures = struct.pack(">4B3i", 0, 0, 8, 3, 18, 28, 28) + b"\x40" * (18 * 28 * 28)
        (self.folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(pictures))
        # Nothing of the person who runs the tests takes part.
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("POTLUCK_")}
        self.environment |= {"XDG_CACHE_HOME": str(scratch.resolve() / "cache"), "XDG_DATA_HOME": str(self.folder)}
        # As if the clone's package were installed.
        self.environment |= {"PYTHONPATH": str(top / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
        if plugins:
            self.environment["POTLUCK_PLUGIN_PATH"] = str(plugins.resolve())

    def complain(self, text: str) -> None:
        self.wrong.append(f"{self.file}:{self.line}: {text}")

    def execute(self, command: list[str]) -> int:
        try:
            done = subprocess.run(command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=SECONDS_A_BLOCK)
        except subprocess.TimeoutExpired:
            self.complain(f"must end within {SECONDS_A_BLOCK} s")
            return -1
        self.printed = done.stdout
        return done.returncode

    def check(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")
        if self.execute([str(self.program), "check", name]) != 0:
            self.complain(f"must be a composition without faults, got\n{self.printed}")

    def run(self, language: str, text: str, expected: int) -> None:
        command = {"sh": ["bash", "-euo", "pipefail", "-c", text], "python": [sys.executable, "-c", text]}.get(language)
        if command is None:
            self.complain(f"must be sh or python to run, got '{language}'")
            return
        code = self.execute(command)
        if code != expected:
            self.complain(f"must end with exit code {expected}, got {code}\n{text}{self.printed}")

    def compare_file(self, name: str, text: str) -> None:
        file = self.top / name
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
        if lines and "SPDX-License-Identifier" in lines[0]:
            del lines[0]
        if "".join(lines) != text:
            self.complain(f"must be the text of {name}, got another")

    def compare_printed(self, text: str) -> None:
        for line in filter(str.strip, text.splitlines()):
            if not any(agrees(line.strip(), printed) for printed in self.printed.splitlines()):
                self.complain(f"must show what is printed, got '{line}' where this was printed\n{self.printed}")

    def block(self, language: str, text: str, mark: re.Match | None) -> None:
        kind, detail = mark.groups() if mark else (None, None)
        if kind == "checks":
            self.check("composition.yaml", text)
        elif kind == "saved as" and detail:
            self.check(detail, text)
        elif kind == "included as" and detail:
            (self.folder / detail).write_text(text, encoding="utf-8")
        elif kind == "runs" and detail:
            self.compare_file(detail, text)
        elif kind == "runs":
            self.run(language, text, 0)
        elif kind == "fails" and detail:
            self.run(language, text, int(detail))
        elif kind == "printed":
            self.compare_printed(text)
        elif language == "yaml" and kind == "not run":
            self.complain("must be checked, as every composition is, got 'not run'")
        elif not (kind == "not run" and detail):
            self.complain("must have a mark above it that says what is done with the block (see tests/docs/pages.py)")

    def walk(self) -> list[str]:
        page = self.file.read_text(encoding="utf-8")
        for found in BLOCK.finditer(page):
            self.line = page.count("\n", 0, found.start()) + 1
            self.done += 1
            self.block(found.group(1), found.group(2), MARK.search(page, 0, found.start()))
        return self.wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--plugins", type=pathlib.Path, help="folder of plugins that the pages use")
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("pages", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    wrong, done = [], 0
    for file in arguments.pages:
        page = Page(file, arguments.program, arguments.scratch, plugins=arguments.plugins)
        wrong += page.walk()
        done += page.done
    print("\n".join(wrong) if wrong else f"{done} blocks on {len(arguments.pages)} pages")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
