# SPDX-License-Identifier: Apache-2.0
"""BlackJAX's and NumPyro's samplers, tuned by their own means: the table PROGRAMS at the end.

NUTS and MCLMC are tuned on WARMUP_CHAINS chains; all chains then share the smallest step size and the mean metric.
That costs less than a warm-up of every chain and keeps trajectories of alike length side by side; with the median step
size chains get stuck in the banana's tails, and NUTS has less than half the effective samples. ChEES tunes over all
chains. MCLMC is not adjusted: its draws have a small bias.
"""

import numpy as np

WARMUP_CHAINS = 16
WARMUP_STEPS = 500
CHEES_STEPS = 500  # trajectories grow from one leapfrog step by a few per cent a step
MOST_DRAWS = 10000  # of a chain, for the quasi-random lengths of ChEES


# A program is a function (log density, starting points [C, d], key) that warms up and returns the states of all chains
# and step(key, states) -> (states, positions [C, d], gradients that each chain took [C]), for any number of chains.


def one_by_one(one):
    """The step of all chains from that of one: one(key, state) -> (state, gradients)."""
    import jax

    def step(key, states):
        chains = jax.tree.leaves(states)[0].shape[0]
        states, gradients = jax.vmap(one)(jax.random.split(key, chains), states)
        return states, states.position, gradients

    return step


def blackjax_nuts(dense):
    def prepare(log_density, start, key):
        import blackjax
        import jax

        tuning = blackjax.window_adaptation(blackjax.nuts, log_density, is_mass_matrix_diagonal=not dense)
        run = jax.jit(jax.vmap(lambda key, x: tuning.run(key, x, num_steps=WARMUP_STEPS)[0].parameters))
        tuned = run(jax.random.split(key, WARMUP_CHAINS), start[:WARMUP_CHAINS])
        kernel = blackjax.nuts(log_density, np.min(tuned["step_size"]), np.mean(tuned["inverse_mass_matrix"], 0))

        def one(key, state):
            state, info = kernel.step(key, state)
            return state, info.num_integration_steps

        return jax.vmap(kernel.init)(start), one_by_one(one)

    return prepare


def blackjax_chees(metric):
    def prepare(log_density, start, key):
        import blackjax
        import optax

        tuning = blackjax.chees_adaptation(
            log_density, len(start), mass_matrix_estimation=metric, adaptation_info_fn=lambda *_: {}
        )
        first_step, optimiser = 0.01, optax.adam(0.1)
        (states, tuned), _ = tuning.run(key, start, first_step, optimiser, CHEES_STEPS, max_sampling_steps=MOST_DRAWS)
        kernel = blackjax.dynamic_hmc(log_density, **tuned)

        def one(key, state):
            state, info = kernel.step(key, state)
            return state, info.num_integration_steps

        return states, one_by_one(one)

    return prepare


def blackjax_mclmc(log_density, start, key):
    import blackjax
    import jax

    kernel = blackjax.mclmc.build_kernel()

    def tune(key, x):
        first, second = jax.random.split(key)
        state = blackjax.mclmc.init(x, log_density, first)
        return blackjax.mclmc_find_L_and_step_size(kernel, 20 * WARMUP_STEPS, state, second, log_density)[1]

    tuned = jax.jit(jax.vmap(tune))(jax.random.split(key, WARMUP_CHAINS), start[:WARMUP_CHAINS])
    metric = np.mean(tuned.inverse_mass_matrix, 0)
    sampler = blackjax.mclmc(log_density, np.median(tuned.L), np.min(tuned.step_size), inverse_mass_matrix=metric)

    def one(key, state):
        return sampler.step(key, state)[0], 2  # McLachlan's integrator: two gradients a step

    return jax.vmap(sampler.init)(start, jax.random.split(key, len(start))), one_by_one(one)


def blackjax_mala(log_density, start, key):
    """BlackJAX tunes no step size of MALA: Robbins and Monro's rule over all chains, to an acceptance of 0.574."""
    import blackjax
    import jax
    import jax.numpy as jnp

    kernel = blackjax.mala.build_kernel()
    states = jax.vmap(lambda x: blackjax.mala.init(x, log_density))(start)

    def tune(carry, key):
        states, log_step, k = carry
        step = lambda key, state: kernel(key, state, log_density, jnp.exp(log_step))
        states, info = jax.vmap(step)(jax.random.split(key, len(start)), states)
        return (states, log_step + (info.acceptance_rate.mean() - 0.574) * 3 / k**0.7, k + 1), None

    carry = (states, jnp.log(0.1), 1.0)
    (states, log_step, _), _ = jax.jit(lambda: jax.lax.scan(tune, carry, jax.random.split(key, WARMUP_STEPS)))()
    step_size = jnp.exp(log_step)
    return states, one_by_one(lambda key, state: (kernel(key, state, log_density, step_size)[0], 1))


def numpyro_nuts(log_density, start, key):
    import jax
    import jax.numpy as jnp
    from numpyro.infer import NUTS

    def begun(chains, key):
        kernel = NUTS(potential_fn=lambda x: -log_density(x))
        keys = jax.random.split(key, chains)
        return kernel, kernel.init(keys, WARMUP_STEPS, init_params=start[:chains], model_args=(), model_kwargs={})

    kernel, states = begun(WARMUP_CHAINS, key)
    warm_up = lambda _, states: kernel.sample(states, (), {})
    states = jax.jit(lambda states: jax.lax.fori_loop(0, WARMUP_STEPS, warm_up, states))(states)
    tuned = states.adapt_state
    kernel, states = begun(len(start), jax.random.fold_in(key, 1))
    metric = jax.tree.map(lambda values: np.mean(values, 0), tuned.inverse_mass_matrix)
    roots = jax.tree.map(lambda value: 1 / np.sqrt(value), metric)
    everywhere = lambda value: jnp.broadcast_to(value, (len(start), *jnp.shape(value)))
    adapted = states.adapt_state._replace(
        step_size=everywhere(np.min(tuned.step_size)),
        inverse_mass_matrix=jax.tree.map(everywhere, metric),
        mass_matrix_sqrt=jax.tree.map(everywhere, roots),
        mass_matrix_sqrt_inv=jax.tree.map(lambda value: everywhere(1 / value), roots),
    )
    states = states._replace(adapt_state=adapted, i=jnp.full_like(states.i, WARMUP_STEPS))

    def step(_, states):  # each state has a key of its own
        states = kernel.sample(states, (), {})
        return states, states.z, states.num_steps

    return states, step


# name: (prepare, most steps between two draws, fewest coordinates). A trajectory is a draw; the steps of the last two
# are cheap and alike, and storing each would cost more than it tells.
PROGRAMS = {
    "blackjax nuts": (blackjax_nuts(dense=False), 1, 1),
    "blackjax nuts, dense metric": (blackjax_nuts(dense=True), 1, 3),
    "blackjax chees": (blackjax_chees(None), 1, 1),
    "blackjax chees, diagonal metric": (blackjax_chees("diagonal"), 1, 1),
    "numpyro nuts": (numpyro_nuts, 1, 1),
    "blackjax mclmc": (blackjax_mclmc, 10, 2),
    "blackjax mala": (blackjax_mala, 100, 1),
}
