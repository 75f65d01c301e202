# SPDX-License-Identifier: Apache-2.0
"""Chain-steps and training updates a second of one network in Potluck, in plain PyTorch, in torchebm and in ebmkit.

  speed.py POTLUCK [--threads 1 2] [--rounds 3] [--steps 200] [--updates 20] [--folder FOLDER]    prints a JSON line each

Everybody has the same conv_energy with the same weights (network.py; its energies and gradients are first compared with
those of `potluck evaluate`), 64 chains of 28 x 28 numbers, and batches of 128 rows. The programs take turns, so that
other work on the machine meets all of them; of the rounds the fastest counts. Each line has seconds on the clock and
seconds of processors, without start-up: those of processors are what to compare where the machine is shared.

A training update is the same for Potluck, PyTorch and ebmkit: noise levels drawn for each row, denoising score
matching, gradient clipped to norm 1, Adam, average of the weights. torchebm's loss has one noise level for all rows and
its update here neither clips nor averages. It has no Metropolis-adjusted Langevin.
"""

import argparse
import copy
import csv
import json
import math
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
CHAINS, BATCH = 64, 128
NOISE, LABEL = 0.3, 3
STEP_SIZE = {"langevin": 1e-4, "mala": 1e-4}
PEERS = ("torch", "torchebm", "ebmkit")
TOLERANCE = 1e-3  # of energies and gradients beside those of network.py, both float32


def make_data(folder):
    """Pictures of three soft discs each, and labels that mean nothing: times do not depend on them."""
    random = np.random.default_rng(1)
    centres, widths = random.uniform(4, 24, (2000, 3, 2)), random.uniform(1.5, 4, (2000, 3))
    axis = np.arange(28)
    square = (axis[:, None] - centres[..., :1, None]) ** 2 + (axis - centres[..., 1:, None]) ** 2
    pictures = np.exp(-square / (2 * widths[..., None, None] ** 2)).sum(1)
    np.save(folder / "images.npy", pictures.astype(np.float32))
    np.save(folder / "labels.npy", random.integers(0, 10, 2000))


def run_potluck(words, processors):
    """Seconds of processors that the program took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [str(word) for word in words],
        preexec_fn=lambda: os.sched_setaffinity(0, processors),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}: {ended.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Potluck:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        text = (HERE / "conv_energy.yaml").read_text(encoding="utf-8")
        self.file = folder / "conv_energy.yaml"
        self.file.write_text(text, encoding="utf-8")

    def train(self, updates, threads, processors):
        run = self.folder / "training"
        words = [self.program, "train", self.file, "--continue", "--overwrite", "--quiet", "--threads", threads]
        words += ["--output", run, "--set", f"learn.until.updates={updates}", "--set", f"learn.report_every={updates}"]
        taken = run_potluck(words, processors)
        with open(run / "training.csv", encoding="utf-8") as lines:
            return float(list(csv.DictReader(lines))[-1]["seconds"]), taken

    def sample(self, method, steps, threads, processors):
        run = self.folder / "sampling"
        words = [self.program, "sample", self.file, "--overwrite", "--quiet", "--threads", threads, "--output", run]
        for key, value in {"method": method, "step_size": STEP_SIZE[method], "steps": steps, "thin": steps}.items():
            words += ["--set", f"sample.{key}={value}"]
        taken = run_potluck(words, processors)
        return json.loads((run / "run.json").read_text())["seconds"]["sampling"], taken

    def of_one(self, job, count, threads, processors):
        """Seconds of clock and processors of one step or update: those of 3 `count` less those of `count`."""

        def run(steps):
            if job == "training":
                return self.train(steps, threads, processors)
            return self.sample(job, steps, threads, processors)

        short, long = run(count), run(3 * count)
        return tuple((b - a) / (2 * count) for a, b in zip(short, long))


def compare_energies(potluck):
    """The network of network.py must be Potluck's."""
    import torch

    from network import ConvEnergy, read_weights

    rows = potluck.folder / "rows.npy"
    images = np.load(potluck.folder / "images.npy")[:CHAINS] + 0.3 * np.random.default_rng(2).normal(size=(64, 28, 28))
    np.save(rows, images.astype(np.float32))
    out = potluck.folder / "energies.npz"
    words = [potluck.program, "evaluate", potluck.file, "--at", f"image={rows}", "--gradient", "--output", out]
    run_potluck([*words, "--overwrite", "--quiet"], os.sched_getaffinity(0))
    found = np.load(out)
    x = torch.tensor(np.load(rows), requires_grad=True)
    energy = ConvEnergy(read_weights(potluck.folder / "net.safetensors"))(x, NOISE, LABEL)
    (gradient,) = torch.autograd.grad(energy.sum(), x)
    for name, own in {"energy": energy, "gradient_image": gradient}.items():
        own = own.detach().numpy()
        off = np.abs(found[name] - own).max() / np.abs(own).max()
        if not off < TOLERANCE:
            raise SystemExit(f"{name} of network.py must be that of Potluck, got a relative distance of {off:.2g}")
        print(f"{name}: network.py is off by {off:.1e} of the largest", file=sys.stderr)


class Peer:
    """The jobs of one library in this process."""

    def __init__(self, name, folder, threads):
        import torch

        from network import ConvEnergy, read_weights

        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.torch = torch
        self.net = ConvEnergy(read_weights(folder / "net.safetensors"))
        self.images = torch.tensor(np.load(folder / "images.npy"))
        self.labels = torch.tensor(np.load(folder / "labels.npy"))
        self.jobs = getattr(self, name)()

    def start(self):
        return self.images[:CHAINS] + NOISE * self.torch.randn(CHAINS, 28, 28)

    def frozen(self):
        return copy.deepcopy(self.net).requires_grad_(False)

    def torch_(self):
        torch, net = self.torch, self.frozen()

        def evaluate(x):
            x = x.detach().requires_grad_(True)
            energy = net(x, NOISE, LABEL)
            (gradient,) = torch.autograd.grad(energy.sum(), x)
            return energy.detach(), gradient

        def langevin(steps):
            step, x = STEP_SIZE["langevin"], self.start()
            for _ in range(steps):
                x = x - step * evaluate(x)[1] + math.sqrt(2 * step) * torch.randn_like(x)

        def mala(steps):
            step, x = STEP_SIZE["mala"], self.start()
            energy, gradient = evaluate(x)
            for _ in range(steps):
                y = x - step * gradient + math.sqrt(2 * step) * torch.randn_like(x)
                energy_y, gradient_y = evaluate(y)
                there = ((y - x + step * gradient) ** 2).sum((1, 2))
                back = ((x - y + step * gradient_y) ** 2).sum((1, 2))
                accepted = torch.rand(len(x)).log() < energy - energy_y + (there - back) / (4 * step)
                energy = torch.where(accepted, energy_y, energy)
                x = torch.where(accepted[:, None, None], y, x)
                gradient = torch.where(accepted[:, None, None], gradient_y, gradient)

        return {"langevin": langevin, "mala": mala, "training": self.training()}

    def training(self):
        torch, net, scale = self.torch, self.net, self.net.data_scale
        average = [p.detach().clone() for p in net.parameters()]
        optimiser = torch.optim.Adam(net.parameters(), 1e-3)

        def train(updates):
            for update in range(updates):
                rows = torch.randint(len(self.images), (BATCH,))
                sigma = (scale.log() - 0.3 + 1.4 * torch.randn(BATCH)).exp().clamp(0.02 * scale, 40 * scale)
                noise = torch.randn(BATCH, 28, 28)
                x = (self.images[rows] + sigma[:, None, None] * noise).requires_grad_(True)
                (slope,) = torch.autograd.grad(net(x, sigma, self.labels[rows]).sum(), x, create_graph=True)
                weight = (sigma**2 + scale**2) / scale**2
                loss = (weight * ((sigma[:, None, None] * slope - noise) ** 2).mean((1, 2))).mean()
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(net.parameters(), 1)
                for group in optimiser.param_groups:
                    group["lr"] = 1e-3 * (1 + math.cos(math.pi * update / updates)) / 2
                optimiser.step()
                with torch.no_grad():
                    torch._foreach_lerp_(average, list(net.parameters()), 1e-3)

        return train

    def torchebm(self):
        torch = self.torch
        from torchebm.core import BaseModel
        from torchebm.losses import DenoisingScoreMatching
        from torchebm.samplers import LangevinDynamics

        class Energy(BaseModel):
            def __init__(self, net):
                super().__init__(device="cpu")
                self.net = net

            def forward(self, x):
                return self.net(x, NOISE, LABEL)

        sampler = LangevinDynamics(Energy(self.frozen()), step_size=STEP_SIZE["langevin"], device="cpu")
        model = Energy(self.net)
        loss = DenoisingScoreMatching(model, noise_scale=NOISE, device="cpu")
        optimiser = torch.optim.Adam(model.parameters(), 1e-3)

        def train(updates):
            for _ in range(updates):
                optimiser.zero_grad(set_to_none=True)
                loss(self.images[torch.randint(len(self.images), (BATCH,))]).backward()
                optimiser.step()

        return {"langevin": lambda steps: sampler.sample(x=self.start(), n_steps=steps), "training": train}

    def ebmkit(self):
        import ebm

        net = self.frozen()

        def sampling(sampler):
            return lambda steps: sampler.sample(lambda x: net(x, NOISE, LABEL), self.start(), steps=steps)

        loss = ebm.MultiSigmaDenoisingScoreMatching(ebm.geometric_sigmas(10, 0.01, 32))

        class Energy(self.torch.nn.Module):
            def __init__(self, inner):
                super().__init__()
                self.inner = inner

            def forward(self, x, sigma):
                return self.inner(x, sigma, LABEL)

        trainer = ebm.Trainer(Energy(self.net), loss, device="cpu", ema_decay=0.999, grad_clip_norm=1.0)
        return {
            "langevin": sampling(ebm.LangevinDynamics(step_size=STEP_SIZE["langevin"])),
            "mala": sampling(ebm.MALA(step_size=STEP_SIZE["mala"])),
            "training": lambda updates: trainer.fit(self.images, steps=updates, batch_size=BATCH, verbose=False),
        }


def work_as(wanted):
    """Times the jobs of one peer in this process and prints them."""
    threads = wanted.threads[0]
    peer = Peer({"torch": "torch_"}.get(wanted.peer, wanted.peer), wanted.folder, threads)
    for job, run in peer.jobs.items():
        count = wanted.updates if job == "training" else wanted.steps
        run(max(2, count // 10))
        began, taken = time.perf_counter(), time.process_time()
        run(2 * count)
        clock, processors = time.perf_counter() - began, time.process_time() - taken
        print(json.dumps([job, clock / (2 * count), processors / (2 * count)]), flush=True)


def peers_times(wanted, peer, threads, processors):
    words = [sys.executable, __file__, wanted.potluck, "--peer", peer, "--threads", str(threads)]
    words += ["--folder", str(wanted.folder), "--steps", str(wanted.steps), "--updates", str(wanted.updates)]
    ended = subprocess.run(
        words,
        preexec_fn=lambda: os.sched_setaffinity(0, processors),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"{peer} failed")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def times(wanted, potluck, threads, processors):
    """(program, job, seconds of the clock and of processors) of everybody, one after the other."""
    weights = potluck.folder / "net.safetensors"
    kept = weights.read_bytes()
    for job in ("langevin", "mala", "training"):
        count = wanted.updates if job == "training" else wanted.steps
        yield "potluck", job, *potluck.of_one(job, count, threads, processors)
    weights.write_bytes(kept)  # the training went on from them
    for peer in wanted.peers:
        for line in peers_times(wanted, peer, threads, processors):
            yield peer, *line


def compare(wanted):
    make_data(wanted.folder)
    potluck = Potluck(wanted.potluck, wanted.folder)
    everyone = sorted(os.sched_getaffinity(0))
    potluck.train(1, 1, everyone)
    compare_energies(potluck)
    best = {}
    for _ in range(wanted.rounds):
        for threads in wanted.threads:
            for program, job, clock, taken in times(wanted, potluck, threads, everyone[-threads:]):
                print(f"{job}, {program}, {threads} threads: {clock * 1e3:.3g} ms, {taken * 1e3:.3g} of processors",
                      file=sys.stderr, flush=True)  # fmt: skip
                before = best.get((job, program, threads), (math.inf, math.inf))
                best[job, program, threads] = (min(before[0], clock), min(before[1], taken))
    for (job, program, threads), (clock, taken) in best.items():
        line = {"job": job, "program": program, "threads": threads, "rows": BATCH if job == "training" else CHAINS}
        print(json.dumps(line | {"seconds": clock, "processor_seconds": taken}))


def main():
    parser = argparse.ArgumentParser(description="Steps and updates a second of one network: a JSON line each")
    parser.add_argument("potluck", type=pathlib.Path, help="the program")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3, help="the fastest of so many counts")
    parser.add_argument("--steps", type=int, default=200, help="of all chains; twice as many are timed")
    parser.add_argument("--updates", type=int, default=20, help="of training; twice as many are timed")
    parser.add_argument("--folder", type=pathlib.Path, help="where data and runs are; default: one that is removed")
    parser.add_argument("--peers", choices=PEERS, nargs="*", default=PEERS, help="those to compare with")
    parser.add_argument("--peer", choices=PEERS, help="time this one alone, in this process")
    wanted = parser.parse_args()
    wanted.potluck = wanted.potluck.resolve()
    if wanted.peer:
        return work_as(wanted)
    with tempfile.TemporaryDirectory() as folder:
        wanted.folder = wanted.folder or pathlib.Path(folder)
        wanted.folder.mkdir(parents=True, exist_ok=True)
        return compare(wanted)


if __name__ == "__main__":
    main()
