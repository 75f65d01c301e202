# SPDX-License-Identifier: Apache-2.0
"""A small classifier of Fashion-MNIST, by which measure.py judges images that were drawn.

It maps an image of 28 x 28 numbers in [0, 1] to 64 features, and those to the logits of 10 classes:
convolution 5x5 to 16 channels with stride 2, 3x3 to 32, halving, 3x3 to 64, halving, 64 features, 10 logits.

    python classifier.py      trains it on the training images (minutes) and writes classifier.safetensors
"""

import argparse
import gzip
import os
import pathlib
import struct

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]
FEATURES = 64


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 16, 5, stride=2, padding=2)
        self.second = nn.Conv2d(16, 32, 3, padding=1)
        self.third = nn.Conv2d(32, 64, 3, padding=1)
        self.feature = nn.Linear(64 * 9, FEATURES)
        self.logit = nn.Linear(FEATURES, len(CLASSES))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """[N, 64], behind the activation, of images [N, 28, 28] in [0, 1]."""
        map = functional.relu(self.first(images.reshape(-1, 1, 28, 28) * 2 - 1))
        map = functional.max_pool2d(functional.relu(self.second(map)), 2)
        map = functional.max_pool2d(functional.relu(self.third(map)), 2)
        return functional.relu(self.feature(map.flatten(1)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logit(functional.dropout(self.features(images), 0.2, self.training))


def data_folder(given: pathlib.Path | None) -> pathlib.Path:
    folder = given or pathlib.Path(os.environ.get("POTLUCK_FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
    if not (folder / "train-images-idx3-ubyte.gz").exists():
        raise SystemExit(f"{folder}: must hold train-images-idx3-ubyte.gz. Install Debian's package "
                         "dataset-fashion-mnist, or give --data or POTLUCK_FASHION_MNIST")
    return folder


def read_idx(path: pathlib.Path) -> np.ndarray:
    """The array in a gzip'ed IDX file of unsigned bytes."""
    with gzip.open(path, "rb") as file:
        zero, kind, rank = struct.unpack(">HBB", file.read(4))
        if zero != 0 or kind != 8:
            raise SystemExit(f"{path}: must be an IDX file of unsigned bytes, got magic {zero}, {kind}")
        shape = struct.unpack(f">{rank}I", file.read(4 * rank))
        return np.frombuffer(file.read(), np.uint8).reshape(shape)


def read_images(folder: pathlib.Path, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images [N, 28, 28] of float32, each byte in the middle of its 1/256 of [0, 1], and labels [N]."""
    images = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    return torch.from_numpy((images.astype(np.float32) + 0.5) / 256), torch.from_numpy(labels.astype(np.int64))


def load() -> Classifier:
    classifier = Classifier()
    classifier.load_state_dict(load_file(HERE / "classifier.safetensors"))
    return classifier.eval()


@torch.no_grad()
def in_pieces(function, images: torch.Tensor, piece: int = 1000) -> torch.Tensor:
    return torch.cat([function(images[first : first + piece]) for first in range(0, len(images), piece)])


def train(images: torch.Tensor, labels: torch.Tensor, epochs: int) -> Classifier:
    torch.manual_seed(1)
    classifier = Classifier()
    updates = epochs * len(images) // 128
    optimiser = torch.optim.AdamW(classifier.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=updates)
    rows = torch.cat([torch.randperm(len(images)) for _ in range(epochs)])
    for update in range(updates):
        row = rows[update * 128 : (update + 1) * 128]
        batch = images[row]
        batch = torch.where(torch.rand(len(row), 1, 1) < 0.5, batch.flip(2), batch)
        loss = functional.cross_entropy(classifier(batch), labels[row])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if update % 100 == 0:
            print(f"update {update} of {updates}, loss {loss.item():.3f}", flush=True)
    return classifier.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, help="folder of the gzip'ed IDX files")
    parser.add_argument("--epochs", type=int, default=6)
    arguments = parser.parse_args()
    folder = data_folder(arguments.data)
    classifier = train(*read_images(folder, "train"), arguments.epochs)
    images, labels = read_images(folder, "t10k")
    accuracy = (in_pieces(classifier, images).argmax(1) == labels).float().mean().item()
    print(f"accuracy on the test images {accuracy:.4f}")
    save_file(classifier.state_dict(), HERE / "classifier.safetensors",
              metadata={"what": "classifier of Fashion-MNIST, 64 features", "test_accuracy": f"{accuracy:.4f}"})


if __name__ == "__main__":
    main()
