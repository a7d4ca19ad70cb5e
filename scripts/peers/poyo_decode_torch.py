"""PyTorch beside poyo-decode: POYO as its users write it, with the rotary attention by hand.

A padded batch with a mask; every token is embedded, normed and projected; queries, keys and values are turned, all
scores are in memory, what was read is turned back. Reads what `bench --export FOLDER` wrote, prints one JSON document.
Called by poyo_decode.py.
"""

import argparse
import json
import math
import os

import peer
import torch
from torch.nn import functional


def rotate_half(x):
    first, second = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((-second, first), dim=-1).flatten(-2)


def turned(x, angles):
    """x [batch, tokens, heads, dim_head] by the cosine and sine of angles [batch, tokens, 1, dim_head]."""
    return x * angles[0] + rotate_half(x) * angles[1]


class Poyo:
    def __init__(self, tensors, facts):
        self.weights = {name[7:]: torch.from_numpy(value).requires_grad_()
                        for name, value in tensors.items() if name.startswith("weight/")}
        self.frequencies = torch.from_numpy(tensors["frequencies"]).repeat_interleave(2)
        self.facts = facts
        self.dim_head = int(facts["dim_head"])
        self.training = False

    def drop(self, x, name):
        return functional.dropout(x, float(self.facts[name]), self.training)

    def linear(self, x, name):
        return functional.linear(x, self.weights[name + ".weight"], self.weights.get(name + ".bias"))

    def norm(self, x, name):
        return functional.layer_norm(x, x.shape[-1:], self.weights[name + ".weight"], self.weights[name + ".bias"])

    def angles(self, times):
        """Cosine and sine, of a product in float64 as in the reference."""
        product = (times.double().unsqueeze(-1) * self.frequencies.double()).unsqueeze(-2)
        return product.cos().float(), product.sin().float()

    def attention(self, name, packed, q_angles, k_angles, mask, turn_values):
        q, k, v = (x.unflatten(-1, (-1, self.dim_head)) for x in packed)
        q, k = turned(q, q_angles), turned(k, k_angles)
        if turn_values:
            v = turned(v, k_angles)
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(self.dim_head)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
        weights = self.drop(scores.softmax(-1), "atn_dropout")
        read = torch.einsum("bhqk,bkhd->bqhd", weights, v)
        if turn_values:
            read = turned(read, (q_angles[0], -q_angles[1]))
        return self.linear(read.flatten(-2), name + ".to_out")

    def cross(self, name, x, context, q_angles, k_angles, mask, turn_values):
        q = self.linear(self.norm(x, name + ".norm"), name + ".to_q")
        k, v = self.linear(self.norm(context, name + ".norm_context"), name + ".to_kv").chunk(2, dim=-1)
        return self.attention(name, (q, k, v), q_angles, k_angles, mask, turn_values)

    def own(self, name, x, angles):
        packed = self.linear(self.norm(x, name + ".norm"), name + ".to_qkv").chunk(3, dim=-1)
        return self.attention(name, packed, angles, angles, None, True)

    def feed_forward(self, name, x):
        value, gate = self.linear(self.norm(x, name + ".0"), name + ".1.net.0").chunk(2, dim=-1)
        return self.linear(self.drop(value * functional.gelu(gate), "ffn_dropout"), name + ".1.net.3")

    def __call__(self, batch):
        w, facts = self.weights, self.facts
        step, per_step = float(facts["latent_step"]), int(facts["latents_per_step"])
        count = math.ceil(float(facts["window"]) / step)
        times = (torch.arange(count) * step + step / 2).repeat_interleave(per_step)
        windows = len(batch["unit"])
        latent_angles = self.angles(times)
        inputs = w["unit_emb.weight"][batch["unit"]] + w["token_type_emb.weight"][batch["type"]]
        z = w["latent_emb.weight"].repeat(count, 1).expand(windows, -1, -1)
        z = z + self.cross("enc_atn", z, inputs, latent_angles, self.angles(batch["time"]), batch["mask"], True)
        z = z + self.feed_forward("enc_ffn", z)
        for i in range(int(facts["depth"])):
            z = z + self.drop(self.own(f"proc_layers.{i}.0", z, latent_angles), "lin_dropout")
            z = z + self.drop(self.feed_forward(f"proc_layers.{i}.1", z), "lin_dropout")
        y = w["session_emb.weight"][batch["query_session"]]
        y = y + self.cross("dec_atn", y, z, self.angles(batch["query_time"]), latent_angles, None, False)
        y = y + self.feed_forward("dec_ffn", y)
        return self.linear(y, "readout").flatten(0, 1)

    def gradients(self, batch):
        for weight in self.weights.values():
            weight.grad = None
        loss = (self(batch) - batch["target"]).square().mean()
        loss.backward()
        return loss.item()


def difference(found, wanted):
    return float(abs(found / wanted - 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--min-seconds", type=float, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tensors, facts = peer.read_tensors(os.path.join(options.folder, options.model + ".safetensors"))
    names = ("unit", "type", "time", "query_session", "query_time", "target")
    batch = {name: torch.from_numpy(tensors[name]) for name in names}
    batch["mask"] = batch["unit"] > 0
    model = Poyo(tensors, facts)
    wanted = torch.from_numpy(tensors["output"])
    with torch.no_grad():
        output_difference = float((model(batch) - wanted).abs().max() / wanted.abs().max())
    loss = model.gradients(batch)
    norm = math.sqrt(sum(float(w.grad.double().square().sum()) for w in model.weights.values()))

    def forward(_):
        with torch.no_grad():
            model(batch)

    timings = {"forward": peer.measure(forward, options.warmup, options.runs, options.min_seconds)}
    model.training = True
    timings["step"] = peer.measure(lambda _: model.gradients(batch), options.warmup, options.runs, options.min_seconds)
    print(json.dumps({"version": torch.__version__, "timings": timings, "loss": loss,
                      "output_difference": output_difference,
                      "loss_difference": difference(loss, float(facts["loss"])),
                      "gradient_norm_difference": difference(norm, float(facts["gradient_norm"]))}))


if __name__ == "__main__":
    main()
