# SPDX-License-Identifier: Apache-2.0
"""Mean and root mean square distance from it of training rows, as NumPy computes them.

    python check_moments.py FOLDER    has image.npy, rows.npy (the rows that are trained on) and found.npy
"""

import sys

import numpy

folder = sys.argv[1]
image = numpy.load(f"{folder}/image.npy")[numpy.load(f"{folder}/rows.npy")] / 255 - 0.5
found = numpy.load(f"{folder}/found.npy")
mean = image.mean(axis=0).ravel()
scale = numpy.sqrt(((image - image.mean(axis=0)) ** 2).mean())
numpy.testing.assert_allclose(found[:-1], mean, rtol=1e-12)
numpy.testing.assert_allclose(found[-1], scale, rtol=1e-12)
# Another divisor, or the spread over all numbers, is told apart at this tolerance.
for other in (image.std(), image.std(axis=0, ddof=1).mean()):
    assert abs(found[-1] - other) > 1e-6, other
