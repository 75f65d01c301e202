# SPDX-License-Identifier: Apache-2.0
"""Prints ArviZ's numbers for each [chains, draws] .npy file as JSON: {name: {rhat: ..., ...}}."""
import json
import pathlib
import sys

import arviz
import numpy

answers = {}
for name in sys.argv[1:]:
    draws = numpy.load(name)
    with numpy.errstate(all="ignore"):
        answers[pathlib.Path(name).stem] = {
            "mean": draws.mean(),
            "sd": draws.std(ddof=1),
            "rhat": arviz.rhat(draws),
            "ess_bulk": arviz.ess(draws, method="bulk"),
            "ess_tail": arviz.ess(draws, method="tail"),
            "ess_mean": arviz.ess(draws, method="mean"),
            "mcse_mean": arviz.mcse(draws, method="mean"),
            "mcse_sd": arviz.mcse(draws, method="sd"),
            "bfmi": arviz.bfmi(draws),
        }


def plain(value):
    """A number, or a list of numbers with null for NaN, which JSON has not."""
    if numpy.ndim(value) == 0:
        return float(value)
    return [float(one) if numpy.isfinite(one) else None for one in value]


print(json.dumps({name: {key: plain(value) for key, value in of.items()} for name, of in answers.items()}))
