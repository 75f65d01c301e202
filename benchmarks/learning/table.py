# SPDX-License-Identifier: Apache-2.0
"""Makes Markdown tables of the JSON lines of speed.py: table.py RESULTS.jsonl"""

import json
import sys

PROGRAMS = {"potluck": "Potluck", "torch": "plain PyTorch", "torchebm": "torchebm", "ebmkit": "ebmkit"}
JOBS = {"langevin": "chain-steps a second, langevin", "mala": "chain-steps a second, mala", "training": "updates a second"}


def rows_of(found, key):
    for job, what in JOBS.items():
        for threads in (1, 2):
            rates = []
            for program in PROGRAMS:
                line = found.get((job, program, threads))
                rates.append(line and (1 if job == "training" else line["rows"]) / line[key])
            if not rates[0]:
                continue
            yield [what, str(threads), *(f"{rate:,.3g}".replace(",", " ") if rate else "" for rate in rates)] + [
                f"{rates[0] / rates[1]:.2f}" if rates[1] else ""
            ]


def table(found, key):
    head = ["", "threads", *PROGRAMS.values(), "Potluck / plain PyTorch"]
    lines = [head, ["---"] * len(head), *rows_of(found, key)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: table.py RESULTS.jsonl")
    with open(sys.argv[1], encoding="utf-8") as lines:
        found = {(line["job"], line["program"], line["threads"]): line for line in map(json.loads, lines)}
    print("## By the clock\n\n" + table(found, "seconds"))
    print("## By seconds of processors\n\n" + table(found, "processor_seconds"))


if __name__ == "__main__":
    main()
