# SPDX-License-Identifier: Apache-2.0
"""Writes weights of the presets as trained.safetensors, in half precision, which makes the file half as long.

    python halve.py garments.safetensors [--output trained.safetensors]
"""

import argparse
import pathlib

from safetensors import safe_open
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "trained.safetensors")
    arguments = parser.parse_args()
    with safe_open(arguments.weights, "np") as file:
        # The mean and the scale of the data stay as they are: everything else is in their units.
        arrays = {name: file.get_tensor(name) if name.startswith("data_") else file.get_tensor(name).astype("float16")
                  for name in file.keys()}
        save_file(arrays, arguments.output, metadata=file.metadata())


if __name__ == "__main__":
    main()
