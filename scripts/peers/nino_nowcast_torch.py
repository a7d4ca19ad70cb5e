"""PyTorch beside nino-nowcast: FM-16's training step (eager or compiled) and the NiNo nowcast (eager).

Reads what `bench --export FOLDER` wrote, prints one JSON document. Called by nino_nowcast.py.
"""

import argparse
import glob
import json
import os

import numpy
import peer
import torch
from torch import nn
from torch.nn import functional


def fm16(initial):
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
    nn.utils.vector_to_parameters(torch.from_numpy(initial), net.parameters())
    return net


def training(options):
    tensors, metadata = peer.read_tensors(os.path.join(options.folder, "training.safetensors"))
    x, y = torch.from_numpy(tensors["x"]), torch.from_numpy(tensors["y"])
    net = fm16(tensors["initial"])
    # The paper's loop takes the default AdamW; the compiled variant gets the fused one.
    optimizer = torch.optim.AdamW(net.parameters(), lr=float(metadata["lr"]), weight_decay=0,
                                  fused=True if options.compile else None)

    def loss_of(images, labels):
        return functional.cross_entropy(net(images), labels)

    if options.compile:
        loss_of = torch.compile(loss_of)
    losses = []

    def step(i):
        optimizer.zero_grad()
        loss = loss_of(x[i], y[i])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    timing = peer.measure(step, options.warmup, len(x) - options.warmup)
    return {"training": timing, "losses": losses}


class Nino:
    """The network as the paper's code composes it: edge-sized products of concatenated ends, index_add for means."""

    def __init__(self, weights, layers):
        self.w = {name: torch.from_numpy(value) for name, value in weights.items()}
        self.layers = layers

    def linear(self, name, x):
        return functional.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def convolve(self, layer, x, e, source, target, degree):
        name = f"gnn.convs.{layer}."
        message = self.linear(name + "pre_nns.0.0", torch.cat([x[target], x[source]], 1))
        scale, shift = self.linear(name + "edge_encoder", e).chunk(2, 1)
        total = torch.zeros_like(x).index_add_(0, target, scale * message + shift)
        return self.linear(name + "lin", self.linear(name + "post_nns.0.0", torch.cat([x, total / degree], 1)))

    def update(self, layer, x, e, source, target):
        name = f"gnn.edge_update.{layer}."
        hidden = self.linear(name + "lin_e", e) + self.linear(name + "lin_s", x)[source]
        return self.linear(name + "lin1", functional.silu(hidden + self.linear(name + "lin_t", x)[target]))

    def __call__(self, a, edge_type, pos, source, target, k):
        """a [E, F', c]: scaled features. Returns the predicted changes [E, F'] for horizon k."""
        edges, slots, context = a.shape
        x = self.linear("node_proj.fc.0", pos)
        columns = self.w["edge_proj.fc.0.weight"][:, :slots * context]
        e = functional.linear(a.reshape(edges, -1), columns, self.w["edge_proj.fc.0.bias"])
        e = e + self.w["layer_embed.weight"][edge_type]
        degree = torch.zeros(len(x), 1).index_add_(0, target, torch.ones(edges, 1)).clamp(min=1)
        for layer in range(self.layers):
            x = self.convolve(layer, x, e, source, target, degree)
            if layer + 1 < self.layers:
                x = functional.silu(x)
                e = self.update(layer, x, e, source, target)
        hidden = functional.silu(self.linear("edge_out.fc.0", e))
        horizons = len(self.w["edge_out.fc.2.bias"]) // 9
        rows = torch.arange(slots) * horizons + k - 1
        return functional.linear(hidden, self.w["edge_out.fc.2.weight"][rows], self.w["edge_out.fc.2.bias"][rows])


def nowcast(nino, tensors, k):
    """The whole nowcast: scale, edge features, network, back to a vector."""
    states, slots = tensors["states"], tensors["slots"]
    sizes = tensors["param_sizes"].tolist()
    parts = states.split(sizes)
    means = [part.mean() for part in parts]
    spreads = [part.std() for part in parts]
    scaled = torch.cat([(x - m) / (s + 1e-6) for x, m, s in zip(parts, means, spreads)])
    used = slots >= 0
    a = scaled[slots.clamp(min=0)] * used[..., None]
    kind = tensors["edge_type"]
    a[kind >= 10, 0] = 1
    a[kind == 13, 0] = 2
    change = nino(a, kind, tensors["pos"], tensors["edge_index"][0], tensors["edge_index"][1], k)
    result = scaled[:, -1].clone()
    result[slots[used]] += change[used]
    return torch.cat([x * s + m for x, m, s in zip(result.split(sizes), means, spreads)])


def nowcasts(options):
    weights, metadata = peer.read_tensors(os.path.join(options.folder, "meta.safetensors"))
    nino = Nino(weights, int(metadata["layers"]))
    rows = {}
    for path in sorted(glob.glob(os.path.join(options.folder, "nowcast-*.safetensors"))):
        arrays, facts = peer.read_tensors(path)
        tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
        for name in ("edge_index", "edge_type"):
            tensors[name] = tensors[name].long()
        result = []

        def call(_):
            with torch.inference_mode():
                result[:] = [nowcast(nino, tensors, int(facts["k"]))]

        row = peer.measure(call, 1, options.runs, options.min_seconds)
        ours, last = arrays["prediction"], arrays["states"][:, -1]
        row["max_difference"] = float(numpy.abs(result[0].numpy() - ours).max())
        row["max_change"] = float(numpy.abs(ours - last).max())
        rows[facts["name"]] = row
    return {"nowcast": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["training", "nowcast"])
    parser.add_argument("--folder", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--min-seconds", type=float, default=1)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    result = training(options) if options.part == "training" else nowcasts(options)
    print(json.dumps({"version": torch.__version__, **result}))


if __name__ == "__main__":
    main()
