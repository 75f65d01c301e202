# SPDX-License-Identifier: Apache-2.0
"""Every page of README.md, docs/ and examples/ that shows a composition is among those that are run.

    python every_page.py PAGE...      the pages that tests/docs/CMakeLists.txt has run
"""

import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]


def pages_not_run(run: list[pathlib.Path], top: pathlib.Path) -> list[pathlib.Path]:
    pages = [*top.glob("*.md"), *(top / "docs").rglob("*.md"), *(top / "examples").rglob("*.md")]
    known = {page.resolve() for page in run}
    return sorted(page for page in pages
                  if "```yaml" in page.read_text(encoding="utf-8") and page.resolve() not in known)


def main() -> int:
    missing = pages_not_run([pathlib.Path(page) for page in sys.argv[1:]], TOP)
    for page in missing:
        print(f"{page}: has compositions that no test checks. Name it in tests/docs/CMakeLists.txt")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
