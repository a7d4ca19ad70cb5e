"""PyTorch beside samba-align: a training step, written from the specification.

`released`: as the released code composes it: a network and a conv1d a parcel, the graph part window by window with all
pairs in memory, one LSTM step a frame; Adam does not see the responses' networks. `good`: batched products, Fourier
transforms and one LSTM call a layer; Adam (fused) sees everything. Reads what `bench --export FOLDER` wrote, prints
one JSON document. Called by samba_align.py.
"""

import argparse
import json
import math
import os
import resource

import peer
import torch
from torch import nn
from torch.nn import functional

DB5_LOW = (0.0033357252854737712, -0.012580751999081999, -0.006241490212798274, 0.07757149384004572,
           -0.032244869584638375, -0.24229488706638203, 0.13842814590132074, 0.7243085284377729, 0.6038292697971896,
           0.16010239797419293)
DB5_HIGH = tuple((-1) ** (i + 1) * value for i, value in enumerate(reversed(DB5_LOW)))
INITIAL = torch.tensor([6, 12, 0.5, 0.7, 0.5, 0.4])
RANGE = torch.tensor([4, 2, 0.8, 0.1, 0.6, 0.4])


def double_gamma(values, rate, taps):
    """values [..., 6] -> [..., taps]."""
    d1, d2, s1, s2, c1, c2 = values.unsqueeze(-1).unbind(-2)
    t = torch.arange(1, taps) / rate

    def gamma(d, s):
        return (t / (d * s)) ** d * torch.exp(-(t - d * s) / s)

    return functional.pad(c1 * gamma(d1, s1) - c2 * gamma(d2, s2), (1, 0))


def wavelets(x, levels):
    """x [rows, blocks, samples] -> all coefficients beside each other, zero beyond the ends."""
    rows, blocks, _ = x.shape
    low, bands = x.reshape(rows * blocks, 1, -1), []
    kernels = torch.tensor([DB5_LOW, DB5_HIGH]).flip(1).unsqueeze(1)
    for _ in range(levels):
        n = low.shape[-1]
        total = 2 * ((n + 9) // 2 - 1) - n + 10
        both = functional.conv1d(functional.pad(low, (total // 2, total - total // 2)), kernels, stride=2)
        low, high = both[:, :1], both[:, 1:]
        bands.append(high)
    return torch.cat([*bands, low], -1).view(rows, blocks, -1)


def cosine_loss(y_hat, y):
    return 1 - functional.cosine_similarity(y_hat, y, dim=2, eps=1e-8).mean()


class Samba:
    """What both programs do alike."""

    def __init__(self, tensors, facts):
        self.weights = {name[7:]: torch.from_numpy(value).requires_grad_()
                        for name, value in tensors.items() if name.startswith("weight/")}
        self.facts = {name: float(value) for name, value in facts.items()}
        self.training = False

    def number(self, name):
        return int(self.facts[name])

    def drop(self, x, name, always=True):
        return functional.dropout(x, self.facts[name], self.training and always)

    def linear(self, x, name):
        return functional.linear(x, self.weights[name + ".weight"], self.weights.get(name + ".bias"))

    def alpha(self):
        x = self.weights["wavelet_attentions"]
        for layer in (1, 2):
            x = torch.relu(self.linear(x, f"attention_embedding.layer{layer}"))
        return self.linear(x, "attention_embedding.layer3").softmax(-1)

    def attention(self, x, name, mask):
        """x [..., nodes, in] -> [..., nodes, features], every pair of nodes in memory."""
        heads = self.number("heads")
        left = self.linear(x, name + ".linear_l").unflatten(-1, (heads, -1))
        right = self.linear(x, name + ".linear_r").unflatten(-1, (heads, -1))
        pairs = functional.leaky_relu(left.unsqueeze(-4) + right.unsqueeze(-3), 0.2)  # [..., i, j, head, feature]
        scores = functional.linear(pairs, self.weights[name + ".attn.weight"]).squeeze(-1)
        weights = scores.masked_fill(mask.unsqueeze(-1), float("-inf")).softmax(-2)
        return torch.einsum("...ijh,...jhf->...ihf", weights, right).mean(-2)

    def decoder(self):
        """The recurrent part as torch's module, its weights ours."""
        size, layers = self.weights["rnn.weight_hh_l0"].shape[1], self.number("lstm_layers")
        lstm = nn.LSTM(size, size, layers, dropout=self.facts["lstm_dropout"])
        for name in dict(lstm.named_parameters()):
            setattr(lstm, name, nn.Parameter(self.weights["rnn." + name].detach()))
            self.weights["rnn." + name] = getattr(lstm, name)
        return lstm

    def read_out(self, state):
        inner = self.drop(torch.relu(self.linear(state, "output_layer1")), "dropout")
        return self.drop(self.linear(inner, "output_layer2"), "output_dropout")


class Good(Samba):
    def __init__(self, tensors, facts):
        super().__init__(tensors, facts)
        self.lstm = self.decoder()

    def parameters(self):
        return list(self.weights.values())

    def responses(self):
        rows, layer = self.weights["hrf.theta"].unsqueeze(2), 1
        while f"hrf.layer{layer}.weight" in self.weights:
            weight, bias = (self.weights[f"hrf.layer{layer}.{kind}"] for kind in ("weight", "bias"))
            rows = torch.baddbmm(bias.unsqueeze(1), rows if layer == 1 else functional.gelu(rows), weight.mT)
            layer += 1
        values = INITIAL + RANGE * torch.sigmoid(5 * rows.squeeze(2))
        return double_gamma(values, self.facts["rate"], self.number("taps"))

    def filtered(self, x):
        """sum over k of h[k] x[t + k - taps / 2], by Fourier transforms."""
        h, time = self.responses(), x.shape[2]
        n = 1 << (time + h.shape[1] - 1).bit_length()
        y = torch.fft.irfft(torch.fft.rfft(x, n) * torch.fft.rfft(h, n).conj(), n)
        return torch.roll(y, h.shape[1] // 2, 2)[..., :time]

    def __call__(self, x, y, teacher, masks):
        batch, parcels, _ = x.shape
        blocks = self.filtered(x).reshape(batch * parcels, self.number("frames"), -1)
        bands = (wavelets(blocks, self.number("levels")) * self.alpha()).reshape(batch, parcels, -1)
        hidden = self.drop(functional.elu(self.attention(bands, "gat_layer1", masks[0])), "graph_dropout")
        groups = hidden.reshape(batch, len(self.weights["mapper.weight"]), -1, hidden.shape[2])
        up = self.weights["mapper.weight"] @ groups + self.weights["mapper.bias"].unsqueeze(2)
        seen = self.attention(up.reshape(batch, -1, hidden.shape[2]), "gat_layer2", masks[1])
        following = torch.where(teacher.unsqueeze(1), y[..., :-1], seen[..., :-1])
        inputs = torch.cat([y[..., :1], following], 2).permute(2, 0, 1)
        self.lstm.train(self.training)
        state, _ = self.lstm(inputs, tuple(self.weights[k].expand(-1, batch, -1).contiguous() for k in ("h0", "c0")))
        return self.read_out(state).permute(1, 2, 0)


class Released(Samba):
    def __init__(self, tensors, facts):
        super().__init__(tensors, facts)
        self.lstm = self.decoder()
        # Every parcel and every patch has modules of its own.
        stacked = {name: self.weights.pop(name) for name in list(self.weights) if name.startswith(("hrf.", "mapper."))}
        self.own = {name: [part.detach().clone().requires_grad_() for part in value]
                    for name, value in stacked.items()}

    def parameters(self):
        """Those that the released optimiser sees; the responses' networks are in a plain list."""
        mapper = [part for name, parts in self.own.items() if name.startswith("mapper.") for part in parts]
        return [*self.weights.values(), *mapper]

    def response(self, parcel):
        rows, layer = self.own["hrf.theta"][parcel].unsqueeze(1), 1
        while f"hrf.layer{layer}.weight" in self.own:
            weight, bias = (self.own[f"hrf.layer{layer}.{kind}"][parcel] for kind in ("weight", "bias"))
            rows = functional.linear(rows if layer == 1 else functional.gelu(rows), weight, bias)
            layer += 1
        values = INITIAL + RANGE * torch.sigmoid(5 * rows.squeeze(1))
        return double_gamma(values, self.facts["rate"], self.number("taps"))

    def filtered(self, x):
        taps, parcels = self.number("taps"), range(x.shape[1])
        rows = [functional.conv1d(x[:, p:p + 1], self.response(p).view(1, 1, -1), padding=taps // 2) for p in parcels]
        return torch.cat(rows, 1)[..., :-1]

    def decoded(self, seen, y, teacher):
        """One window, frame by frame."""
        state = tuple(self.weights[k] for k in ("h0", "c0"))
        given, frames = y[:, 0], []
        for t in range(y.shape[1]):
            hidden, state = self.lstm(given.view(1, 1, -1), state)
            frames.append(self.read_out(hidden).view(-1))
            if t + 1 < y.shape[1]:
                given = y[:, t] if teacher[t] else seen[:, t]
        return torch.stack(frames, 1)

    def __call__(self, x, y, teacher, masks):
        batch, parcels, _ = x.shape
        blocks = self.filtered(x).reshape(batch * parcels, self.number("frames"), -1)
        bands = (wavelets(blocks, self.number("levels")) * self.alpha()).reshape(batch, parcels, -1)
        self.lstm.train(self.training)
        windows = []
        for b in range(batch):
            hidden = self.drop(functional.elu(self.attention(bands[b], "gat_layer1", masks[0])), "graph_dropout")
            groups = hidden.chunk(len(self.own["mapper.weight"]))
            up = [weight @ group + bias.unsqueeze(1)
                  for weight, bias, group in zip(self.own["mapper.weight"], self.own["mapper.bias"], groups)]
            seen = self.attention(torch.cat(up), "gat_layer2", masks[1])
            windows.append(self.decoded(seen, y[b], teacher[b]))
        return torch.stack(windows)


def time_convolution(model, x, options):
    """Seconds of the responses and their convolution, forward and backward; `released`: of ten parcels, scaled."""
    parcels = min(10, x.shape[1]) if options.program == "released" else x.shape[1]
    timing = peer.measure(lambda _: model.filtered(x[:, :parcels]).sum().backward(), options.warmup, options.runs,
                          options.min_seconds)
    return {key: value if key == "runs" else value * x.shape[1] / parcels for key, value in timing.items()}


def gradient_norm(model):
    leaves = [*model.weights.values(), *(part for parts in getattr(model, "own", {}).values() for part in parts)]
    return math.sqrt(sum(float(w.grad.double().square().sum()) for w in leaves if w.grad is not None))


def difference(found, wanted):
    return float(abs(found / wanted - 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", choices=["released", "good"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--min-seconds", type=float, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tensors, facts = peer.read_tensors(os.path.join(options.folder, f"step-{options.batch}.safetensors"))
    x, y, wanted = (torch.from_numpy(tensors[name]) for name in ("x", "y", "output"))
    teacher = torch.from_numpy(tensors["teacher"]) > 0
    masks = [torch.zeros(n, n, dtype=torch.bool) for n in (x.shape[1], y.shape[1])]  # complete graphs
    model = {"released": Released, "good": Good}[options.program](tensors, facts)

    def gradients():
        y_hat = model(x, y, teacher, masks)
        loss = cosine_loss(y_hat, y)
        loss.backward()
        return y_hat.detach(), float(loss.detach())

    y_hat, loss = gradients()
    output_difference = float((y_hat - wanted).abs().max() / wanted.abs().max())
    norm = gradient_norm(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-4, fused=options.program == "good" or None)
    model.training = True

    def step(_):
        optimizer.zero_grad()
        gradients()
        optimizer.step()

    timing = peer.measure(step, options.warmup, options.runs, options.min_seconds)
    convolution = time_convolution(model, x, options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"version": torch.__version__, "timing": timing, "convolution": convolution,
                      "peak_rss_mib": peak, "output_difference": output_difference,
                      "loss_difference": difference(loss, float(facts["loss"])),
                      "gradient_norm_difference": difference(norm, float(facts["gradient_norm"]))}))


if __name__ == "__main__":
    main()
