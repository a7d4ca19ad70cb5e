"""PyTorch beside rich-lazy: training iterations of rate networks, a loop over time, autograd and torch.optim.SGD.

Several networks are one batched product (torch.baddbmm over networks). Reads what `bench --export FOLDER` wrote, prints one JSON
document. Called by rich_lazy.py.
"""

import argparse
import json
import os

import peer
import torch

LR, MOMENTUM = 0.003, 0.9


class Networks:
    def __init__(self, tensors, models):
        self.weights = [torch.from_numpy(tensors[name][:models].copy()).requires_grad_() for name in ("recurrent", "input", "output")]
        self.optimizer = torch.optim.SGD(self.weights, lr=LR, momentum=MOMENTUM)

    def step(self, x, labels):
        """x [models, steps, batch, inputs], labels [models, steps, batch] -> losses [models], before the update."""
        recurrent, inputs, output = self.weights
        drive = torch.einsum("mtbi,mhi->tmbh", x, inputs)
        transposed = recurrent.transpose(1, 2)
        h = torch.relu(drive[0])
        states = [h]
        for t in range(1, len(drive)):
            h = torch.relu(torch.baddbmm(drive[t], h, transposed))
            states.append(h)
        logits = torch.einsum("tmbh,moh->mtbo", torch.stack(states), output)
        losses = torch.nn.functional.cross_entropy(logits.flatten(0, 2), labels.flatten(), reduction="none")
        losses = losses.view(len(x), -1).mean(1)
        self.optimizer.zero_grad()
        losses.sum().backward()
        self.optimizer.step()
        return losses.detach()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name, kind, default in (("folder", str, "."), ("threads", int, 1), ("models", int, 1), ("runs", int, 5), ("warmup", int, 1),
                                ("min-seconds", float, 1.0)):
        parser.add_argument(f"--{name}", type=kind, default=default)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tensors, _ = peer.read_tensors(os.path.join(options.folder, "networks.safetensors"))
    x, labels = (torch.from_numpy(tensors[name][:options.models]) for name in ("x", "labels"))
    iterations = x.shape[1]

    def run(networks):
        return torch.stack([networks.step(x[:, i], labels[:, i]) for i in range(iterations)], 1)

    found = run(Networks(tensors, options.models)).numpy()
    wanted = tensors["losses"][:options.models]
    networks = Networks(tensors, options.models)
    timing = peer.measure(lambda i: run(networks), options.warmup, options.runs, options.min_seconds)
    print(json.dumps({"version": torch.__version__, "timing": timing, "loss_difference": float((abs(found - wanted) / wanted).max())}))


if __name__ == "__main__":
    main()
