# SPDX-License-Identifier: Apache-2.0
"""Makes docs/models/<name>.md, one page for each of our models, from the table that the model's plugin carries.

    python docs/generate_model_pages.py [--program build/bin/potluck] [--check]

What stands between the marks `by hand` and `end of by hand` is kept; everything else is made anew. --check writes
nothing, prints what differs from the committed pages and exits with 1 where anything does.
"""

import argparse
import difflib
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
BEGIN, END = "<!-- by hand -->", "<!-- end of by hand -->"
MADE = "<!-- Made by docs/generate_model_pages.py: edit between the marks `by hand`, run it for the rest. -->"


def run(program: pathlib.Path, *words: str) -> str:
    done = subprocess.run([program, *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"potluck {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def our_models(program: pathlib.Path) -> list[str]:
    """Everyone else's names have a dot."""
    names = [line.split()[0] for line in run(program, "models", "list").splitlines() if line.startswith("  ")]
    return [name for name in names if "." not in name]


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def section(text: str, title: str) -> list[str]:
    """The lines under `title` of `potluck models describe`, up to an empty one."""
    found = re.search(rf"^{title}:\n((?:.+\n)*)", text, re.MULTILINE)
    return found.group(1).splitlines() if found else []


def input_rows(described: str) -> list[list[str]]:
    rows = []
    for line in section(described, "Inputs"):
        name, kind, summary = re.split(r"  +", line.strip(), maxsplit=2)
        rows.append([f"`{name}`", cell(kind), cell(summary)])
    return rows


def setting_rows(described: str, schema: dict) -> list[list[str]]:
    """Name, range and meaning are in the schema and in the table; the unit stands between them in the table alone."""
    rows = []
    for name, property in schema["properties"].items():
        summary, bounds = re.fullmatch(r"(.*) \((.*)\)", property["description"]).groups()
        pattern = rf"^  {re.escape(name)} +{re.escape(bounds)}(.*?){re.escape(summary)}$"
        found = re.search(pattern, described, re.MULTILINE)
        if not found:
            raise SystemExit(f"setting '{name}': `potluck models describe` and --schema must agree, got\n{described}")
        rows.append([f"`{name}`", cell(bounds), cell(found.group(1).strip()), cell(summary)])
    return rows


def by_hand(page: str) -> str:
    found = re.search(rf"{re.escape(BEGIN)}\n(.*){re.escape(END)}\n", page, re.DOTALL)
    return found.group(1) if found else "\n"


def make_page(program: pathlib.Path, name: str, old: str) -> str:
    described = run(program, "models", "describe", name)
    schema = json.loads(run(program, "models", "describe", name, "--schema"))
    settings = setting_rows(described, schema)
    if not any(row[2] for row in settings):
        settings = [[*row[:2], row[3]] for row in settings]
        head = ["setting", "range", "meaning"]
    else:
        head = ["setting", "range", "unit", "meaning"]
    reference = re.search(r"^Reference: (.*)$", described, re.MULTILINE)
    parts = [
        MADE,
        f"# `{name}`",
        cell(schema["description"]) + ".",
        BEGIN + "\n" + by_hand(old) + END,
        "## Inputs\n" + table(["input", "kind", "meaning"], input_rows(described)).rstrip(),
        "## Settings\n" + (table(head, settings).rstrip() if settings else "None."),
    ]
    if reference:
        parts.append(f"Reference: {cell(reference.group(1))}.")
    return "\n\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=HERE.parent / "build/bin/potluck")
    parser.add_argument("--pages", type=pathlib.Path, default=HERE / "models", help="folder of the pages")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page differs")
    arguments = parser.parse_args()

    wrong = []
    names = our_models(arguments.program)
    for name in names:
        file = arguments.pages / f"{name}.md"
        old = file.read_text(encoding="utf-8") if file.exists() else ""
        new = make_page(arguments.program, name, old)
        if "```yaml" not in by_hand(new):
            wrong.append(f"{file}: must say by hand when to use the model, with a composition in YAML, got none")
        if not arguments.check:
            file.write_text(new, encoding="utf-8")
        elif new != old:
            wrong += difflib.unified_diff(old.splitlines(), new.splitlines(), str(file), "the model's table", lineterm="")
            wrong.append(f"{file}: must agree with the model's table. Run: python docs/generate_model_pages.py")
    for file in sorted(arguments.pages.glob("*.md")):
        if file.stem not in names:
            wrong.append(f"{file}: must be of one of our models, got '{file.stem}'. Remove it, or build the model")
    print("\n".join(wrong) if wrong else f"{len(names)} pages", file=sys.stderr if wrong else sys.stdout)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
