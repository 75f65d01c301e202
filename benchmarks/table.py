# SPDX-License-Identifier: Apache-2.0
"""Makes a Markdown report of the JSON lines that langevin_benchmark and peers.py print: table.py RESULTS.jsonl

Everything is a ratio within one run on one machine. A bar that a case has stands beside its ratio; the bars over peers
were set on two threads and stand there only. Lines with 0 threads are of a GPU and make a section of their own.
"""

import json
import sys

PEERS = ("torch, eager", "jax")
BARE_BARS = {("gaussian", 128): 1.3, ("gaussian", 784): 1.1}  # times (matrix product + noise alone)
PEER_BARS = {("gaussian", 2): 2.5, ("gaussian", 128): 2.5, ("gaussian", 784): 2.5, ("mixture", 2): 5.0}
TORCHEBM_BAR = 15.0
SECOND_CORE_BAR = 1.8
NOISE_BAR = 2.5  # ns an element, AVX2
COMPOSITE_BAR = 1.1
GPU_TORCHEBM_BAR = 80.0  # 1024×128
# Bytes an element that must move, and the share of a copy's bandwidth that is asked for.
GPU_BYTES = {("potluck", "langevin"): (20, 0.80), ("noise and update", ""): (12, 0.85)}
COPY_BYTES = 8


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def milliseconds(value):
    return "" if value is None else f"{value:.3g}"


def at_most(ratio, bar):
    """A ratio and whether it meets its bar; empty where one of the two was not timed."""
    if ratio is None:
        return ""
    return f"{ratio:.2f}" + ("" if bar is None else f" (at most {bar:g}: {'met' if ratio <= bar else 'missed'})")


def at_least(ratio, bar):
    if ratio is None:
        return ""
    return f"{ratio:.1f}" + ("" if bar is None else f" (at least {bar:g}: {'met' if ratio >= bar else 'missed'})")


def over(a, b):
    return a / b if a and b else None


class Results:
    def __init__(self, lines):
        self.times = {}
        for line in map(json.loads, lines):
            key = (line["case"], line["chains"], line["n"], line["method"], line["program"], line["threads"])
            self.times[key] = line["ms_a_step"]

    def sizes(self):
        """(case, chains, n, method, threads) that Potluck was timed on."""
        return [key[:4] + key[5:] for key in self.times if key[4] == "potluck" and key[5] > 0]

    def ms(self, case, chains, n, method, program, threads):
        return self.times.get((case, chains, n, method, program, threads))

    def samplers(self):
        rows = []
        for case, chains, n, method, threads in self.sizes():
            own = self.ms(case, chains, n, method, "potluck", threads)
            product = self.ms(case, chains, n, "", "matrix product", threads)
            noise = self.ms(case, chains, n, "", "noise and update", threads)
            peers = [self.ms(case, chains, n, method, peer, threads) for peer in (*PEERS, "torchebm")]
            faster = min((one for one in peers[:2] if one), default=None)
            bare = product + noise if product and noise else None
            rows.append(
                [f"{case}, {method}", f"{chains}×{n}", str(threads), milliseconds(own), milliseconds(bare)]
                + [at_most(over(own, bare), BARE_BARS.get((case, n)) if method == "langevin" else None)]
                + [milliseconds(one) for one in peers]
                + [at_least(over(faster, own), PEER_BARS.get((case, n)) if threads == 2 else None)]
                + [at_least(over(peers[2], own), TORCHEBM_BAR if threads == 2 else None)]
            )
        head = ["case", "size", "threads", "Potluck, ms a step", "matrix product + noise, ms", "times those"]
        head += ["eager torch, ms", "JAX, ms", "torchebm, ms", "times faster than the faster of eager and JAX"]
        return table(head + ["times faster than torchebm"], rows)

    def gpu(self):
        rows = []
        for case, chains, n, method, program, threads in self.times:
            if program != "potluck" or threads > 0:
                continue
            own, *peers = (self.ms(case, chains, n, method, one, 0) for one in ("potluck", *PEERS, "torchebm"))
            bar = GPU_TORCHEBM_BAR if n == 128 else None
            rows.append(
                [f"{case}, {method}", f"{chains}×{n}"]
                + [milliseconds(own and own * 1e3)]
                + [milliseconds(one and one * 1e3) for one in peers]
                + [at_least(over(min(filter(None, peers[:2]), default=None), own), None)]
                + [at_least(over(peers[2], own), bar)]
            )
        head = ["case", "size", "Potluck, µs a step", "eager torch, µs", "JAX, µs", "torchebm, µs"]
        return table(head + ["times faster than the faster of eager and JAX", "times faster than torchebm"], rows)

    def bandwidth(self):
        rows = []
        for (case, chains, n, method, program, threads), ms in self.times.items():
            copy = self.ms(case, chains, n, "", "device copy", 0)
            if threads > 0 or not copy or (program, method) not in GPU_BYTES:
                continue
            needed, bar = GPU_BYTES[program, method]
            share = needed / ms / (COPY_BYTES / copy)
            terabytes = needed * chains * n / ms / 1e9
            verdict = "met" if share >= bar else "missed"
            rows.append(
                [f"{case}, {method or program}", f"{chains}×{n}", str(needed), f"{terabytes:.2f}"]
                + [f"{share:.1%} (at least {bar:.0%}: {verdict})"]
            )
        return table(["case", "size", "bytes an element", "TB/s", "of a copy's bandwidth"], rows)

    def second_core(self):
        rows = []
        for case, chains, n, method, threads in self.sizes():
            gain = over(
                self.ms(case, chains, n, method, "potluck", 1), self.ms(case, chains, n, method, "potluck", 2)
            )
            if threads == 1 and gain:
                rows.append([f"{case}, {method}", f"{chains}×{n}", at_least(gain, SECOND_CORE_BAR)])
        return table(["case", "size", "one thread / two threads"], rows)

    def noise(self):
        rows = []
        for (case, chains, n, _, program, _), ms in self.times.items():
            if case == "noise":
                nanoseconds = ms * 1e6 / (chains * n)
                rows.append([program, at_most(nanoseconds, NOISE_BAR if program.endswith("avx2") else None)])
        return table(["vector width, one core", "ns an element"], rows)

    def composite(self):
        experts = {key[4]: ms for key, ms in self.times.items() if key[0] == "composite"}
        own = sum(ms for program, ms in experts.items() if program.startswith("expert "))
        rows = [[program, f"{ms * 1e3:.1f}", ""] for program, ms in experts.items() if program.startswith("expert ")]
        for program, ms in experts.items():
            if not program.startswith("expert "):
                rows.append([program, f"{ms * 1e3:.1f}", at_most(over(ms, own), COMPOSITE_BAR)])
        return table(["energies and gradients of a tile, one thread", "µs", "times the experts' sum"], rows)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: table.py RESULTS.jsonl")
    with open(sys.argv[1], encoding="utf-8") as lines:
        results = Results(lines)
    if any(key[5] == 0 for key in results.times):
        return print_gpu(results)
    print("## A step of all chains\n\n" + results.samplers())
    print("## A second core\n\n" + results.second_core())
    print("## Noise with update\n\n" + results.noise())
    print("## A composite of four experts\n\n" + results.composite())


def print_gpu(results):
    print("## On a GPU\n\n" + results.gpu())
    print(results.bandwidth())


if __name__ == "__main__":
    main()
