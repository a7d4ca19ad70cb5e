"""PyTorch beside bias-learning: biases trained on kept pre-activations, and those of rate networks, by autograd and torch.optim.Adam.

One bias vector or network is the loop as one writes it; several share z, or are one batched product. Reads what
`bench --export FOLDER` wrote, prints one JSON document. Called by bias_learning.py.
"""

import argparse
import json
import os

import peer
import torch

IMAGE_RATE, NETWORK_RATE, CLIP, KEEP, RATE = 0.02, 0.01, 1.0, 0.9, 0.1


class Images:
    """Bias vectors on z [images, units]; a run is an epoch."""

    def __init__(self, tensors, models, batch):
        self.z, self.readout, self.order = (torch.from_numpy(tensors[name]) for name in ("z", "readout", "order"))
        self.labels = torch.from_numpy(tensors["labels"][:models])
        self.batch, self.models = batch, models
        self.bias = torch.zeros(models, self.z.shape[1]).requires_grad_()
        self.optimizer = torch.optim.Adam([self.bias], lr=IMAGE_RATE)

    def step(self, rows):
        z, labels = self.z[rows], self.labels[:, rows]
        if self.models == 1:
            logits = (torch.relu(z + self.bias[0]) @ self.readout.T)[None]
        else:
            logits = torch.relu(z + self.bias[:, None]) @ self.readout.T
        losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        losses = losses.view(self.models, -1).mean(1)
        self.optimizer.zero_grad()
        losses.sum().backward()
        self.optimizer.step()
        return losses.detach()

    def run(self):
        return torch.stack([self.step(rows) for rows in self.order.split(self.batch)], 1)


class Networks:
    """Rate networks that follow one trajectory by their biases."""

    def __init__(self, tensors, models, iterations):
        self.weight, self.readout, self.start = (torch.from_numpy(tensors[name][:models]) for name in ("weight", "readout", "start"))
        self.target = torch.from_numpy(tensors["target"]).float()
        self.models, self.iterations = models, iterations
        self.bias = torch.zeros_like(self.start).requires_grad_()
        self.optimizer = torch.optim.Adam([self.bias], lr=NETWORK_RATE)

    def states(self):
        """[steps, models, units]"""
        states = []
        if self.models == 1:
            weight, bias, r = self.weight[0], self.bias[0], self.start[0]
            for _ in self.target:
                r = KEEP * r + RATE * torch.relu(torch.addmv(bias, weight, r))
                states.append(r)
            return torch.stack(states)[:, None]
        bias, r = self.bias[..., None], self.start[..., None]
        for _ in self.target:
            r = KEEP * r + RATE * torch.relu(torch.baddbmm(bias, self.weight, r))
            states.append(r)
        return torch.stack(states)[..., 0]

    def step(self):
        output = (self.states() * self.readout).sum(2)
        losses = (output - self.target[:, None]).square().mean(0)
        self.optimizer.zero_grad()
        losses.sum().backward()
        norm = self.bias.grad.norm(dim=1, keepdim=True)
        self.bias.grad *= torch.clamp(CLIP / norm, max=1)
        self.optimizer.step()
        return losses.detach()

    def run(self):
        return torch.stack([self.step() for _ in range(self.iterations)], 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", choices=("images", "networks"), default="networks")
    for name, kind, default in (("folder", str, "."), ("threads", int, 1), ("models", int, 1), ("batch", int, 100), ("runs", int, 5),
                                ("warmup", int, 1), ("min-seconds", float, 1.0)):
        parser.add_argument(f"--{name}", type=kind, default=default)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tensors, _ = peer.read_tensors(os.path.join(options.folder, f"{options.of}.safetensors"))
    wanted = tensors["losses"][:options.models]

    def fresh():
        if options.of == "images":
            return Images(tensors, options.models, options.batch)
        return Networks(tensors, options.models, wanted.shape[1])

    found = fresh().run().numpy()
    training = fresh()
    timing = peer.measure(lambda i: training.run(), options.warmup, options.runs, options.min_seconds)
    print(json.dumps({"version": torch.__version__, "timing": timing, "loss_difference": float((abs(found - wanted) / wanted).max())}))


if __name__ == "__main__":
    main()
