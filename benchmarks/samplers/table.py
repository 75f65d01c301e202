# SPDX-License-Identifier: Apache-2.0
"""Makes a Markdown report of the JSON lines that own.py and peers.py print: table.py RESULTS.jsonl

An effective sample is one of the worst coordinate, the least of bulk, tail, square and (double well) sign. The bars
compare our best method with the best of the peers' on the same target: per gradient among methods that keep the law
exactly, per second among all. Where chains were too short (effective.py) the figure stands with `<`: at most that.
"""

import json
import sys

GRADIENT_BAR, SECOND_BAR = 1.0, 3.0
BIASED = ("mclmc",)  # not adjusted
NO_TRAJECTORIES = ("mala",)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def of_method(line, names):
    return any(name in line["program"] for name in names)


def ours(line):
    return line["program"].startswith("potluck")


def figure(line, key, digits=3):
    return ("" if line["effective"]["resolved"] else "< ") + f"{line[key]:.{digits}g}"


def ratio(lines, key, bar, excluded):
    """[ours, best of peers, ratio with its bar] of the best on each side."""
    counted = [line for line in lines if not of_method(line, excluded)]
    sides = [[line for line in counted if ours(line) == own] for own in (True, False)]
    if not all(sides):
        return [one[0]["program"] if one else "not run" for one in sides] + [""]
    # A figure that is only a bound must not win over one that is known.
    own, peer = (max(side, key=lambda line: (line["effective"]["resolved"], line[key])) for side in sides)
    value = own[key] / peer[key]
    verdict = "missed" if value < bar else "met" if own["effective"]["resolved"] else "not known: chains too short"
    names = [f"{line['program']}: {figure(line, key)}" for line in (own, peer)]
    return names + [f"{value:.2g} (at least {bar:g}: {verdict})"]


def programs(lines):
    rows = []
    for line in lines:
        error = line["variance_error"]
        rows.append(
            [line["program"], f"{line['draws']}×{line['thin']}", f"{line['gradients'] / line['chains']:.0f}"]
            + [f"{line['seconds']:.1f}", f"{line['warmup_seconds']:.0f}"]
            + [f"{line['effective'][kind]:.0f}" for kind in ("bulk", "tail", "square")]
            + [figure(line, "per_gradient"), figure(line, "per_second")]
            + ["" if error is None else f"{100 * error:+.1f} ± {100 * line['variance_noise']:.1f}"]
        )
    head = ["program", "draws×thin", "gradients a chain", "s", "warm-up, s (peers: with compilation)"]
    head += ["ESS bulk", "tail", "square", "ESS a gradient", "ESS a second"]
    return table(head + ["worst variance, % off"], rows)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: table.py RESULTS.jsonl")
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    targets = list(dict.fromkeys(line["target"] for line in lines))
    gradient_rows, second_rows = [], []
    for target in targets:
        its = [line for line in lines if line["target"] == target]
        gradient_rows.append([target, *ratio(its, "per_gradient", GRADIENT_BAR, BIASED + NO_TRAJECTORIES)])
        second_rows.append([target, *ratio(its, "per_second", SECOND_BAR, ())])
    head = ["target", "ours", "best of the peers", "ratio"]
    print("## Effective samples a gradient, HMC-class methods\n\n" + table(head, gradient_rows))
    print("## Effective samples a second, all methods\n\n" + table(head, second_rows))
    for target in targets:
        print(f"## {target}\n\n" + programs([line for line in lines if line["target"] == target]))


if __name__ == "__main__":
    main()
