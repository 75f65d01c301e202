# SPDX-License-Identifier: Apache-2.0
"""Makes a Markdown table of the lines of compare.py, the worst seed of each: table.py RESULTS.jsonl"""

import json
import sys

COLUMNS = {
    "discrepancy / level": lambda line: f"{line['mmd'] / line['level']:.1f}",
    "share off by": lambda line: f"{line['share']:.3f}",
    "draws off the data": lambda line: f"{line['off']:.3f}",
    "lost": lambda line: str(line["lost"]),
}


def badness(line):
    return line["mmd"] / line["level"] if "mmd" in line else float("inf")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: table.py RESULTS.jsonl")
    worst, seeds = {}, {}
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            key = line["law"], line["program"]
            seeds[key] = seeds.get(key, 0) + 1
            if key not in worst or badness(line) > badness(worst[key]):
                worst[key] = line
    print("| law | program | seeds | " + " | ".join(COLUMNS) + " |")
    print("| --- " * (3 + len(COLUMNS)) + "|")
    for (law, program), line in worst.items():
        figures = [column(line) if "mmd" in line else "no draws" for column in COLUMNS.values()]
        print(f"| {law.replace('_', ' ')} | {program} | {seeds[law, program]} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
