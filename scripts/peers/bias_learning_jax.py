"""JAX beside bias-learning: biases trained on kept pre-activations, and those of rate networks.

lax.scan over time and over steps, vmap over bias vectors that share z or over networks, one jit. Reads what
`bench --export FOLDER` wrote, prints one JSON document. Called by bias_learning.py.
"""

import argparse
import json
import os

import jax
import jax.numpy as jnp
import peer

IMAGE_RATE, NETWORK_RATE, CLIP, KEEP, RATE = 0.02, 0.01, 1.0, 0.9, 0.1
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def adam(bias, state, gradient, rate):
    first, second, steps = state
    steps = steps + 1
    first = BETA1 * first + (1 - BETA1) * gradient
    second = BETA2 * second + (1 - BETA2) * gradient * gradient
    root = jnp.sqrt(second / (1 - BETA2**steps)) + EPSILON
    return bias - rate * (first / (1 - BETA1**steps)) / root, (first, second, steps)


def image_loss(bias, z, readout, labels):
    """Of one bias vector; z [batch, units]."""
    logits = jax.nn.log_softmax(jax.nn.relu(z + bias) @ readout.T)
    return -jnp.take_along_axis(logits, labels[:, None], -1).mean()


def image_epoch(z, readout, order):
    """The epoch of one bias vector: bias, state, labels [images] -> losses [steps]."""
    def epoch(bias, state, labels):
        def step(carry, rows):
            bias, state = carry
            value, gradient = jax.value_and_grad(image_loss)(bias, z[rows], readout, labels[rows])
            return adam(bias, state, gradient, IMAGE_RATE), value

        return jax.lax.scan(step, (bias, state), order)

    return epoch


def network_loss(bias, weight, readout, start, target):
    def advance(r, _):
        r = KEEP * r + RATE * jax.nn.relu(weight @ r + bias)
        return r, r

    _, states = jax.lax.scan(advance, start, None, length=len(target))
    return ((states @ readout - target) ** 2).mean()


def network_training(target, iterations):
    """One network through all its iterations."""
    def train(bias, state, weight, readout, start):
        def step(carry, _):
            bias, state = carry
            value, gradient = jax.value_and_grad(network_loss)(bias, weight, readout, start, target)
            gradient = gradient * jnp.minimum(1, CLIP / jnp.linalg.norm(gradient))
            return adam(bias, state, gradient, NETWORK_RATE), value

        return jax.lax.scan(step, (bias, state), None, length=iterations)

    return train


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", choices=("images", "networks"), default="networks")
    for name, kind, default in (("folder", str, "."), ("threads", int, 1), ("models", int, 1), ("batch", int, 100), ("runs", int, 5),
                                ("warmup", int, 1), ("min-seconds", float, 1.0)):
        parser.add_argument(f"--{name}", type=kind, default=default)
    options = parser.parse_args()
    tensors, _ = peer.read_tensors(os.path.join(options.folder, f"{options.of}.safetensors"))
    wanted = tensors["losses"][:options.models]
    if options.of == "images":
        order = jnp.asarray(tensors["order"].astype("int32")).reshape(-1, options.batch)
        program = image_epoch(jnp.asarray(tensors["z"]), jnp.asarray(tensors["readout"]), order)
        own = (jnp.asarray(tensors["labels"][:options.models].astype("int32")),)
        units = tensors["z"].shape[1]
    else:
        program = network_training(jnp.asarray(tensors["target"].astype("float32")), wanted.shape[1])
        own = tuple(jnp.asarray(tensors[name][:options.models]) for name in ("weight", "readout", "start"))
        units = own[0].shape[-1]
    zero = jnp.zeros((options.models, units))
    state = (zero, (zero, zero, jnp.zeros(options.models)))
    if options.models == 1:
        program = jax.jit(program)
        state, own = jax.tree.map(lambda a: a[0], (state, own))
    else:
        program = jax.jit(jax.vmap(program))
    last, found = program(*state, *own)
    kept = [last]

    def run(_):
        kept[0], _ = program(*kept[0], *own)
        jax.block_until_ready(kept[0])

    difference = abs(jnp.asarray(found).reshape(options.models, -1) - wanted) / wanted
    timing = peer.measure(run, options.warmup, options.runs, options.min_seconds)
    print(json.dumps({"version": jax.__version__, "timing": timing, "loss_difference": float(difference.max())}))


if __name__ == "__main__":
    main()
