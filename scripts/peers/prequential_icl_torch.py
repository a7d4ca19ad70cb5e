"""PyTorch beside prequential-icl: training steps (eager or compiled) and the SGD learner's fits, one by one.

The models are written as their users write them: nn.TransformerEncoder with an explicit mask, tensors (samples, tasks,
features) as in the official code, Mamba's recurrences step by step over time. Reads what `bench --export FOLDER` wrote,
prints one JSON document. Called by prequential_icl.py.
"""

import argparse
import json
import os

import peer
import torch
from torch import nn
from torch.nn import functional

STATE, CONV = 8, 4


def causal_mask(size):
    return torch.triu(torch.full((size, size), float("-inf")), diagonal=1)


def head(query_dim, z_dim, width, layers, out):
    """The reference repeats one hidden layer by multiplying a list."""
    hidden = [nn.Linear(width, width), nn.ReLU()] * (layers - 2)
    return nn.Sequential(nn.Linear(query_dim + z_dim, width), nn.ReLU(), *hidden, nn.Linear(width, out))


class GatedMLP(nn.Module):
    def __init__(self, width):
        super().__init__()
        hidden = (8 * width // 3 + 127) // 128 * 128
        self.fc1 = nn.Linear(width, 2 * hidden, bias=False)
        self.fc2 = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        y, gate = self.fc1(x).chunk(2, dim=-1)
        return self.fc2(y * functional.silu(gate))


class Mamba1(nn.Module):
    def __init__(self, width, **_):
        super().__init__()
        self.inner, self.rank = 2 * width, -(-width // 16)
        self.in_proj = nn.Linear(width, 2 * self.inner, bias=False)
        self.conv1d = nn.Conv1d(self.inner, self.inner, CONV, groups=self.inner, padding=CONV - 1)
        self.x_proj = nn.Linear(self.inner, self.rank + 2 * STATE, bias=False)
        self.dt_proj = nn.Linear(self.rank, self.inner)
        self.A_log = nn.Parameter(torch.empty(self.inner, STATE))
        self.D = nn.Parameter(torch.empty(self.inner))
        self.out_proj = nn.Linear(self.inner, width, bias=False)

    def forward(self, u):
        x, z = self.in_proj(u).chunk(2, dim=-1)
        x = functional.silu(self.conv1d(x.permute(1, 2, 0))[..., :len(u)].permute(2, 0, 1))
        dt, b, c = self.x_proj(x).split([self.rank, STATE, STATE], dim=-1)
        dt = functional.softplus(self.dt_proj(dt))
        a = -torch.exp(self.A_log)
        h = torch.zeros(u.shape[1], self.inner, STATE)
        y = []
        for t in range(len(u)):
            h = torch.exp(dt[t, :, :, None] * a) * h + (dt[t] * x[t])[:, :, None] * b[t, :, None, :]
            y.append((h * c[t, :, None, :]).sum(-1))
        return self.out_proj((torch.stack(y) + self.D * x) * functional.silu(z))


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


class Mamba2(nn.Module):
    def __init__(self, width, head_dim, **_):
        super().__init__()
        self.inner, self.head_dim = 2 * width, head_dim
        self.heads, mixed = self.inner // head_dim, self.inner + 2 * STATE
        self.in_proj = nn.Linear(width, self.inner + mixed + self.heads, bias=False)
        self.conv1d = nn.Conv1d(mixed, mixed, CONV, groups=mixed, padding=CONV - 1)
        self.A_log, self.D, self.dt_bias = (nn.Parameter(torch.empty(self.heads)) for _ in range(3))
        self.norm = RMSNorm(self.inner)
        self.out_proj = nn.Linear(self.inner, width, bias=False)

    def forward(self, u):
        z, xbc, dt = self.in_proj(u).split([self.inner, self.inner + 2 * STATE, self.heads], dim=-1)
        xbc = functional.silu(self.conv1d(xbc.permute(1, 2, 0))[..., :len(u)].permute(2, 0, 1))
        x, b, c = xbc.split([self.inner, STATE, STATE], dim=-1)
        x = x.unflatten(-1, (self.heads, self.head_dim))
        dt = functional.softplus(dt + self.dt_bias)
        decay = torch.exp(-torch.exp(self.A_log) * dt)
        h = torch.zeros(u.shape[1], self.heads, self.head_dim, STATE)
        y = []
        for t in range(len(u)):
            step = (dt[t, :, :, None] * x[t])[..., None] * b[t, :, None, None, :]
            h = decay[t, :, :, None, None] * h + step
            y.append((h * c[t, :, None, None, :]).sum(-1))
        y = torch.stack(y) + self.D[:, None] * x
        return self.out_proj(self.norm(y.flatten(-2) * functional.silu(z)))


class MambaBlock(nn.Module):
    def __init__(self, mixer, width, **options):
        super().__init__()
        self.norm, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mixer, self.mlp = mixer(width, **options), GatedMLP(width)

    def forward(self, h, residual):
        residual = h if residual is None else h + residual
        residual = self.mixer(self.norm(residual)) + residual
        return self.mlp(self.norm2(residual)), residual


class Aggregator(nn.Module):
    """Start token, embedding, a sequence model, projection."""

    def __init__(self, inputs, width, z_dim):
        super().__init__()
        self.x0_embedding = nn.Parameter(torch.empty(1, 1, width))
        self.x_embedding = nn.Linear(inputs, width)
        self.projection = nn.Linear(width, z_dim)

    def forward(self, points):
        start = self.x0_embedding.expand(1, points.shape[1], -1)
        return self.projection(self.encode(torch.cat([start, self.x_embedding(points)])))


class TransformerAggregator(Aggregator):
    def __init__(self, numbers, **sizes):
        super().__init__(**sizes)
        width = sizes["width"]
        layer = nn.TransformerEncoderLayer(width, numbers["heads"], 2 * width, dropout=0.0)
        self.context_encoder = nn.TransformerEncoder(layer, numbers["layers"], enable_nested_tensor=False)

    def encode(self, tokens):
        return self.context_encoder(tokens, mask=causal_mask(len(tokens)))


class MambaAggregator(Aggregator):
    def __init__(self, mixer, numbers, **sizes):
        super().__init__(**sizes)
        self.layers = nn.ModuleList(
            [MambaBlock(mixer, sizes["width"], head_dim=numbers["mamba_head_dim"]) for _ in range(numbers["layers"])])

    def encode(self, tokens):
        h, residual = tokens, None
        for layer in self.layers:
            h, residual = layer(h, residual)
        return h


class Bottleneck(nn.Module):
    """Context c predicts point c + 1, c = 1 .. S - 1."""

    def __init__(self, model, weights, numbers):
        super().__init__()
        z_dim, width = weights["agg.projection.weight"].shape
        sizes = {"inputs": weights["agg.x_embedding.weight"].shape[1], "width": width, "z_dim": z_dim}
        if model == "transformer":
            self.agg = TransformerAggregator(numbers, **sizes)
        else:
            self.agg = MambaAggregator(Mamba1 if model == "mamba1" else Mamba2, numbers, **sizes)
        first, last = weights["pred.predictor.0.weight"], weights["pred.predictor.8.weight"]
        self.pred = nn.Module()
        self.pred.predictor = head(first.shape[1] - z_dim, z_dim, len(first), numbers["head_layers"], len(last))

    def losses(self, x, y):
        z = self.agg(torch.cat([x, y], dim=-1)[:-1])
        return (self.pred.predictor(torch.cat([x[1:], z[1:]], dim=-1)) - y[1:]).square().mean()


class DecoderLayer(nn.Module):
    """The reference's layer of two streams, with the self-attention that it never calls."""

    def __init__(self, width, heads):
        super().__init__()
        self.self_attn, self.norm1 = nn.MultiheadAttention(width, heads), nn.LayerNorm(width)
        self.multihead_attn, self.norm2 = nn.MultiheadAttention(width, heads), nn.LayerNorm(width)
        self.linear1, self.linear2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.norm3 = nn.LayerNorm(width)
        self.encoder_layer = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout=0.0)

    def forward(self, u, memory, mask):
        u = self.norm2(u + self.multihead_attn(u, memory, memory, attn_mask=mask, need_weights=False)[0])
        u = self.norm3(u + self.linear2(functional.relu(self.linear1(u))))
        return u, self.encoder_layer(memory, src_mask=mask)


class TwoStream(nn.Module):
    """Context c predicts point c + 1, c = 0 .. S - 1."""

    def __init__(self, weights, numbers):
        super().__init__()
        width = weights["m.readout.weight"].shape[1]
        self.m = nn.Module()
        self.m.xy0_embedding = nn.Parameter(torch.empty(1, 1, width))
        self.m.x_embedding = nn.Linear(weights["m.x_embedding.weight"].shape[1], width)
        self.m.xy_embedding = nn.Linear(weights["m.xy_embedding.weight"].shape[1], width)
        self.m.decoder = nn.Module()
        self.m.decoder.layers = nn.ModuleList(
            [DecoderLayer(width, numbers["heads"]) for _ in range(numbers["layers"])])
        self.m.readout = nn.Linear(width, len(weights["m.readout.weight"]))

    def losses(self, x, y):
        m = self.m
        start = m.xy0_embedding.expand(1, x.shape[1], -1)
        u, memory = m.x_embedding(x), torch.cat([start, m.xy_embedding(torch.cat([x, y], dim=-1)[:-1])])
        mask = causal_mask(len(x))
        for layer in m.decoder.layers:
            u, memory = layer(u, memory, mask)
        return (m.readout(u) - y).square().mean()


def load_model(tensors, facts):
    weights = {name[7:]: torch.from_numpy(value) for name, value in tensors.items() if name.startswith("weight/")}
    numbers = {name: int(facts[name]) for name in ("layers", "heads", "head_layers", "mamba_head_dim")}
    if facts["model"] == "two-stream":
        model = TwoStream(weights, numbers)
    else:
        model = Bottleneck(facts["model"], weights, numbers)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    # The tied layer has one name for each of its places.
    strange = [name for name in missing if not name.startswith("pred.predictor.")] + unexpected
    if strange:
        raise SystemExit(f"weights do not fit: {strange}")
    return model


def step(options):
    name = f"step-{options.model}-{options.shape}.safetensors"
    tensors, facts = peer.read_tensors(os.path.join(options.folder, name))
    model = load_model(tensors, facts)
    points = torch.from_numpy(tensors["points"]).transpose(1, 2).contiguous()
    x, y = points[..., :3].contiguous(), points[..., 3:].contiguous()
    optimizer = torch.optim.Adam(model.parameters(), lr=float(facts["lr"]), fused=True if options.compile else None)
    loss_of = torch.compile(model.losses) if options.compile else model.losses
    losses = []

    def call(i):
        optimizer.zero_grad()
        loss = loss_of(x[i % len(x)], y[i % len(y)])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    timing = peer.measure(call, options.warmup, options.runs, options.min_seconds)
    return {"timing": timing, "losses": losses}


def sgd(options):
    """Every fit a network and a loop of its own, as the official code has it."""
    tensors, facts = peer.read_tensors(os.path.join(options.folder, "sgd.safetensors"))
    tensors = {name: torch.from_numpy(value) for name, value in tensors.items()}
    batch, points, width = int(facts["batch"]), int(facts["points"]), int(facts["width"])
    fits, epochs, train = tensors["order"].shape
    losses = [None] * fits

    def fit(i):
        i %= fits
        x, y, order = tensors["x"][i], tensors["y"][i], tensors["order"][i]
        layers = [nn.Linear(x.shape[1], width), nn.ReLU()]
        for _ in range(int(facts["layers"]) - 2):
            layers += [nn.Linear(width, width), nn.ReLU()]
        net = nn.Sequential(*layers, nn.Linear(width, y.shape[1]))
        nn.utils.vector_to_parameters(tensors["initial"].clone(), net.parameters())
        optimizer = torch.optim.Adam(net.parameters(), lr=float(facts["lr"]))
        for epoch in range(epochs):
            for first in range(0, train, batch):
                rows = order[epoch, first:first + batch]
                optimizer.zero_grad()
                functional.mse_loss(net(x[rows]), y[rows]).backward()
                nn.utils.clip_grad_norm_(net.parameters(), float(facts["clip"]))
                optimizer.step()
            with torch.no_grad():
                functional.mse_loss(net(x[train:points]), y[train:points])  # the validation that stops a fit
        with torch.no_grad():
            losses[i] = functional.mse_loss(net(x[points:]), y[points:]).item()

    timing = peer.measure(fit, 1, max(fits - 1, options.runs))
    return {"timing": timing, "losses": losses}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["step", "sgd"])
    parser.add_argument("--model")
    parser.add_argument("--shape")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--min-seconds", type=float, default=1)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    result = step(options) if options.part == "step" else sgd(options)
    print(json.dumps({"version": torch.__version__, **result}))


if __name__ == "__main__":
    main()
