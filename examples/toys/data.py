# SPDX-License-Identifier: Apache-2.0
"""Makes five known laws in the plane: data/NAME.npy, 20 000 rows to learn from, and data/NAME_test.npy, 4000 others.

  data.py [FOLDER]    default: the folder data beside this file

Each law is a mixture of parts with equal shares, which `parts` tells apart: modes, squares, rings, arms or moons.
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROWS, TEST_ROWS = 20_000, 4000


def circle(angle, radius):
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)


class EightGaussians:
    """Means on a circle of radius 2, standard deviation 0.15."""

    name = "eight_gaussians"
    means = circle(np.arange(8) * np.pi / 4, 2.0)
    count = 8

    def draw(self, random, rows):
        return self.means[random.integers(0, 8, rows)] + 0.15 * random.normal(size=(rows, 2))

    def parts(self, x):
        return ((x[:, None] - self.means) ** 2).sum(-1).argmin(1)


class Checkerboard:
    """The eight black squares, each of length 1, of the board [-2, 2] x [-2, 2]."""

    name = "checkerboard"
    corners = np.array([[i, j] for i in range(-2, 2) for j in range(-2, 2) if (i + j) % 2 == 0], float)
    count = 8

    def draw(self, random, rows):
        return self.corners[random.integers(0, 8, rows)] + random.uniform(size=(rows, 2))

    def parts(self, x):
        return ((x[:, None] - self.corners - 0.5) ** 2).max(-1).argmin(1)


class Rings:
    """Radii 0.7, 1.4 and 2.1, standard deviation 0.06 across."""

    name = "rings"
    radii = np.array([0.7, 1.4, 2.1])
    count = 3

    def draw(self, random, rows):
        radius = self.radii[random.integers(0, 3, rows)]
        return circle(random.uniform(0, 2 * np.pi, rows), radius + 0.06 * random.normal(size=rows))

    def parts(self, x):
        return abs(np.hypot(x[:, :1], x[:, 1:]) - self.radii).argmin(1)


class Curves:
    """Two curves with noise around them; each point belongs to the nearer one."""

    count = 2

    def draw(self, random, rows):
        which, t = random.integers(0, 2, rows), random.uniform(size=rows)
        return self.curve(which, t) + self.deviation * random.normal(size=(rows, 2))

    def parts(self, x):
        t = np.linspace(0, 1, 400)
        distance = [((x[:, None] - self.curve(np.full(400, k), t)) ** 2).sum(-1).min(1) for k in range(2)]
        return np.argmin(distance, 0)


class Spirals(Curves):
    """Two arms of one and a half turns, standard deviation 0.06."""

    name = "spirals"
    deviation = 0.06

    def curve(self, which, t):
        turned = 3 * np.pi * np.sqrt(t)
        return circle(turned + np.pi * which, 0.2 + 0.22 * turned)


class Moons(Curves):
    """Two half circles of radius 1.3 that grip each other, standard deviation 0.1."""

    name = "moons"
    deviation = 0.1

    def curve(self, which, t):
        upper = circle(np.pi * t, 1.3)
        return np.where(which[:, None] == 0, upper - [0.65, 0.3], [0.65, 0.3] - upper)


LAWS = {law.name: law() for law in (EightGaussians, Checkerboard, Rings, Spirals, Moons)}


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for number, law in enumerate(LAWS.values()):
        random = np.random.default_rng(number)
        np.save(folder / f"{law.name}.npy", law.draw(random, ROWS).astype(np.float32))
        np.save(folder / f"{law.name}_test.npy", law.draw(random, TEST_ROWS).astype(np.float32))
    print(f"{', '.join(LAWS)}: {folder}")


if __name__ == "__main__":
    main()
