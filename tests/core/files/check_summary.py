# SPDX-License-Identifier: Apache-2.0
"""Compares summary.nc of tests/core/files/example_run.h, as xarray opens it, with the rows of summary.json.

Usage: check_summary.py FOLDER
"""
import json
import sys

import numpy
import xarray

folder = sys.argv[1]
with open(folder + "/summary.json") as file:
    variables = {entry["name"]: entry["scalars"] for entry in json.load(file)["variables"]}
for figure in ("mean", "sd", "mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "rhat", "nested_rhat"):
    table = xarray.open_dataset(folder + "/summary.nc", group=figure)
    assert table["image"].dims == ("image_dim_0", "image_dim_1") and table["image"].shape == (2, 3), table
    assert numpy.isnan(table["image"].values[0]).all()  # the first row is given
    assert table["image"].values[1].tolist() == [row[figure] for row in variables["image"]], figure
    assert table["z"].values == variables["z"][0][figure], figure
