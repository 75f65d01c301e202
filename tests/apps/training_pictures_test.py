# SPDX-License-Identifier: Apache-2.0
"""Pictures of draws while a training goes on: what TensorBoard's own reader finds of them, that they are what `potluck
sample` draws from the same weights, and that the training is the same without them.

    python training_pictures_test.py --program build/bin/potluck
"""

import argparse
import csv
import io
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np
from PIL import Image
from safetensors.numpy import load
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

PROGRAM = pathlib.Path()
SCENE = """
variables: {image: {shape: [4, 5]}, noise: {}, label: {categories: 2}}
energies:
  e: {model: mlp_energy, weights: e.safetensors, settings: {hidden: [8]}, inputs: {x: image, noise: noise, label: label}}
target: e
given: [{of: noise, value: 0.2}, {of: label, value: 1}]
learn:
  data: {image: {file: image.npy}, label: {file: label.npy, drop: 0.2}}
  hold_out: 20
  batch: 16
  rate: 0.01
  report_every: 10
  until: {updates: 30}
  samples: {every: 10, count: 6}
sample: {method: mala, anneal: {noise: {from: 5}, levels: 8, steps: 1, predictor: true}, warmup: 20, chains: 64, seed: 7}
output: {pictures: [image]}
"""
STEPS = [10, 20, 30]


class TrainingPicturesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "scene.yaml").write_text(SCENE)
        random = np.random.default_rng(3)
        label = random.integers(0, 2, 200)
        image = label[:, None, None] + 0.3 * random.normal(size=(200, 4, 5))
        np.save(self.folder / "image.npy", image.astype("float32"))
        np.save(self.folder / "label.npy", label)

    def begun(self, *words):
        return subprocess.Popen([PROGRAM, *words, "--threads", "1"], cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True,
                                env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"})

    def potluck(self, *words, code=0):
        process = self.begun(*words)
        out, err = process.communicate(timeout=200)
        self.assertEqual(process.returncode, code, err)
        return out + err

    def weights(self):
        """Of the training that has just ended, taken away."""
        file = self.folder / "e.safetensors"
        weights = file.read_bytes()
        file.unlink()
        return weights

    def pictures(self, run):
        return {file.name: file.read_bytes() for file in (self.folder / run / "samples").iterdir()}

    def events(self, run):
        events = EventAccumulator(str(self.folder / run), size_guidance={"images": 0})
        events.Reload()
        return events

    def rows(self, run):
        with open(self.folder / run / "training.csv", encoding="utf-8") as log:
            return list(csv.DictReader(log))

    def test_are_there_and_in_tensorboard_and_cost_no_bit(self):
        said = self.potluck("train", "scene.yaml", "--output", "run")
        self.assertRegex(said, r"update 30, .*, pictures \d")
        weights = self.weights()
        pictures = self.pictures("run")
        self.assertEqual(sorted(pictures), ["000010.png", "000020.png", "000030.png"])
        self.assertEqual(len(set(pictures.values())), 3)  # the weights move
        images = self.events("run").Images("samples/image")
        self.assertEqual([one.step for one in images], STEPS)
        for one in images:
            self.assertEqual(one.encoded_image_string, pictures[f"{one.step:06}.png"])
            picture = Image.open(io.BytesIO(one.encoded_image_string))
            self.assertEqual((picture.height, picture.width), (one.height, one.width))
            # 6 images of 4 x 5, each 21 times as large, in 2 rows of 3, lines of 2 between and around them.
            self.assertEqual((one.height, one.width), (2 * (4 * 21 + 2) + 2, 3 * (5 * 21 + 2) + 2))
        rows = self.rows("run")
        self.assertEqual([int(row["update"]) for row in rows], STEPS)
        self.assertTrue(all(float(row["sample_seconds"]) > 0 for row in rows))

        self.potluck("train", "scene.yaml", "--output", "without", "--set",
                     "learn={data: {image: {file: image.npy}, label: {file: label.npy, drop: 0.2}}, hold_out: 20, "
                     "batch: 16, rate: 0.01, report_every: 10, until: {updates: 30}}")
        self.assertEqual(self.weights(), weights)
        self.assertFalse((self.folder / "without" / "samples").exists())
        self.assertNotIn("sample_seconds", self.rows("without")[0])

    def test_are_what_a_run_draws_with_the_same_weights(self):
        self.potluck("train", "scene.yaml", "--output", "run")
        self.potluck("sample", "scene.yaml", "--output", "drawn", "--set", "sample.chains=6", "--set", "sample.steps=1")
        drawn = np.asarray(Image.open(self.folder / "drawn" / "pictures" / "image-chains.png"))
        last = Image.open(self.folder / "run" / "samples" / "000030.png")
        np.testing.assert_array_equal(np.asarray(last), drawn)
        self.assertEqual(last.text["Description"], "image: draws after 30 updates")
        before = np.asarray(Image.open(self.folder / "run" / "samples" / "000020.png"))
        self.assertFalse(np.array_equal(before, drawn))

    def test_ctrl_c_while_they_are_drawn_ends_well(self):
        scene = SCENE.replace("warmup: 20", "warmup: 12000").replace("updates: 30", "updates: 23")
        (self.folder / "scene.yaml").write_text(scene)
        self.potluck("train", "scene.yaml", "--output", "whole")
        weights, pictures = self.weights(), self.pictures("whole")
        self.assertEqual(sorted(pictures), ["000010.png", "000020.png"])
        process = self.begun("train", "scene.yaml", "--output", "run")
        # Ten updates take a fraction of a second, 12 000 steps of the warm-up far more.
        while not (self.folder / "run" / "training.csv").exists():
            time.sleep(0.01)
            self.assertIsNone(process.poll())
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=100)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn("Interrupted. The weights so far:\n", out)
        self.potluck("train", "--resume", "run")
        self.assertEqual(self.weights(), weights)
        self.assertEqual(self.pictures("run"), pictures)
        self.assertEqual([one.step for one in self.events("run").Images("samples/image")], [10, 20])
        without_time = [{key: row[key] for key in ("update", "loss", "held_out_loss")} for row in self.rows("run")]
        self.assertEqual(without_time, [{key: row[key] for key in one} for one, row in
                                        zip(without_time, self.rows("whole"))])

    def test_that_cannot_be_drawn_cost_a_warning_and_no_weights(self):
        self.potluck("train", "scene.yaml", "--output", "run")
        weights = self.weights()
        scene = SCENE.replace("method: mala", "method: langevin, step_size: 1000").replace(
            "anneal: {noise: {from: 5}, levels: 8, steps: 1, predictor: true}, ", "").replace("warmup: 20", "warmup: 200")
        (self.folder / "scene.yaml").write_text(scene)
        said = self.potluck("train", "scene.yaml", "--output", "wild")
        self.assertRegex(said, "warning: 3 pictures of draws could not be made, the last after update 30: step .* "
                               "Lower step_size")
        self.assertEqual([row["update"] for row in self.rows("wild")], ["10", "20", "30"])
        arrays = [load(weights), load(self.weights())]
        self.assertEqual(*[{name: array.tobytes() for name, array in one.items()} for one in arrays])

    def test_what_cannot_be_a_picture_is_refused(self):
        (self.folder / "scene.yaml").write_text(SCENE.replace("shape: [4, 5]", "shape: [20]").replace(
            "output: {pictures: [image]}\n", ""))
        np.save(self.folder / "image.npy", np.random.default_rng(4).normal(size=(200, 20)))
        said = self.potluck("train", "scene.yaml", "--output", "run", code=2)
        self.assertIn("scene.yaml:14:12: learn.samples must have a variable to make pictures of, one that is drawn and "
                      "has the shape [height, width], with or without channels, got none. Remove it", said)


def main():
    global PROGRAM
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=pathlib.Path, required=True)
    arguments, rest = parser.parse_known_args()
    PROGRAM = arguments.program.resolve()
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
