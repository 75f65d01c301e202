# SPDX-License-Identifier: Apache-2.0
"""Compares summary.nc of labels `kind` [2] of three categories, the second of them given, with summary.json.

Usage: check_label_summary.py FOLDER
"""
import json
import sys

import numpy
import xarray

folder = sys.argv[1]
with open(folder + "/summary.json") as file:
    (kind,) = json.load(file)["variables"]
table = xarray.open_dataset(folder + "/summary.nc", group="mean")["kind"]
assert table.dims == ("kind_dim_0", "kind_dim_1") and table.shape == (2, 3), table
assert table.values[0].tolist() == [row["mean"] for row in kind["scalars"]]
assert numpy.isnan(table.values[1]).all()  # given
assert abs(table.values[0].sum() - 1) < 1e-12
