# SPDX-License-Identifier: Apache-2.0
"""Opens the NetCDF file of tests/core/files/example_run.h as users of ArviZ do and compares every number.

ArviZ before version 1 reads into its InferenceData; version 1 takes xarray's DataTree, and is looked at by the two
packages that it is made of, arviz-base and arviz-stats, which may be installed beside an older ArviZ.

Usage: check_inference_data.py FILE DRAWS float32|float64 0|1
"""
import sys

import numpy
import xarray

file, draws, precision, version = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
if version == 0:
    import arviz

    data = arviz.from_netcdf(file)
    group, summary = (lambda tree, name: tree[name]), arviz.summary
else:
    import arviz_base
    import arviz_stats

    data = xarray.open_datatree(file)
    group, summary = (lambda tree, name: tree[name].to_dataset()), arviz_stats.summary


def joined(one, other):
    """Chains of two runs beside each other."""
    if version == 0:
        return arviz.concat(one, other, dim="chain", reset_dim=True)
    names = ["posterior", "sample_stats"]
    beside = {name: xarray.concat([group(tree, name) for tree in (one, other)], dim="chain") for name in names}
    return xarray.DataTree.from_dict(beside)


chains = 5
draw = numpy.arange(draws)[None, :]
chain = numpy.arange(chains)[:, None]

posterior = group(data, "posterior")
assert set(posterior.data_vars) == {"image", "z"}, posterior
assert posterior["image"].dims == ("chain", "draw", "image_dim_0", "image_dim_1"), posterior["image"].dims
assert posterior["image"].shape == (chains, draws, 2, 3)
assert posterior["image"].dtype == precision and posterior["z"].dtype == precision
assert posterior["chain"].values.tolist() == list(range(100, 105))
assert posterior["draw"].values.tolist() == list(range(draws))

element = numpy.arange(6).reshape(1, 1, 2, 3)
free = 0.5 + 0.4 * numpy.sin(draw[..., None, None] * 31 + chain[..., None, None] * 7 + element)
held = numpy.broadcast_to(0.25 * (element + 1), free.shape)
image = numpy.where(element < 3, held, free)
tolerance = 1e-7 if precision == "float32" else 1e-14
numpy.testing.assert_allclose(posterior["image"].values, image, rtol=0, atol=tolerance)
numpy.testing.assert_allclose(posterior["z"].values, numpy.cos(draw * 17 + chain * 5), rtol=0, atol=tolerance)
assert posterior.attrs["inference_library"] == "potluck"
assert posterior.attrs["inference_library_version"] == "0.1.0"
assert posterior.attrs["created_at"] == "2026-01-02T03:04:05+00:00"
assert posterior.attrs["seed"] == 7 and posterior.attrs["temperature"] == 2 and posterior.attrs["method"] == "mala"

energy = draw + 0.25 * chain
stats = group(data, "sample_stats")
numpy.testing.assert_array_equal(stats["energy"].values, energy)
numpy.testing.assert_array_equal(stats["lp"].values, -energy / 2)
numpy.testing.assert_allclose(stats["acceptance_rate"].values, numpy.broadcast_to(0.5 + 0.1 * chain, energy.shape))
assert stats["diverging"].dtype == bool and stats["diverging"].values.sum() == 0
assert stats["expert"].values.tolist() == ["coat", "smooth"]
numpy.testing.assert_array_equal(stats["expert_energy"].sel(expert="coat").values, 2 * energy)
numpy.testing.assert_array_equal(stats["expert_energy"].sel(expert="smooth").values, -energy)
numpy.testing.assert_array_equal(stats["step"].values, numpy.broadcast_to(10 * (draw + 1), energy.shape))
assert all(stats[name].dims[:2] == ("chain", "draw") for name in stats.data_vars), stats

both = joined(data, data.copy())
assert {v.sizes["chain"] for v in group(both, "sample_stats").data_vars.values()} == {2 * chains}
assert numpy.isfinite(summary(both, var_names=["z"])["r_hat"]).all()
if version == 1:
    assert arviz_base.extract(both).sizes["sample"] == 2 * chains * draws

observed = group(data, "observed_data")
assert observed["label"].values == 3 and observed["label"].dtype == numpy.int64
numpy.testing.assert_array_equal(observed["image"].values, [[0.25, 0.5, 0.75], [numpy.nan] * 3])

assert numpy.isfinite(summary(data, var_names=["z"])["r_hat"]).all()
