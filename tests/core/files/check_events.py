# SPDX-License-Identifier: Apache-2.0
"""What TensorBoard's own reader finds in the event file of event_file_test.cpp, and that it notices a changed byte.

    python check_events.py FOLDER
"""

import io
import pathlib
import sys

import numpy
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

folder = pathlib.Path(sys.argv[1])
events = EventAccumulator(str(folder))
events.Reload()
steps = [100, 200, 70_000_000_000]
assert sorted(events.Tags()["scalars"]) == ["loss", "rate"], events.Tags()
loss = events.Scalars("loss")
assert [one.step for one in loss] == steps, loss
assert [one.wall_time for one in loss] == [1.7e9 + step for step in steps], loss
numpy.testing.assert_allclose([one.value for one in loss], [1 / step for step in steps], rtol=1e-7)
assert [one.value for one in events.Scalars("rate")] == [0.25] * 3
(picture,) = events.Images("samples/image")
assert (picture.step, picture.height, picture.width) == (200, 2, 3), picture
pixels = numpy.asarray(Image.open(io.BytesIO(picture.encoded_image_string)))
numpy.testing.assert_array_equal(pixels, [[0, 50, 100], [150, 200, 250]])

# The checks of the records are right: with one byte of an event changed it is not read.
(file,) = folder.glob("events.out.tfevents.*")
whole = len(list(EventFileLoader(str(file)).Load()))
assert whole == 4, whole
bytes_ = bytearray(file.read_bytes())
bytes_[-8] ^= 1
broken = folder / "broken"
broken.mkdir()
(broken / file.name).write_bytes(bytes_)
try:
    found = len(list(EventFileLoader(str(broken / file.name)).Load()))
except Exception:  # readers of other versions raise here
    found = 0
assert found < whole, found
