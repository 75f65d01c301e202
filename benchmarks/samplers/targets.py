# SPDX-License-Identifier: Apache-2.0
"""The targets of the sampler comparison, as peers see them: energies in JAX with gradients written by hand, so that one
gradient costs one pass and no peer pays for automatic differentiation. Run as a program it writes the weights that
gaussian.yaml names.

The wardrobe is the posterior of examples/wardrobe: coats times smoothness, the upper half of an image given, over the
free 392 pixels. Peers get its quadratic form over these alone, made of the files that the composition names. They know
no walls, so where pixels are confined to [0, 1] they move in y with x = 1 / (1 + exp(-y)), as their users would.
"""

import dataclasses
import gzip
import pathlib
import typing

import numpy as np
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
WARDROBE = HERE.parents[1] / "examples" / "wardrobe"
SPREAD, BEND, WIDTH = 10.0, 0.03, 1.0  # banana.yaml
BARRIER = 2.0  # double_well.yaml
UPPER = 14 * 28  # pixels given, wardrobe.yaml
STRENGTH, TEMPERATURE, ROW = 1.0, 0.3, 10  # wardrobe.yaml


@dataclasses.dataclass
class Target:
    size: int  # free coordinates
    composition: pathlib.Path
    variable: str
    score: typing.Callable  # x [d] -> (energy / temperature, its gradient [d]), in JAX
    start: typing.Callable  # (generator, chains) -> [chains, d]: exact draws, confined to the walls if there are any
    variance: np.ndarray | None = None  # exact, [d]
    walls: bool = False  # x in [0, 1]
    temperature: float = 1.0
    change: tuple = ()  # --set of the composition
    most_draws: int = 1000  # a chain

    def log_density(self):
        """Of the unconfined state, for peers."""
        import jax
        import jax.numpy as jnp

        @jax.custom_vjp
        def energy(x):
            return self.score(x)[0]

        energy.defvjp(self.score, lambda gradient, cotangent: (cotangent * gradient,))
        if not self.walls:
            return lambda x: -energy(x)
        # d x / d y = x (1 - x)
        return lambda y: -energy(jax.nn.sigmoid(y)) - jnp.sum(jax.nn.softplus(y) + jax.nn.softplus(-y))

    def confine(self, y):
        import jax

        return jax.nn.sigmoid(y) if self.walls else y

    def free(self, x):
        return np.log(x / (1 - x)) if self.walls else x


def quadratic(precision, linear):
    """x' P x / 2 - h' x."""
    import jax.numpy as jnp

    p, h = jnp.asarray(precision, jnp.float32), jnp.asarray(linear, jnp.float32)

    def score(x):
        product = p @ x
        return x @ (product / 2 - h), product - h

    return score


def gaussian_draws(precision, mean):
    factor = np.linalg.cholesky(np.linalg.inv(precision))
    return lambda generator, chains: mean + generator.standard_normal((chains, len(mean))) @ factor.T


def banana():
    import jax.numpy as jnp

    def score(x):
        across = (x[1] - BEND * (x[0] ** 2 - SPREAD**2)) / WIDTH**2
        along = x[0] / SPREAD**2
        return (x[0] * along + across**2 * WIDTH**2) / 2, jnp.stack([along - 2 * BEND * x[0] * across, across])

    def start(generator, chains):
        z = generator.standard_normal((chains, 2))
        return np.stack([SPREAD * z[:, 0], WIDTH * z[:, 1] + BEND * SPREAD**2 * (z[:, 0] ** 2 - 1)], 1)

    variance = np.array([SPREAD**2, WIDTH**2 + 2 * BEND**2 * SPREAD**4])
    return Target(2, HERE / "banana.yaml", "x", score, start, variance, most_draws=2000)


def gaussian_covariance():
    """Of the 100-dimensional Gaussian: variances 0.01 ... 100 along columns of an orthogonal matrix."""
    basis = np.linalg.qr(np.random.default_rng(1).standard_normal((100, 100)))[0]
    return basis * np.geomspace(0.01, 100, 100) @ basis.T


def gaussian():
    precision = load_file(HERE / "experts" / "gaussian.safetensors")["precision"].astype(float)
    score, start = quadratic(precision, np.zeros(100)), gaussian_draws(precision, np.zeros(100))
    variance = np.diag(np.linalg.inv(precision))
    return Target(100, HERE / "gaussian.yaml", "x", score, start, variance, most_draws=600)


def double_well():
    import jax.numpy as jnp

    def score(x):
        beyond = x * x - 1
        return BARRIER * jnp.sum(beyond * beyond), 4 * BARRIER * x * beyond

    grid = np.linspace(-3, 3, 60001)
    density = np.exp(-BARRIER * (grid**2 - 1) ** 2)
    below = np.cumsum(density) / density.sum()

    def start(generator, chains):
        return np.interp(generator.random((chains, 32)), below, grid)

    variance = np.full(32, (density * grid**2).sum() / density.sum())
    return Target(32, HERE / "double_well.yaml", "x", score, start, variance)


def wardrobe(walls=True):
    coat = {name: array.astype(float) for name, array in load_file(WARDROBE / "experts" / "coat.safetensors").items()}
    # (D + F F')^-1 by Woodbury, and the membrane's Laplacian.
    scaled = coat["factor"] / coat["variance"][:, None]
    inner = np.eye(scaled.shape[1]) + coat["factor"].T @ scaled
    precision = np.diag(1 / coat["variance"]) - scaled @ np.linalg.solve(inner, scaled.T)
    linear = precision @ coat["mean"]
    for pixel in range(784):
        for other in ([pixel + 1] if (pixel + 1) % 28 else []) + ([pixel + 28] if pixel + 28 < 784 else []):
            pair = np.zeros(784)
            pair[[pixel, other]] = 1, -1
            precision += STRENGTH * np.outer(pair, pair)
    with gzip.open(WARDROBE / "experts" / "t10k-images-idx3-ubyte.gz") as file:
        image = np.frombuffer(file.read(), np.uint8, 784, 16 + 784 * ROW) / 255
    linear = (linear[UPPER:] - precision[UPPER:, :UPPER] @ image[:UPPER]) / TEMPERATURE
    precision = precision[UPPER:, UPPER:] / TEMPERATURE
    draws = gaussian_draws(precision, np.linalg.solve(precision, linear))
    start = (lambda generator, chains: np.clip(draws(generator, chains), 0.01, 0.99)) if walls else draws
    change = ("output.pictures=[]",) + (() if walls else ("variables.image.support=[-inf, inf]",))
    variance = None if walls else np.diag(np.linalg.inv(precision))
    return Target(392, WARDROBE / "wardrobe.yaml", "image", quadratic(precision, linear), start, variance, walls,
                  TEMPERATURE, change, most_draws=300)


TARGETS = {
    "banana": banana,
    "gaussian": gaussian,
    "double_well": double_well,
    "wardrobe": wardrobe,
    "wardrobe_without_walls": lambda: wardrobe(walls=False),
}


def main():
    folder = HERE / "experts"
    folder.mkdir(exist_ok=True)
    precision = np.linalg.inv(gaussian_covariance())
    save_file({"precision": ((precision + precision.T) / 2).astype(np.float32)}, folder / "gaussian.safetensors",
              metadata={"what": "precision of a Gaussian with variances 0.01 ... 100 along random directions"})


if __name__ == "__main__":
    main()
