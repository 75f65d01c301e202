# SPDX-License-Identifier: Apache-2.0
"""Makes a Markdown table of the lines of compare.py: table.py RESULTS.jsonl

Each figure is that of the worst seed. A program passed where in all seeds the discrepancy is at most its level and the
shares are within MOST_STANDARD_ERRORS.
"""

import json
import sys

MOST_STANDARD_ERRORS = 4  # of the worst share of up to eight; a perfect sampler is further off in one of 2000 runs

COLUMNS = {
    "discrepancy / level": lambda line: f"{line['mmd'] / line['level']:.2f}",
    "worst share off by": lambda line: f"{line['share']:.3f}",
    "in standard errors": lambda line: f"{line['share_se']:.1f}",
    "draws off the data": lambda line: f"{line['off']:.3f}",
    "lost": lambda line: str(line["lost"]),
}


def worst_of(lines):
    """The largest figure of each kind, of whichever seed; nothing where a seed has no draws."""
    if any("mmd" not in line for line in lines):
        return None
    worst = {key: max(line[key] for line in lines) for key in ("share", "share_se", "off", "lost")}
    furthest = max(lines, key=lambda line: line["mmd"] / line["level"])
    return worst | {key: furthest[key] for key in ("mmd", "level")}


def passed(worst):
    return worst["mmd"] <= worst["level"] and worst["share_se"] <= MOST_STANDARD_ERRORS


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: table.py RESULTS.jsonl")
    found = {}
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            found.setdefault((line["law"], line["program"]), []).append(line)
    print("| law | program | noise | seeds | " + " | ".join(COLUMNS) + " | passed |")
    print("| --- " * (5 + len(COLUMNS)) + "|")
    for (law, program), lines in sorted(found.items(), key=lambda one: (one[0][0], one[0][1] != "potluck", one[0][1])):
        worst = worst_of(lines)
        figures = [column(worst) if worst else "no draws" for column in COLUMNS.values()]
        cells = [law.replace("_", " "), program, str(lines[0].get("noise", "")), str(len(lines)), *figures]
        print(f"| {' | '.join(cells)} | {'yes' if worst and passed(worst) else 'no'} |")


if __name__ == "__main__":
    main()
