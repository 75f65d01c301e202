# SPDX-License-Identifier: Apache-2.0
"""Learns the laws of data.py with Potluck, torchebm and ebmkit, draws from each, and compares with held-out data.

  compare.py POTLUCK [--laws moons ...] [--seeds 1 2 3] [--peers ebmkit ...] [--runs FOLDER] [--updates N]

Prints a JSON line for each law, seed and program, and keeps the draws in RUNS/LAW-PROGRAM-SEED.npy for picture.py.
Potluck runs the composition files of this folder. The peers get its three hidden layers of 128, its batches, and as
many seconds of processors as its training took, its start included and theirs not; each is used as its own
documentation does it:
  torchebm  its denoising score matching at one level of noise, 0.1, with Adam at 1e-3, and its Langevin dynamics of 1000
            steps of 1e-3 from normal numbers. It has no objective that tells data from noise, and no exact sampler of
            separate modes
  ebmkit    its noise-contrastive estimation with the noise law of the composition files, its Trainer with Adam at 5e-3
            (better than its preset of 1e-3) and an average of the weights, and its parallel tempering at four
            temperatures up to 10 over MALA, whose step its AdaptiveMALA finds
Peers that are not installed (benchmarks/learning/requirements.txt) are left out.

  noise     standard deviation of the noise in the law that is drawn. Held-out data that draws are compared with have as
            much: 0.1 for torchebm, which learns blurred data, and 0 for the others
  mmd       unbiased squared maximum mean discrepancy of 1000 draws and 1000 held-out rows, mean of Gaussian kernels of
            widths 0.1, 0.3 and 1 (Gretton et al. 2012, lemma 6)
  level     what 1 % of 500 random permutations of these rows exceed: larger draws than that are told from data
  share     the largest distance of a part's share among draws from its share in the law, 1 / parts
  share_se  the same in standard errors of a share of so many independent draws
  off       share of draws that lie further from all data than 99 % of held-out rows do: 0.01 is perfect
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np

from data import HERE, LAWS

ROWS = 1000
WIDTHS = (0.1, 0.3, 1.0)
PERMUTATIONS = 500
BATCH = 64
HIDDEN = (128, 128, 128)
NOISE_VARIANCE = 1.5  # of the noise law, as the composition files say
RATE = {"torchebm": 1e-3, "ebmkit": 5e-3}  # of Adam
NOISE = {"potluck": 0.0, "torchebm": 0.1, "ebmkit": 0.0}  # in the law that a program draws


def kernel(x):
    square = ((x[:, None] - x) ** 2).sum(-1)
    return sum(np.exp(-square / (2 * width**2)) for width in WIDTHS) / len(WIDTHS)


def discrepancy(draws, rows):
    """(squared discrepancy, its level)."""
    n = len(draws)
    matrix = kernel(np.concatenate([draws, rows]))
    np.fill_diagonal(matrix, 0)
    random = np.random.default_rng(0)
    sides = np.ones((PERMUTATIONS + 1, 2 * n))
    sides[0, n:] = -1
    for side in sides[1:]:
        side[random.permutation(2 * n)[n:]] = -1
    # With s = +1 or -1 for the side of a row: s' K s = within both sides less twice between them.
    within_less_between = np.einsum("pi,pi->p", sides @ matrix, sides)
    within = (matrix.sum() + within_less_between) / 2
    between = (matrix.sum() - within_less_between) / 4
    found = within / (n * (n - 1)) - 2 * between / n**2
    return found[0], np.quantile(found[1:], 0.99)


def nearest(x, among):
    return np.array([((among - row) ** 2).sum(1).min() for row in x])


def measured(law, draws, noise, test, rows):
    random = np.random.default_rng(1)
    test, rows = (x + noise * random.normal(size=x.shape) for x in (test, rows))
    draws = draws[np.isfinite(draws).all(1)]
    lost = ROWS - len(draws)
    if len(draws) < ROWS // 2:
        return {"lost": lost}
    found, level = discrepancy(np.resize(draws, (ROWS, 2)), test[:ROWS])
    shares = np.bincount(law.parts(draws), minlength=law.count) / len(draws)
    wanted = 1 / law.count
    return {
        "noise": noise,
        "mmd": found,
        "level": level,
        "share": abs(shares - wanted).max(),
        "share_se": abs(shares - wanted).max() / np.sqrt(wanted * (1 - wanted) / len(draws)),
        "shares": shares.tolist(),
        "off": (nearest(draws, rows) > np.quantile(nearest(test, rows), 0.99)).mean(),
        "lost": lost,
    }


def run(words):
    """Seconds of processors that a program took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}: {ended.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def by_potluck(wanted, law, seed):
    """(draws, seconds of processors of training, of drawing)"""
    import netCDF4

    file, folder = HERE / f"{law.name}.yaml", wanted.runs / f"{law.name}-{seed}"
    weights = folder.with_suffix(".safetensors")
    weights.unlink(missing_ok=True)
    words = [file, "--overwrite", "--quiet", "--threads", 1]
    words += ["--set", f"energies.{law.name}.weights={weights.resolve()}"]
    updates = ["--set", f"learn.until.updates={wanted.updates}"] if wanted.updates else []
    training = [*updates, "--set", f"learn.seed={seed}", "--output", f"{folder}-training"]
    learned = run([wanted.potluck, "train", *words, *training])
    drawn = run([wanted.potluck, "sample", *words, "--seed", seed, "--output", folder])
    with netCDF4.Dataset(folder / "draws.nc") as draws:
        return np.asarray(draws["posterior"]["x"][:, -1]), learned, drawn


def until_spent(seconds, update):
    began = time.process_time()
    updates = 0
    while time.process_time() - began < seconds:
        update()
        updates += 1
    return updates


def by_torchebm(rows, seconds):
    import torch
    from torchebm.core import BaseModel
    from torchebm.losses import DenoisingScoreMatching
    from torchebm.samplers import LangevinDynamics

    class Energy(BaseModel):
        def __init__(self):
            super().__init__(device="cpu")
            sizes = (2, *HIDDEN)
            layers = [[torch.nn.Linear(*pair), torch.nn.SiLU()] for pair in zip(sizes, sizes[1:])]
            self.net = torch.nn.Sequential(*sum(layers, []), torch.nn.Linear(sizes[-1], 1))

        def forward(self, x):
            return self.net(x).squeeze(-1)

    model = Energy()
    loss = DenoisingScoreMatching(model=model, noise_scale=NOISE["torchebm"], device="cpu")
    optimiser = torch.optim.Adam(model.parameters(), RATE["torchebm"])

    def update():
        optimiser.zero_grad()
        loss(rows[torch.randint(len(rows), (BATCH,))]).backward()
        optimiser.step()

    updates = until_spent(seconds, update)
    sampler = LangevinDynamics(model, step_size=1e-3, device="cpu")
    return sampler.sample(x=torch.randn(ROWS, 2) * rows.std(), n_steps=1000), updates


def by_ebmkit(rows, seconds):
    import ebm
    import torch

    scale = torch.full((2,), NOISE_VARIANCE**0.5)
    noise = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2), scale), 1)
    energy, loss = ebm.nets.MLPEnergy(2, HIDDEN), ebm.NoiseContrastiveEstimation(noise)
    trainer = ebm.Trainer(energy, loss, lr=RATE["ebmkit"], device="cpu", ema_decay=0.999)
    updates = 100 * until_spent(seconds, lambda: trainer.fit(rows, steps=100, batch_size=BATCH, verbose=False))
    start, mala = scale * torch.randn(ROWS, 2), ebm.AdaptiveMALA(0.005, warmup=100)
    mala.sample(trainer.ema.module, start, steps=1)  # finds the step
    sampler = ebm.ParallelTempering(mala, (1.0, 2.2, 4.6, 10.0), steps=150)
    return sampler.sample(trainer.ema.module, start), updates


PEERS = {"torchebm": by_torchebm, "ebmkit": by_ebmkit}


def by_peer(name, rows, seconds, seed):
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    draws, updates = PEERS[name](torch.tensor(rows), seconds)
    return draws.detach().numpy(), updates


def report(wanted, law, seed, name, draws, learned, more):
    rows, test = (np.load(HERE / "data" / f"{law.name}{end}.npy") for end in ("", "_test"))
    np.save(wanted.runs / f"{law.name}-{name}-{seed}.npy", draws)
    line = {"law": law.name, "seed": seed, "program": name, "learning_seconds": learned}
    print(json.dumps(line | measured(law, draws, NOISE[name], test, rows) | more), flush=True)


def compare(wanted):
    """Potluck first, whose seconds the peers get."""
    runs = [(LAWS[name], seed) for seed in wanted.seeds for name in wanted.laws]
    seconds = []
    for law, seed in runs:
        draws, learned, drawn = by_potluck(wanted, law, seed)
        seconds.append(learned)
        report(wanted, law, seed, "potluck", draws, learned, {"drawing_seconds": drawn})
    missing = set()
    for (law, seed), learned in zip(runs, seconds):
        rows = np.load(HERE / "data" / f"{law.name}.npy")
        for name in [peer for peer in wanted.peers if peer not in missing]:
            began = time.process_time()
            try:
                draws, updates = by_peer(name, rows, learned, seed)
            except ImportError as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
                missing.add(name)
                continue
            more = {"updates": updates, "all_seconds": time.process_time() - began}
            report(wanted, law, seed, name, draws, learned, more)


def main():
    parser = argparse.ArgumentParser(description="Learned laws in the plane beside their data: a JSON line each")
    parser.add_argument("potluck", type=pathlib.Path, help="the program")
    parser.add_argument("--laws", nargs="*", choices=LAWS, default=list(LAWS))
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--runs", type=pathlib.Path, default=HERE / "runs")
    parser.add_argument("--updates", type=int, help="of Potluck's training; default: as the composition files say")
    wanted = parser.parse_args()
    wanted.runs.mkdir(parents=True, exist_ok=True)
    compare(wanted)


if __name__ == "__main__":
    main()
