# SPDX-License-Identifier: Apache-2.0
"""docs/verdict.md is what the table of the verdict's rules says, and a page that fell behind is found.

    python verdict_page_test.py PROGRAM PAGE
"""

import difflib
import pathlib
import subprocess
import sys


def differences(page: str, made: str) -> list[str]:
    return list(difflib.unified_diff(page.splitlines(), made.splitlines(), "docs/verdict.md", "the table", lineterm=""))


def main(program: str, page: pathlib.Path) -> int:
    made = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    if not differences(made.replace("1.05", "1.06"), made):
        print("a page with another threshold must differ, got none")
        return 1
    found = differences(page.read_text(encoding="utf-8"), made)
    if found:
        print("\n".join(found))
        print(f"{page}: must agree with the table of rules. Run: {program} > {page}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
