"""JAX (jit) beside nino-nowcast: FM-16's training step. Reads what `bench --export FOLDER` wrote, prints JSON."""

import argparse
import json
import os

import jax
import jax.numpy as jnp
import numpy
import peer

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
SHAPES = [(16, 1, 3, 3), (16,), (32, 16, 3, 3), (32,), (32, 32, 3, 3), (32,), (10, 32), (10,)]


def unpack(flat):
    """Parameters in XLA's favourite layouts: kernels [row, column, in, out], matrices [in, out]."""
    arrays, first = [], 0
    for shape in SHAPES:
        size = int(numpy.prod(shape))
        value = flat[first:first + size].reshape(shape)
        arrays.append(jnp.asarray(value.transpose({4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[len(shape)])))
        first += size
    return arrays


def loss_of(params, x, y):
    for weight, bias, stride, padding in zip(params[0:6:2], params[1:6:2], (2, 1, 1), ("VALID", "SAME", "SAME")):
        x = jax.lax.conv_general_dilated(x, weight, (stride, stride), padding,
                                         dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + bias)
    log_p = jax.nn.log_softmax(x.mean((1, 2)) @ params[6] + params[7])
    return -jnp.take_along_axis(log_p, y[:, None], 1).mean()


def make_step(lr):
    def step(params, first, second, count, x, y):
        loss, gradient = jax.value_and_grad(loss_of)(params, x, y)
        count = count + 1
        first = [BETA1 * m + (1 - BETA1) * g for m, g in zip(first, gradient)]
        second = [BETA2 * v + (1 - BETA2) * g * g for v, g in zip(second, gradient)]
        root = jnp.sqrt(1 - BETA2 ** count)
        size = lr / (1 - BETA1 ** count)
        params = [p - size * m / (jnp.sqrt(v) / root + EPS) for p, m, v in zip(params, first, second)]
        return params, first, second, count, loss
    return jax.jit(step, donate_argnums=(0, 1, 2, 3))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["training"])
    parser.add_argument("--folder", required=True)
    parser.add_argument("--threads", type=int, default=1)  # XLA_FLAGS, which nino_nowcast.py sets, decides
    parser.add_argument("--warmup", type=int, default=10)
    options = parser.parse_args()
    tensors, metadata = peer.read_tensors(os.path.join(options.folder, "training.safetensors"))
    x = [jnp.asarray(batch.transpose(0, 2, 3, 1)) for batch in tensors["x"]]
    y = [jnp.asarray(batch.astype(numpy.int32)) for batch in tensors["y"]]
    params = unpack(tensors["initial"])
    state = [params, [jnp.zeros_like(p) for p in params], [jnp.zeros_like(p) for p in params], jnp.float32(0)]
    step = make_step(float(metadata["lr"]))
    losses = []

    def call(i):
        *state[:], loss = step(*state, x[i], y[i])
        losses.append(float(loss))

    timing = peer.measure(call, options.warmup, len(x) - options.warmup)
    print(json.dumps({"version": jax.__version__, "training": timing, "losses": losses}))


if __name__ == "__main__":
    main()
