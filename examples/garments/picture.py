# SPDX-License-Identifier: Apache-2.0
"""Makes one picture of garments that were drawn: a row for each run, named after its label, with its first chains.

    python picture.py runs/conditional-*      writes garments.png
"""

import argparse
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from classifier import CLASSES
from measure import read_run

COLUMNS = 10
SCALE = 2  # pixels of the picture for one of a garment
GAP = 4
NAME = 100  # width of the names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("garments.png"))
    arguments = parser.parse_args()
    side = 28 * SCALE + GAP
    picture = Image.new("L", (NAME + COLUMNS * side, GAP + len(arguments.runs) * side), 255)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=15)
    for row, run in enumerate(arguments.runs):
        images, label = read_run(run)
        top = GAP + row * side
        name = "any" if label is None else CLASSES[label]
        pen.text((GAP, top + 14 * SCALE), name, fill=0, font=font, anchor="lm")
        for column, image in enumerate(images[:COLUMNS]):
            pixels = Image.fromarray((256 * image).clip(0, 255).astype(np.uint8))
            picture.paste(pixels.resize((28 * SCALE, 28 * SCALE), Image.Resampling.NEAREST),
                          (NAME + column * side, top))
    picture.save(arguments.output, optimize=True)
    print(arguments.output)


if __name__ == "__main__":
    main()
