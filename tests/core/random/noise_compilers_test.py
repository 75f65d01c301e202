# SPDX-License-Identifier: Apache-2.0
"""The noise has one hash under every compiler, optimisation and vector width (docs/noise.md).

Usage: noise_compilers_test.py SOURCE_FOLDER SCRATCH_FOLDER GXX CLANGXX
"""

import pathlib
import re
import subprocess
import sys


def main() -> None:
    source, scratch, gxx, clangxx = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    scratch.mkdir(parents=True, exist_ok=True)
    expected = re.search(r"hash (\d{15,})", (source / "docs/noise.md").read_text()).group(1)
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    widths = [[]]
    if " avx2 " in flags and " fma " in flags:
        widths.append(["-march=x86-64-v3"])
    if " avx512vl " in flags and " avx512dq " in flags and " avx512bw " in flags:
        widths.append(["-march=x86-64-v4"])
    failures = 0
    for compiler in (gxx, clangxx):
        for level in ("-O0", "-O2", "-O3"):
            for width in widths:
                program = scratch / "noise_hash"
                command = [compiler, "-std=c++20", level, *width, "-ffp-contract=off", "-fno-math-errno",
                           "-fno-trapping-math", f"-I{source}", source / "tests/core/random/noise_hash.cpp", "-o", program]
                subprocess.run(command, check=True)
                got = subprocess.run([program], check=True, capture_output=True, text=True).stdout.strip()
                print(pathlib.Path(compiler).name, level, *width, got, "ok" if got == expected else "WRONG", flush=True)
                failures += got != expected
    if failures:
        sys.exit(f"{failures} builds have another noise than docs/noise.md says: {expected}")


if __name__ == "__main__":
    main()
