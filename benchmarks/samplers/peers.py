# SPDX-License-Identifier: Apache-2.0
"""Runs BlackJAX's and NumPyro's samplers on a target and prints a JSON line for each.

  peers.py TARGET [--programs NAME ...] [--chains 1024] [--threads 2] [--seconds 15] [--seed 1]

Chains begin at exact draws of the target, warm up (peer_methods.py), and then run block after block until so many
seconds have passed. Warm-up and compilation are not in the time; they are said beside it. Chains are spread over as
many devices of JAX as there are threads, each device with its own loop over its share of the chains: JAX uses one core
for most of a loop.

Gradients are counted as a chain needs them: what a loop over chains computes in vain while it waits for the longest
trajectory is in the seconds only.
"""

import argparse
import json
import os
import sys
import threading
import time

import numpy as np

from effective import result
from peer_methods import PROGRAMS
from targets import TARGETS

BLOCK = 20  # draws
PROGRESS_SECONDS = 5


class Progress:
    """Prints what goes on every few seconds, also while compiled code runs."""

    def __init__(self, what):
        self.what, self.began, self.doing, self.over = what, time.perf_counter(), "compiling", threading.Event()

    def _print(self):
        while not self.over.wait(PROGRESS_SECONDS):
            print(f"{self.what}: {self.doing}, {time.perf_counter() - self.began:.0f} s", file=sys.stderr, flush=True)

    def __enter__(self):
        threading.Thread(target=self._print, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over.set()


def blocks(step, states, devices, most_thin):
    """Compiled run(key, states, thin): BLOCK draws, each after `thin` steps -> (states, draws [BLOCK, C, d], gradients
    of all chains in a block)."""
    import jax
    from jax.sharding import Mesh, PartitionSpec

    def own_share(key, states, thin):
        key = jax.random.fold_in(key, jax.lax.axis_index("chains"))

        def move(_, carry):
            key, states, _, gradients = carry
            key, own = jax.random.split(key)
            states, positions, taken = step(own, states)
            return key, states, positions, gradients + taken

        def draw(carry, _):
            carry = move(0, carry)
            if most_thin > 1:
                carry = jax.lax.fori_loop(1, thin, move, carry)
            return carry, carry[2]

        _, positions, taken = jax.eval_shape(step, key, states)
        carry = (key, states, jax.numpy.zeros(positions.shape, positions.dtype), jax.numpy.zeros(len(positions), int))
        (_, states, _, gradients), draws = jax.lax.scan(draw, carry, None, BLOCK)
        return states, draws, gradients

    along, across = PartitionSpec("chains"), PartitionSpec(None, "chains")
    mesh = Mesh(np.array(jax.devices()[:devices]), ("chains",))
    share = jax.shard_map(
        own_share,
        mesh=mesh,
        in_specs=(PartitionSpec(), along, PartitionSpec()),
        out_specs=(along, across, along),
        check_vma=False,
    )
    return jax.jit(share), jax.device_put(states, jax.NamedSharding(mesh, along))


def run(name, target, wanted):
    import jax

    prepare, most_thin, _ = PROGRAMS[name]
    log_density = target.log_density()
    start = target.free(target.start(np.random.default_rng(wanted.seed), wanted.chains)).astype(np.float32)
    key = jax.random.PRNGKey(wanted.seed)
    with Progress(f"{wanted.target}, {name}") as progress:
        progress.doing = "compiling and warming up"
        began = time.perf_counter()
        states, step = prepare(log_density, jax.numpy.asarray(start), jax.random.fold_in(key, 1))
        jax.block_until_ready(states)
        warmup_seconds = time.perf_counter() - began
        progress.doing = "compiling"
        block, states = blocks(step, states, wanted.threads, most_thin)
        block = block.lower(key, states, 1).compile()
        progress.doing = "trying a block"
        began = time.perf_counter()
        states, _, _ = jax.block_until_ready(block(key, states, 1))  # also so much more warm-up
        a_block = time.perf_counter() - began
        thin = int(np.clip(wanted.seconds / (a_block * target.most_draws / BLOCK), 1, most_thin))
        draws, gradients, seconds = [], 0, 0.0
        while len(draws) * BLOCK < target.most_draws and (seconds < wanted.seconds or len(draws) < 2):
            progress.doing = f"{len(draws) * BLOCK} draws a chain"
            began = time.perf_counter()
            of_block = jax.random.fold_in(key, 2 + len(draws))
            states, new, taken = jax.block_until_ready(block(of_block, states, thin))
            seconds += time.perf_counter() - began
            draws.append(np.asarray(target.confine(new)).swapaxes(0, 1))
            gradients += int(np.asarray(taken).sum())
        progress.doing = "counting effective samples"
        draws = np.concatenate(draws, 1)
        return result(target, wanted.target, name, draws, gradients, seconds, warmup_seconds, thin)


def main():
    parser = argparse.ArgumentParser(description="Samplers of peers: a JSON line for each")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--programs", nargs="*", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--chains", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=15, help="about how long each samples")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    if wanted.chains % wanted.threads:
        parser.error(f"--chains must be a multiple of --threads ({wanted.threads}), got {wanted.chains}")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-wanted.threads :])
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={wanted.threads}"
    target = TARGETS[wanted.target]()
    for name in wanted.programs:
        if target.size >= PROGRAMS[name][2]:
            print(json.dumps(run(name, target, wanted)), flush=True)


if __name__ == "__main__":
    main()
