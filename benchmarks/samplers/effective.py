# SPDX-License-Identifier: Apache-2.0
"""Effective samples of the worst coordinate, by ArviZ: of its rank (bulk), its tails, its square and its sign.

Chains that begin at independent draws are worth one effective sample each without moving, so a figure below a few times
the number of chains says more of the starts than of the method: `resolved` tells.
"""

import arviz
import numpy as np

SUSPECTS = 4  # coordinates that ArviZ sees of each kind, found by the variance of chains' means
RESOLVED = 5  # effective samples a chain


def worst(values):
    """Coordinates of [chains, draws, d] whose chain means spread most beside the coordinate itself."""
    spread = values.mean(1).var(0) / np.maximum(values.var((0, 1)), 1e-30)
    return np.argsort(-spread)[:SUSPECTS]


def effective(draws, symmetric):
    """Least effective samples over coordinates, by kind. `symmetric`: signs are modes, and their mass counts too."""
    kinds = {"bulk": (draws, "bulk"), "tail": (draws, "tail"), "square": (draws**2, "bulk")}
    if symmetric:
        kinds["sign"] = ((draws > 0).astype(np.float32), "mean")
    seen = {kind: worst(values) for kind, (values, _) in kinds.items()}
    seen["tail"] = np.unique(np.concatenate([seen["bulk"], seen["square"]]))
    least = {
        kind: min(float(arviz.ess(values[:, :, i].astype(float), method=method)) for i in seen[kind])
        for kind, (values, method) in kinds.items()
    }
    figure = min(least.values())
    return {**least, "least": figure, "resolved": bool(figure >= RESOLVED * draws.shape[0])}


def variance_error(draws, exact):
    """Largest relative error of a coordinate's variance, and its standard error from the chains' own variances."""
    if exact is None:
        return None, None
    centred = draws.astype(float) - draws.mean((0, 1), dtype=float)
    of_chain = (centred**2).mean(1) / exact
    error = of_chain.mean(0) - 1
    i = int(np.argmax(np.abs(error)))
    return float(error[i]), float(of_chain[:, i].std() / len(draws) ** 0.5)


def result(target, target_name, program, draws, gradients, seconds, warmup_seconds, thin):
    """What both sides say of a run: `draws` [chains, draws, d], gradients of all chains, seconds without warm-up."""
    counts = effective(draws, symmetric=target_name == "double_well")
    error, noise = variance_error(draws, target.variance)
    return {
        "target": target_name,
        "program": program,
        "chains": draws.shape[0],
        "draws": draws.shape[1],
        "thin": thin,
        "gradients": gradients,
        "seconds": seconds,
        "warmup_seconds": warmup_seconds,
        "effective": counts,
        "per_gradient": counts["least"] / gradients,
        "per_second": counts["least"] / seconds,
        "variance_error": error,
        "variance_noise": noise,
    }
