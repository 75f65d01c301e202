# SPDX-License-Identifier: Apache-2.0
"""Times Langevin steps of peers on the cases of langevin.cpp and prints the same JSON lines.

  peers.py [--threads 1] [--device cpu] [--seconds 1] [--repeats 5] [--cases gaussian2 gaussian128 gaussian784 mixture]

Peers are an eager loop of torch with gradients written by hand and buffers made once, JAX with the loop compiled as a
whole and the same gradients, and torchebm with its own sampler and autograd. One that is not installed is left out and
named on the error stream. A process uses one number of threads: it is tied to so many processors before anything is
imported, since JAX knows no other way. On a GPU the lines have 0 threads.
"""

import argparse
import json
import math
import os
import sys
import time

SIZES = {"gaussian2": (1024, 2), "gaussian128": (1024, 128), "gaussian784": (4096, 784), "mixture": (1024, 2)}
STEP_SIZE = 0.01
NOISE = math.sqrt(2 * STEP_SIZE)
VARIANCE = 0.25  # of the mixture's eight components on a circle of radius 4
MEANS = [[4 * math.cos(math.pi * k / 4), 4 * math.sin(math.pi * k / 4)] for k in range(8)]


def precision_matrix(n):
    """I + v v', |v| = 1, as a list of rows: full, with eigenvalues 1 and 2."""
    v = [1 + 0.5 * math.cos(i) for i in range(n)]
    square = sum(one * one for one in v)
    return [[(i == j) + v[i] * v[j] / square for j in range(n)] for i in range(n)]


def least_time(run, seconds, repeats):
    """Steps of a repeat and seconds a step of the fastest; `run(steps)` returns when the steps are done."""

    def timed(steps):
        began = time.perf_counter()
        run(steps)
        return time.perf_counter() - began

    timed(1)
    steps = 1
    took = timed(steps)
    while took < seconds / 10:
        steps *= 2
        took = timed(steps)
    steps = max(1, int(steps * seconds / took))
    return steps, min(timed(steps) for _ in range(repeats)) / steps


def torch_on(device, threads):
    """torch with its tensors on a device, and what waits for them."""
    import torch

    torch.set_num_threads(threads)
    torch.set_default_device(device)
    torch.manual_seed(1)
    return torch, torch.cuda.synchronize if device == "cuda" else lambda: None


def eager(case, chains, n, threads, device):
    torch, wait = torch_on(device, threads)
    x, gradient, noise = torch.randn(chains, n), torch.empty(chains, n), torch.empty(chains, n)
    if case == "mixture":
        means = torch.tensor(MEANS)
        across, back, offset = means.T.contiguous() / VARIANCE, means / VARIANCE, (means**2).sum(1) / (-2 * VARIANCE)
        logits, share, energy = torch.empty(chains, 8), torch.empty(chains, 8), torch.empty(chains)

        def score():
            # e_k = |x - m_k|^2 / 2v; energies and gradients are what Potluck computes.
            torch.addmm(offset, x, across, out=logits)
            torch.logsumexp(logits, 1, out=energy)
            torch.softmax(logits, 1, out=share)
            torch.mm(share, back, out=gradient)
            torch.sub(x / VARIANCE, gradient, out=gradient)
            torch.sub((x * x).sum(1) / (2 * VARIANCE), energy, out=energy)

    else:
        precision = torch.tensor(precision_matrix(n))

        def score():
            torch.mm(x, precision, out=gradient)

    def run(steps):
        with torch.inference_mode():
            for _ in range(steps):
                score()
                noise.normal_()
                x.add_(gradient, alpha=-STEP_SIZE).add_(noise, alpha=NOISE)
            wait()

    return run


def compiled(case, chains, n, _, device):
    import jax

    if device != jax.default_backend().replace("gpu", "cuda"):
        raise ImportError(f"jax runs on {jax.default_backend()}, not on {device}")
    import jax.numpy as jnp

    if case == "mixture":
        means = jnp.array(MEANS)
        offset = -(means**2).sum(1) / (2 * VARIANCE)

        def score(x):
            logits = offset + x @ means.T / VARIANCE
            energy = (x * x).sum(1) / (2 * VARIANCE) - jax.nn.logsumexp(logits, axis=1)
            return energy, (x - jax.nn.softmax(logits, axis=1) @ means) / VARIANCE

    else:
        precision = jnp.array(precision_matrix(n))

        def score(x):
            return jnp.zeros(chains), x @ precision

    def step(_, state):
        x, _, key = state
        key, own = jax.random.split(key)
        energy, gradient = score(x)
        return x - STEP_SIZE * gradient + NOISE * jax.random.normal(own, x.shape), energy, key

    loop = jax.jit(lambda steps, state: jax.lax.fori_loop(0, steps, step, state))
    begin = jax.random.PRNGKey(1)
    state = [(jax.random.normal(begin, (chains, n)), jnp.zeros(chains), begin)]

    def run(steps):
        state[0] = jax.block_until_ready(loop(steps, state[0]))

    return run


def torchebm(case, chains, n, threads, device):
    torch, wait = torch_on(device, threads)
    from torchebm.core import BaseModel, GaussianModel
    from torchebm.samplers import LangevinDynamics

    class Mixture(BaseModel):
        def __init__(self):
            super().__init__()
            self.means = torch.tensor(MEANS)

        def forward(self, x):
            square = ((x[:, None, :] - self.means) ** 2).sum(2)
            return -torch.logsumexp(square / (-2 * VARIANCE), 1)

    if case == "mixture":
        model = Mixture()
    else:
        model = GaussianModel(torch.zeros(n), torch.linalg.inv(torch.tensor(precision_matrix(n))))
    sampler = LangevinDynamics(model, step_size=STEP_SIZE, device=device)
    state = [torch.randn(chains, n)]

    def run(steps):
        state[0] = sampler.sample(x=state[0], n_steps=steps)
        wait()

    return run


PEERS = {"torch, eager": eager, "jax": compiled, "torchebm": torchebm}


def main():
    parser = argparse.ArgumentParser(description="Langevin steps of peers: a JSON line a case")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--seconds", type=float, default=1.0, help="about how long a repeat takes")
    parser.add_argument("--repeats", type=int, default=5, help="the least time of so many counts")
    parser.add_argument("--cases", nargs="*", choices=SIZES, default=list(SIZES))
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    wanted = parser.parse_args()
    processors = sorted(os.sched_getaffinity(0))
    if wanted.threads > len(processors):
        parser.error(f"--threads must be <= {len(processors)}, the processors here, got {wanted.threads}")
    os.sched_setaffinity(0, processors[-wanted.threads :])
    for peer in wanted.peers:
        for case in wanted.cases:
            chains, n = SIZES[case]
            try:
                run = PEERS[peer](case, chains, n, wanted.threads, wanted.device)
            except ImportError as missing:
                print(f"{peer} is left out: {missing}", file=sys.stderr)
                break
            steps, took = least_time(run, wanted.seconds, wanted.repeats)
            line = {"case": case.rstrip("0123456789"), "program": peer, "method": "langevin", "chains": chains, "n": n}
            line |= {"threads": wanted.threads if wanted.device == "cpu" else 0, "steps": steps, "ms_a_step": took * 1e3}
            print(json.dumps(line | {"ns_an_element": took * 1e9 / (chains * n)}), flush=True)


if __name__ == "__main__":
    main()
