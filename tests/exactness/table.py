#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/exactness.md from what the exactness tests recorded.

    test_exactness --gtest_output=json:FILE
    tests/exactness/table.py FILE [--thorough FILE] [--page docs/exactness.md]
"""
import argparse
import json
import pathlib

HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
# The exact laws that the samplers were tested against

`tests/exactness/table.py` makes this page from what the tests recorded; do not edit it. *D* is Kolmogorov's distance
from the exact law (bound .0037 at n = 10⁶ chains). *z* is the largest deviation of a mean or variance, in standard
errors (bound 6). A twin is the same check on a kernel that is wrong on purpose: the check must reject it (*D* above
.0042).

The regular tier runs with every `make test`. The thorough tier takes ten times the chains, with seeds that rotate with
the day, and needs an hour of one processor: `ctest --test-dir build -L thorough`.
"""


def rows(report):
    """(suite, test, what, figures) of every recorded row, and whether the test passed."""
    for suite in report["testsuites"]:
        for test in suite["testsuite"]:
            for key, value in test.items():
                if key.startswith("row "):
                    name = test["name"].split("/")[-1] if "/" in test["name"] else test["name"]
                    # The report escapes each byte of UTF-8 as a character of its own.
                    figures = value.encode("latin-1").decode("utf-8")
                    yield suite["name"].split("/")[-1], name, key[4:], figures, "failures" not in test


def table(report):
    lines = ["| method and target | check | figures | |", "| --- | --- | --- | --- |"]
    for suite, test, what, figures, passed in sorted(rows(report)):
        lines.append(f"| {test if suite == 'ExactKernelTest' else suite[:-4]} | {what} | {figures} "
                     f"| {'✓' if passed else '**failed**'} |")
    return "\n".join(lines)


def seconds(report):
    return float(report["time"].rstrip("s"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("regular", type=pathlib.Path)
    parser.add_argument("--thorough", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parents[2] / "docs" / "exactness.md")
    arguments = parser.parse_args()
    text = HEAD
    for title, file in (("Regular tier", arguments.regular), ("Thorough tier", arguments.thorough)):
        if file is None:
            continue
        report = json.loads(file.read_text())
        text += (f"\n## {title}\n\n{report['tests']} tests, {report['failures']} failed, "
                 f"{seconds(report):.0f} s, {report['timestamp'][:10]}.\n\n{table(report)}\n")
    arguments.page.write_text(text)
    print(f"wrote {arguments.page}")


if __name__ == "__main__":
    main()
