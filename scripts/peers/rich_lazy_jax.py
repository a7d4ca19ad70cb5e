"""JAX beside rich-lazy: training iterations of rate networks, lax.scan over time and over iterations, vmap over networks, one jit.

Reads what `bench --export FOLDER` wrote, prints one JSON document. Called by rich_lazy.py.
"""

import argparse
import json
import os

import jax
import jax.numpy as jnp
import peer

LR, MOMENTUM = 0.003, 0.9


def loss(weights, x, labels):
    """Of one network; x [steps, batch, inputs]."""
    recurrent, inputs, output = weights

    def advance(h, drive):
        h = jax.nn.relu(drive + h @ recurrent.T)
        return h, h

    drive = x @ inputs.T
    _, states = jax.lax.scan(advance, jnp.zeros_like(drive[0]), drive)
    logits = jax.nn.log_softmax(states @ output.T)
    return -jnp.take_along_axis(logits, labels[..., None], -1).mean()


def train(weights, velocity, x, labels):
    """One network through all its iterations."""
    def step(state, trials):
        weights, velocity = state
        value, gradient = jax.value_and_grad(loss)(weights, *trials)
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, gradient)
        return (jax.tree.map(lambda w, v: w - LR * v, weights, velocity), velocity), value

    return jax.lax.scan(step, (weights, velocity), (x, labels))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, kind, default in (("folder", str, "."), ("threads", int, 1), ("models", int, 1), ("runs", int, 5), ("warmup", int, 1),
                                ("min-seconds", float, 1.0)):
        parser.add_argument(f"--{name}", type=kind, default=default)
    options = parser.parse_args()
    tensors, _ = peer.read_tensors(os.path.join(options.folder, "networks.safetensors"))
    few = {name: tensors[name][:options.models] for name in tensors}
    x, labels = jnp.asarray(few["x"]), jnp.asarray(few["labels"].astype("int32"))
    weights = tuple(jnp.asarray(few[name]) for name in ("recurrent", "input", "output"))
    velocity = jax.tree.map(jnp.zeros_like, weights)
    if options.models == 1:
        program = jax.jit(train)
        x, labels, weights, velocity = jax.tree.map(lambda a: a[0], (x, labels, weights, velocity))
    else:
        program = jax.jit(jax.vmap(train))
    (last, speed), found = program(weights, velocity, x, labels)
    state = [last, speed]

    def run(_):
        (state[0], state[1]), _ = program(*state, x, labels)
        jax.block_until_ready(state)

    difference = abs(jnp.asarray(found).reshape(options.models, -1) - few["losses"]) / few["losses"]
    timing = peer.measure(run, options.warmup, options.runs, options.min_seconds)
    print(json.dumps({"version": jax.__version__, "timing": timing, "loss_difference": float(difference.max())}))


if __name__ == "__main__":
    main()
