# SPDX-License-Identifier: Apache-2.0
"""Checks that files compiled for a wider vector unit leave no function that the linker may hand to the rest of a program.

    python check_copies.py NM OBJECT...

Looks at the objects of cpu_rows_<width>.cpp alone. Prints one line for each symbol that they define for others beside
their table, and exits with 1 where there is any, and where none of the objects is of such a file.
"""

import os
import re
import subprocess
import sys

OBJECT = re.compile(r"^cpu_rows_(\w+)\.cpp\.(o|obj)$")


def copies(listing, name):
    """The violations in what `nm --defined-only --extern-only` printed of an object of that name."""
    width = OBJECT.match(name).group(1)
    violations = []
    for line in listing.splitlines():
        symbol = line.split()[-1]
        if not symbol.endswith(f"kRowKernels_{width}E"):
            violations.append(f"{name}: must define its table kRowKernels_{width} for others only, got {symbol}. Give it "
                              f"internal linkage")
    return violations


def main(arguments):
    nm, objects = arguments[0], [path for path in arguments[1:] if OBJECT.match(os.path.basename(path))]
    violations = [] if objects else ["no object of cpu_rows_<width>.cpp was given"]
    for path in objects:
        listed = subprocess.run([nm, "--defined-only", "--extern-only", path], capture_output=True, text=True, check=True)
        violations += copies(listed.stdout, os.path.basename(path))
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
