# SPDX-License-Identifier: Apache-2.0
"""Fits the wardrobe's experts to the training images of Fashion-MNIST.

Per class a Gaussian with covariance diag(variance) + factor factor', found by principal components: the leading
eigenvectors of the class's covariance (scaled so that the eigenvalues come out right), and what they leave in each
pixel, plus 10^-3, since many pixels of a class are constant. Pixels are in [0, 1].

Writes, into the folder `experts` beside this file:
  <class>.safetensors   mean [784], factor [784, r], variance [784]                  for the model `gaussian`
  all.safetensors       mean [10, 784], factor [10, 784, r], variance [10, 784]      for the model `class_gaussian`
  code.safetensors      matrix [784, k], offset [784], variance [784] of coats       for the model `linear_gaussian`
  coat_top.safetensors, dress_bottom.safetensors   the parts of rows 0-17 and 10-27  for the model `gaussian`
and links the test images in, so that compositions can name them by a relative path.
"""

import argparse
import gzip
import os
import pathlib
import struct

import numpy as np
from safetensors.numpy import save_file

CLASSES = ["tshirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
FLOOR = 1e-3  # variance added to every pixel
CODE = 32  # numbers in the code of a coat


def read_idx(path: pathlib.Path) -> np.ndarray:
    """The array in a gzip'ed IDX file of unsigned bytes."""
    with gzip.open(path, "rb") as file:
        zero, kind, rank = struct.unpack(">HBB", file.read(4))
        if zero != 0 or kind != 8:
            raise SystemExit(f"{path}: must be an IDX file of unsigned bytes, got magic {zero}, {kind}")
        shape = struct.unpack(f">{rank}I", file.read(4 * rank))
        return np.frombuffer(file.read(), np.uint8).reshape(shape)


def fit(images: np.ndarray, rank: int) -> dict[str, np.ndarray]:
    """Mean, factor and residual variance of images [N, 784] in [0, 1]."""
    mean = images.mean(axis=0)
    covariance = np.cov(images, rowvar=False, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    factor = vectors[:, -rank:] * np.sqrt(np.maximum(values[-rank:], 0))
    variance = np.maximum(np.diag(covariance) - (factor**2).sum(axis=1), 0) + FLOOR
    return {"mean": mean, "factor": factor, "variance": variance}


def main() -> None:
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("POTLUCK_FASHION_MNIST", "/usr/share/datasets/fashion-mnist")
    parser.add_argument("--data", type=pathlib.Path, default=default, help="folder of the gzip'ed IDX files")
    parser.add_argument("--experts", type=pathlib.Path, default=here / "experts", help="where to write")
    parser.add_argument("--rank", type=int, default=256, help="columns of each factor")
    arguments = parser.parse_args()
    if not (arguments.data / "train-images-idx3-ubyte.gz").exists():
        raise SystemExit(f"{arguments.data}: must hold train-images-idx3-ubyte.gz. Install Debian's package "
                         "dataset-fashion-mnist, or give --data or POTLUCK_FASHION_MNIST")

    images = read_idx(arguments.data / "train-images-idx3-ubyte.gz").reshape(-1, 784) / 255.0
    labels = read_idx(arguments.data / "train-labels-idx1-ubyte.gz")
    arguments.experts.mkdir(parents=True, exist_ok=True)
    fitted = []
    for label, name in enumerate(CLASSES):
        expert = fit(images[labels == label], arguments.rank)
        fitted.append(expert)
        write(arguments.experts / f"{name}.safetensors", expert, f"class {label} of Fashion-MNIST, training images")
        print(f"fitted {name}", flush=True)
    stacked = {key: np.stack([expert[key] for expert in fitted]) for key in fitted[0]}
    write(arguments.experts / "all.safetensors", stacked, "all classes of Fashion-MNIST, training images")
    coat, dress = fitted[CLASSES.index("coat")], fitted[CLASSES.index("dress")]
    write(arguments.experts / "coat_top.safetensors", rows_of(coat, 0, 18), "rows 0 to 17 of coats")
    write(arguments.experts / "dress_bottom.safetensors", rows_of(dress, 10, 28), "rows 10 to 27 of dresses")
    short = fit(images[labels == CLASSES.index("coat")], CODE)
    code = {"matrix": short["factor"], "offset": short["mean"], "variance": short["variance"]}
    write(arguments.experts / "code.safetensors", code, "coats as offset + weight z + noise, z standard normal")
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        link = arguments.experts / name
        link.unlink(missing_ok=True)
        link.symlink_to(arguments.data / name)


def rows_of(expert: dict[str, np.ndarray], first: int, last: int) -> dict[str, np.ndarray]:
    """The marginal of a Gaussian over image rows first ... last - 1."""
    return {key: value[28 * first : 28 * last] for key, value in expert.items()}


def write(path: pathlib.Path, arrays: dict[str, np.ndarray], what: str) -> None:
    temporary = path.with_suffix(".partial")
    save_file({key: np.ascontiguousarray(value, np.float32) for key, value in arrays.items()}, temporary,
              metadata={"what": what, "range": "[0, 1]"})
    temporary.rename(path)


if __name__ == "__main__":
    main()
