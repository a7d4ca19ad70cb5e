"""JAX (jit) beside prequential-icl: the training step of the bottleneck Transformer and of Mamba-1 (lax.scan).

Reads what `bench --export FOLDER` wrote, prints one JSON document. Called by prequential_icl.py.
"""

import argparse
import json
import os

import jax
import jax.numpy as jnp
import peer

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
STATE, CONV = 8, 4


def linear(p, name, x):
    y = x @ p[name + ".weight"].T
    return y + p[name + ".bias"] if name + ".bias" in p else y


def layer_norm(p, name, x):
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + 1e-5) * p[name + ".weight"] + p[name + ".bias"]


def attention(p, name, x, heads):
    batch, time, width = x.shape
    qkv = x @ p[name + ".in_proj_weight"].T + p[name + ".in_proj_bias"]
    q, k, v = jnp.moveaxis(qkv.reshape(batch, time, 3, heads, width // heads), 2, 0)
    mixed = jax.nn.dot_product_attention(q, k, v, is_causal=True)
    return linear(p, name + ".out_proj", mixed.reshape(batch, time, width))


def transformer(p, x, facts):
    for i in range(int(facts["layers"])):
        name = f"agg.context_encoder.layers.{i}."
        x = layer_norm(p, name + "norm1", x + attention(p, name + "self_attn", x, int(facts["heads"])))
        hidden = jax.nn.relu(linear(p, name + "linear1", x))
        x = layer_norm(p, name + "norm2", x + linear(p, name + "linear2", hidden))
    return x


def mixer(p, name, u):
    x, z = jnp.split(linear(p, name + "in_proj", u), 2, -1)
    padded, weight = jnp.pad(x, ((0, 0), (CONV - 1, 0), (0, 0))), p[name + "conv1d.weight"]
    x = sum(padded[:, k:k + u.shape[1]] * weight[:, 0, k] for k in range(CONV))
    x = jax.nn.silu(x + p[name + "conv1d.bias"])
    selected = linear(p, name + "x_proj", x)
    b, c = selected[..., -2 * STATE:-STATE], selected[..., -STATE:]
    dt = jax.nn.softplus(linear(p, name + "dt_proj", selected[..., :-2 * STATE]))
    a = -jnp.exp(p[name + "A_log"])

    def advance(h, now):
        dt, x, b, c = now
        h = jnp.exp(dt[..., None] * a) * h + (dt * x)[..., None] * b[:, None]
        return h, (h * c[:, None]).sum(-1)

    start = jnp.zeros((u.shape[0], *a.shape))
    _, y = jax.lax.scan(advance, start, [v.swapaxes(0, 1) for v in (dt, x, b, c)])
    return linear(p, name + "out_proj", (y.swapaxes(0, 1) + p[name + "D"] * x) * jax.nn.silu(z))


def mamba1(p, h, facts):
    residual = 0
    for i in range(int(facts["layers"])):
        name = f"agg.layers.{i}."
        residual = h + residual
        residual = mixer(p, name + "mixer.", layer_norm(p, name + "norm", residual)) + residual
        y, gate = jnp.split(linear(p, name + "mlp.fc1", layer_norm(p, name + "norm2", residual)), 2, -1)
        h = linear(p, name + "mlp.fc2", y * jax.nn.silu(gate))
    return h


def make_loss(facts):
    body = {"transformer": transformer, "mamba1": mamba1}[facts["model"]]
    tied = ["pred.predictor.2"] * (int(facts["head_layers"]) - 2)

    def loss_of(p, points):
        tokens = linear(p, "agg.x_embedding", points[:, :-1])
        start = jnp.broadcast_to(p["agg.x0_embedding"], (len(points), 1, tokens.shape[2]))
        h = body(p, jnp.concatenate([start, tokens], 1), facts)
        z = linear(p, "agg.projection", h[:, 1:])
        x = jnp.concatenate([points[:, 1:, :3], z], -1)
        for name in ["pred.predictor.0", *tied]:
            x = jax.nn.relu(linear(p, name, x))
        return jnp.square(linear(p, "pred.predictor.8", x) - points[:, 1:, 3:]).mean()
    return loss_of


def make_step(loss_of, lr):
    def step(params, first, second, count, points):
        loss, gradient = jax.value_and_grad(loss_of)(params, points)
        count = count + 1
        first = {n: BETA1 * first[n] + (1 - BETA1) * g for n, g in gradient.items()}
        second = {n: BETA2 * second[n] + (1 - BETA2) * g * g for n, g in gradient.items()}
        root, size = jnp.sqrt(1 - BETA2 ** count), lr / (1 - BETA1 ** count)
        params = {n: p - size * first[n] / (jnp.sqrt(second[n]) / root + EPS) for n, p in params.items()}
        return params, first, second, count, loss
    return jax.jit(step, donate_argnums=(0, 1, 2, 3))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["step"])
    parser.add_argument("--model", choices=["transformer", "mamba1"])
    parser.add_argument("--shape")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--threads", type=int, default=1)  # XLA_FLAGS, which prequential_icl.py sets, decides
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--min-seconds", type=float, default=1)
    options = parser.parse_args()
    name = f"step-{options.model}-{options.shape}.safetensors"
    tensors, facts = peer.read_tensors(os.path.join(options.folder, name))
    params = {name[7:]: jnp.asarray(value) for name, value in tensors.items() if name.startswith("weight/")}
    points = [jnp.asarray(batch) for batch in tensors["points"]]
    zeros = [{name: jnp.zeros_like(p) for name, p in params.items()} for _ in range(2)]
    state = [params, *zeros, jnp.float32(0)]
    step = make_step(make_loss(facts), float(facts["lr"]))
    losses = []

    def call(i):
        *state[:], loss = step(*state, points[i % len(points)])
        losses.append(float(loss))

    timing = peer.measure(call, options.warmup, options.runs, options.min_seconds)
    print(json.dumps({"version": jax.__version__, "timing": timing, "losses": losses}))


if __name__ == "__main__":
    main()
