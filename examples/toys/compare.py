# SPDX-License-Identifier: Apache-2.0
"""Learns the laws of data.py with Potluck, torchebm and ebmkit, draws from each, and compares with held-out data.

  compare.py POTLUCK [--laws moons ...] [--seeds 1 2 3] [--programs potluck ...] [--runs FOLDER] [--updates N]

Prints a JSON line for each law, seed and program, and keeps the draws in RUNS/LAW-PROGRAM-SEED.npy for picture.py. Potluck
runs the composition files of this folder. The peers get two hidden layers of 128 and as many seconds of processors as
Potluck's training took, its start included and theirs not; each is used as its own documentation does it:
  torchebm  its MLP, denoising score matching at one level of noise, 1000 steps of Langevin from normal numbers
  ebmkit    its noise-conditional MLP, denoising score matching on 30 levels, average of the weights, annealed Langevin
            of 20 steps a level, four times the evaluations of Potluck's run
Peers that are not installed (benchmarks/learning/requirements.txt) are left out.

  mmd    unbiased squared maximum mean discrepancy of 1000 draws and 1000 held-out rows, mean of Gaussian kernels of
         widths 0.1, 0.3 and 1 (Gretton et al. 2012, lemma 6)
  level  what 1 % of 500 random permutations of these rows exceed: larger draws than that are told from data
  share  the largest distance of a part's share among draws from its share in the law, 1 / parts
  off    share of draws that lie further from all data than 99 % of held-out rows do: 0.01 is perfect
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
BATCH = 256
LEAST_NOISE = 0.05  # at which all draw, as the composition files say


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


def measured(law, draws, test, rows):
    draws = draws[np.isfinite(draws).all(1)]
    lost = ROWS - len(draws)
    if len(draws) < ROWS // 2:
        return {"lost": lost}
    found, level = discrepancy(np.resize(draws, (ROWS, 2)), test[:ROWS])
    shares = np.bincount(law.parts(draws), minlength=law.count) / len(draws)
    off = (nearest(draws, rows) > np.quantile(nearest(test, rows), 0.99)).mean()
    return {
        "mmd": found,
        "level": level,
        "share": abs(shares - 1 / law.count).max(),
        "shares": shares.tolist(),
        "off": off,
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
    import h5py

    file, folder = HERE / f"{law.name}.yaml", wanted.runs / f"{law.name}-{seed}"
    weights = HERE / "experts" / f"{law.name}.safetensors"
    weights.parent.mkdir(exist_ok=True)
    weights.unlink(missing_ok=True)
    words = [wanted.potluck, "train", file, "--overwrite", "--quiet", "--threads", 1, "--output", f"{folder}-training"]
    if wanted.updates:
        words += ["--set", f"learn.until.updates={wanted.updates}"]
    learned = run([*words, "--set", f"learn.seed={seed}"])
    words = [wanted.potluck, "sample", file, "--overwrite", "--quiet", "--threads", 1, "--output", folder]
    drawn = run([*words, "--seed", seed])
    (wanted.runs / f"{law.name}-{seed}.safetensors").write_bytes(weights.read_bytes())
    with h5py.File(folder / "draws.nc") as draws:
        return np.array(draws["posterior/x"])[:, -1], learned, drawn


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
            layer = torch.nn.Linear
            self.net = torch.nn.Sequential(
                layer(2, 128), torch.nn.SiLU(), layer(128, 128), torch.nn.SiLU(), layer(128, 1)
            )

        def forward(self, x):
            return self.net(x).squeeze(-1)

    model = Energy()
    loss = DenoisingScoreMatching(model=model, noise_scale=0.1, device="cpu")
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)

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

    sigmas = ebm.geometric_sigmas(3, LEAST_NOISE, 30)
    energy = ebm.nets.NoiseConditionalMLPEnergy(2, (128, 128))
    trainer = ebm.Trainer(
        energy, ebm.MultiSigmaDenoisingScoreMatching(sigmas), lr=1e-3, device="cpu", ema_decay=0.999
    )
    updates = 100 * until_spent(seconds, lambda: trainer.fit(rows, steps=100, batch_size=BATCH, verbose=False))
    sampler = ebm.AnnealedLangevinDynamics(sigmas, step_size=0.5 * LEAST_NOISE**2, steps_per_sigma=20)
    return sampler.sample(trainer.ema.module, 3 * torch.randn(ROWS, 2)), updates


PEERS = {"torchebm": by_torchebm, "ebmkit": by_ebmkit}


def by_peer(name, rows, seconds, seed):
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    draws, updates = PEERS[name](torch.tensor(rows), seconds)
    return draws.detach().numpy(), updates


def compare(wanted, law, seed):
    rows, test = (np.load(HERE / "data" / f"{law.name}{end}.npy") for end in ("", "_test"))
    draws, learned, drawn = by_potluck(wanted, law, seed)
    found = [("potluck", draws, {"drawing_seconds": drawn})]
    for name in wanted.peers:
        try:
            began = time.process_time()
            draws, updates = by_peer(name, rows, learned, seed)
            found.append((name, draws, {"updates": updates, "all_seconds": time.process_time() - began}))
        except ImportError as missing:
            print(f"{name} is left out: {missing}", file=sys.stderr)
    for name, draws, more in found:
        np.save(wanted.runs / f"{law.name}-{name}-{seed}.npy", draws)
        line = {"law": law.name, "seed": seed, "program": name, "learning_seconds": learned}
        print(json.dumps(line | measured(law, draws, test, rows) | more), flush=True)


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
    for name in wanted.laws:
        for seed in wanted.seeds:
            compare(wanted, LAWS[name], seed)


if __name__ == "__main__":
    main()
