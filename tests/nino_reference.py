"""NiNo once more, plainly, in float64 numpy, straight from the paper's formulas; writes fixtures that the C++ tests read.

    nino_reference.py DIR

DIR gets scale_cases, toy_loop, toy_meta and toy_random (a GPT-2 with word table, two layers, final edge update), each as
.safetensors and .json.
"""

import json
import pathlib
import struct
import sys

import numpy as np

EPS = 1e-6
LINEAR, OTHER, NORM, WORD, POSITION, QUERY, KEY, VALUE, RESIDUAL, HEAD, SELF_LOOP = 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 13


def write(folder, stem, tensors, fields):
    header, blob = {}, b""
    for name, value in tensors.items():
        value = np.ascontiguousarray(value, dtype=np.int32 if np.issubdtype(np.asarray(value).dtype, np.integer) else np.float32)
        header[name] = {"dtype": "I32" if value.dtype == np.int32 else "F32", "shape": list(value.shape),
                        "data_offsets": [len(blob), len(blob) + value.nbytes]}
        blob += value.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / f"{stem}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + blob)
    (folder / f"{stem}.json").write_text(json.dumps(fields))


def sizes(params):
    return [int(np.prod(p["shape"], dtype=int)) for p in params]


def scale(x, params, method):
    """(m, s), each [P, 1], of snapshots x [P, c]."""
    m, s = np.zeros((len(x), 1)), np.zeros((len(x), 1))
    if method == "std-param":
        return x.mean(1, keepdims=True), np.maximum(x.std(1, ddof=1, keepdims=True), 1e-2)
    if method == "min-max-param":  # the official slip: the first scalar's range for all
        return m, np.full_like(s, max(np.ptp(x[0]), 1e-2))
    first = 0
    for n in sizes(params):
        block = x[first:first + n]
        if method == "std":
            m[first:first + n], s[first:first + n] = block.mean(), block.std(ddof=1)
        else:
            s[first:first + n] = max(np.ptp(block), 1e-2)
        first += n
    return m, s


def silu(x):
    return x / (1 + np.exp(-x))


def linear(w, name, x):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def nino_change(w, c, graph, features, pos, pos_w, k):
    """The predicted change of every edge's weights, [E, F]: features [E, F * ctx] scaled, at index f * ctx + t."""
    source, target, types = (np.array(v) for v in zip(*graph["edges"]))
    nodes = graph["nodes"]
    x = linear(w, "node_proj.fc.0", pos)
    if c["wte_pos_enc"]:
        x = x + w["wte_pos_enc_layer.weight"][pos_w]
    padded = np.zeros((len(source), c["max_feat_size"] * c["ctx"]))
    padded[:, :features.shape[1]] = features
    e = linear(w, "edge_proj.fc.0", padded) + w["layer_embed.weight"][types]
    degree = np.bincount(target, minlength=nodes)[:, None]
    for l in range(c["layers"]):
        conv = f"gnn.convs.{l}."
        gamma, beta = np.split(linear(w, conv + "edge_encoder", e), 2, axis=1)
        message = gamma * linear(w, conv + "pre_nns.0.0", np.hstack([x[target], x[source]])) + beta
        total = np.zeros_like(x)
        np.add.at(total, target, message)
        x = linear(w, conv + "lin", linear(w, conv + "post_nns.0.0", np.hstack([x, total / np.maximum(degree, 1)])))
        if l < c["layers"] - 1 or c["final_edge_update"]:
            x = silu(x)
            u = f"gnn.edge_update.{l}."
            inner = linear(w, u + "lin_e", e) + linear(w, u + "lin_s", x)[source] + linear(w, u + "lin_t", x)[target]
            e = linear(w, u + "lin1", silu(inner))
    out = linear(w, "edge_out.fc.2", silu(linear(w, "edge_out.fc.0", e)))
    return out.reshape(len(source), c["max_feat_size"], c["seq_len"])[:, :, k - 1]


def predict(w, c, graph, params, states, pos, pos_w, k):
    """The raw-space prediction [P] for horizon k; graph["slot"] [E] is the parameter on an edge, -1 for none (F = 1)."""
    m, s = scale(states, params, c["scale_method"])
    scaled = (states - m) / (s + EPS)
    constant = {RESIDUAL: 1.0, HEAD: 1.0, SELF_LOOP: 2.0}
    features = np.array([scaled[slot] if slot >= 0 else np.full(c["ctx"], constant[edge[2]])
                         for slot, edge in zip(graph["slot"], graph["edges"])])
    change = nino_change(w, c, graph, features, pos, pos_w, k)[:, 0]
    out = scaled[:, -1].copy()
    for slot, d in zip(graph["slot"], change):
        if slot >= 0:
            out[slot] += c["upd_scale"] * d
    return out * s[:, 0] + m[:, 0]


def random_meta(rng, c):
    h = c["hid"]
    w = {"layer_embed.weight": rng.normal(0, 0.3, (c["edge_types"], h))}

    def add(name, rows, columns):
        w[name + ".weight"] = rng.normal(0, 0.7 / np.sqrt(columns), (rows, columns))
        w[name + ".bias"] = rng.normal(0, 0.1, rows)

    add("edge_proj.fc.0", h, c["max_feat_size"] * c["ctx"])
    add("node_proj.fc.0", h, c["lpe"])
    if c["wte_pos_enc"]:
        w["wte_pos_enc_layer.weight"] = rng.normal(0, 0.3, (c["vocab_size"] + 1, h))
    for l in range(c["layers"]):
        add(f"gnn.convs.{l}.edge_encoder", 2 * h, h)
        add(f"gnn.convs.{l}.pre_nns.0.0", h, 2 * h)
        add(f"gnn.convs.{l}.post_nns.0.0", h, 2 * h)
        add(f"gnn.convs.{l}.lin", h, h)
        if l < c["layers"] - 1 or c["final_edge_update"]:
            for part in ("lin_e", "lin_s", "lin_t", "lin1"):
                add(f"gnn.edge_update.{l}.{part}", h, h)
    add("edge_out.fc.0", h, h)
    add("edge_out.fc.2", c["max_feat_size"] * c["seq_len"], h)
    # float32 is what the file holds and what both sides compute with.
    return {name: value.astype(np.float32).astype(np.float64) for name, value in w.items()}


class Graph:
    def __init__(self):
        self.nodes, self.edges, self.slot = 0, [], []

    def add(self, n):
        self.nodes += n
        return list(range(self.nodes - n, self.nodes))

    def edge(self, source, target, kind, slot=-1):
        self.edges.append((source, target, kind))
        self.slot.append(slot)

    def vector(self, aux, neurons, kind, first):
        for i, n in enumerate(neurons):
            self.edge(aux, n, kind, first + i)

    def finish(self):
        for n in range(self.nodes):
            self.edge(n, n, SELF_LOOP)
        return {"nodes": self.nodes, "edges": self.edges, "slot": self.slot}


def mlp_graph(params):
    g, first = Graph(), 0
    neurons = g.add(params[0]["shape"][1])
    for weight in params[::2]:
        out, inputs = weight["shape"]
        bias, outputs = g.add(1)[0], g.add(out)
        for i, source in enumerate(neurons):
            for o, target in enumerate(outputs):
                g.edge(source, target, LINEAR, first + o * inputs + i)
        g.vector(bias, outputs, OTHER, first + out * inputs)
        first += out * inputs + out
        neurons = outputs
    return g.finish()


def gpt2_params(v, t, d, layers):
    params = [("wte.weight", [v, d]), ("wpe.weight", [t, d])]
    for b in range(layers):
        at = f"h.{b}."
        params += [(at + "ln_1.weight", [d]), (at + "ln_1.bias", [d]),
                   (at + "attn.c_attn.weight", [d, 3 * d]), (at + "attn.c_attn.bias", [3 * d]),
                   (at + "attn.c_proj.weight", [d, d]), (at + "attn.c_proj.bias", [d]),
                   (at + "ln_2.weight", [d]), (at + "ln_2.bias", [d]),
                   (at + "mlp.c_fc.weight", [d, 4 * d]), (at + "mlp.c_fc.bias", [4 * d]),
                   (at + "mlp.c_proj.weight", [4 * d, d]), (at + "mlp.c_proj.bias", [d])]
    params += [("ln_f.weight", [d]), ("ln_f.bias", [d])]
    return [{"name": name, "shape": shape} for name, shape in params]


def gpt2_graph(params, heads, layers):
    offset, first = {}, 0
    for p, n in zip(params, sizes(params)):
        offset[p["name"]] = first
        first += n
    v, d = params[0]["shape"]
    g = Graph()
    words, positions = g.add(v), g.add(params[1]["shape"][0])
    norm_w, norm_b, key_b = g.add(3)
    x = g.add(d)

    def dense(sources, targets, kind, base, stride, column=0, reverse=False):
        for i, s in enumerate(sources):
            for o, t in enumerate(targets):
                g.edge(*((t, s) if reverse else (s, t)), kind, base + i * stride + column + o)

    dense(words, x, WORD, offset["wte.weight"], d)
    dense(positions, x, POSITION, offset["wpe.weight"], d)
    for b in range(layers):
        def at(name):
            return offset[f"h.{b}.{name}"]
        head, (q_b, v_b), q, value = g.add(heads), g.add(2), g.add(d), g.add(d)
        proj_b, ln2_w, ln2_b = g.add(3)
        x1, (fc_b,), hidden, (mlp_b,) = g.add(d), g.add(1), g.add(4 * d), g.add(1)
        next_w, next_b = g.add(2)
        next_key = g.add(1)[0] if b + 1 < layers else None
        x2 = g.add(d)
        size = d // heads
        g.vector(norm_w, x, NORM, at("ln_1.weight"))
        g.vector(norm_b, x, OTHER, at("ln_1.bias"))
        for part, neurons, bias, kind in ((0, q, q_b, QUERY), (1, q, key_b, KEY), (2, value, v_b, VALUE)):
            dense(x, neurons, kind, at("attn.c_attn.weight"), 3 * d, part * d, reverse=part == 1)
            if part != 1:
                for j, h in enumerate(head):
                    for n in neurons[j * size:(j + 1) * size]:
                        g.edge(h, n, HEAD)
            g.vector(bias, x if part == 1 else neurons, OTHER, at("attn.c_attn.bias") + part * d)
        for s, t in zip(x, x1):
            g.edge(s, t, RESIDUAL)
        dense(value, x1, LINEAR, at("attn.c_proj.weight"), d)
        g.vector(proj_b, x1, OTHER, at("attn.c_proj.bias"))
        g.vector(ln2_w, x1, NORM, at("ln_2.weight"))
        g.vector(ln2_b, x1, OTHER, at("ln_2.bias"))
        dense(x1, hidden, LINEAR, at("mlp.c_fc.weight"), 4 * d)
        g.vector(fc_b, hidden, OTHER, at("mlp.c_fc.bias"))
        for s, t in zip(x1, x2):
            g.edge(s, t, RESIDUAL)
        dense(hidden, x2, LINEAR, at("mlp.c_proj.weight"), d)
        g.vector(mlp_b, x2, OTHER, at("mlp.c_proj.bias"))
        norm_w, norm_b, key_b, x = next_w, next_b, next_key, x2
    g.vector(norm_w, x, NORM, offset["ln_f.weight"])
    g.vector(norm_b, x, OTHER, offset["ln_f.bias"])
    return g.finish()


def forward(flat, params, x):
    """Logits and what the backward pass needs, of an MLP with ReLU."""
    tensors, first = [], 0
    for p, n in zip(params, sizes(params)):
        tensors.append(flat[first:first + n].reshape(p["shape"]))
        first += n
    inputs = []
    for i in range(0, len(tensors), 2):
        inputs.append(x)
        x = x @ tensors[i].T + tensors[i + 1]
        if i + 2 < len(tensors):
            x = np.maximum(x, 0)
    return x, tensors, inputs


def loss_and_gradient(flat, params, x, y):
    logits, tensors, inputs = forward(flat, params, x)
    shifted = logits - logits.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    rows = np.arange(len(y))
    grad = np.exp(log_p)
    grad[rows, y] -= 1
    grad /= len(y)
    gradients = []
    for i in range(len(tensors) - 2, -1, -2):
        gradients = [(grad.T @ inputs[i // 2]).ravel(), grad.sum(0)] + gradients
        grad = (grad @ tensors[i]) * (inputs[i // 2] > 0)
    return -log_p[rows, y].mean(), np.concatenate(gradients)


def horizons(max_steps, period, p, longest):
    n = max(1, max_steps // period)
    points = np.linspace(longest ** (1 / p), 1, n) if n > 1 else np.array([longest ** (1 / p)])
    return [int(k) for k in np.round(points ** p)]


def make_loop(folder, rng):
    params = [{"name": "fc.0.weight", "shape": [6, 5]}, {"name": "fc.0.bias", "shape": [6]},
              {"name": "fc.2.weight", "shape": [3, 6]}, {"name": "fc.2.bias", "shape": [3]}]
    config = dict(ctx=4, hid=12, layers=3, max_feat_size=1, seq_len=9, lpe=8, wte_pos_enc=False, vocab_size=1, edge_types=15,
                  final_edge_update=False, scale_method="std", upd_scale=1.0)
    meta = random_meta(rng, config)
    write(folder, "toy_meta", meta, config)
    graph, n = mlp_graph(params), sum(sizes(params))
    options = dict(params=params, lr=0.01, weight_decay=0.02, betas=[0.8, 0.95], eps=1e-6, period=14, ctx=4, max_train_steps=40,
                   p=2, meta="toy_meta")
    x = rng.normal(size=(50, 5)).astype(np.float32).astype(float)
    y = rng.integers(0, 3, 50)
    steps, batch = 40, 8
    batches = rng.integers(0, 50, (steps, batch))
    flat = rng.normal(0, 0.4, n).astype(np.float32).astype(float)
    pos = rng.normal(0, 0.3, (graph["nodes"], 8)).astype(np.float32).astype(float)
    tensors = {"x": x, "y": y, "batches": batches, "init": flat, "pos": pos}
    m, v, t, history, losses, actions = np.zeros(n), np.zeros(n), 0, [], [], []
    schedule, stride = horizons(options["max_train_steps"], options["period"], options["p"], config["seq_len"]), 14 // 4
    (b1, b2), lr, wd = options["betas"], options["lr"], options["weight_decay"]
    for s in range(steps):
        if (s + 1) % stride == 0:
            history.append(flat.copy())
        if len(history) == options["ctx"]:
            k = schedule[min(len(schedule) - 1, s // options["period"])]
            flat = predict(meta, config, graph, params, np.array(history).T, pos, None, k)
            history = []
            losses.append(None)
            actions.append(f"nino k={k}")
        else:
            loss, g = loss_and_gradient(flat, params, x[batches[s]], y[batches[s]])
            t += 1
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
            flat = flat * (1 - lr * wd) - lr * (m / (1 - b1 ** t)) / (np.sqrt(v / (1 - b2 ** t)) + options["eps"])
            losses.append(loss)
            actions.append("adam")
        if s + 1 in (1, 11, 12, 13, 24, 40):
            tensors[f"params_after_{s + 1}"] = flat
    write(folder, "toy_loop", tensors, {**options, "losses": losses, "actions": actions})


def make_random(folder, rng):
    heads, layers, v = 2, 2, 11
    params = gpt2_params(v, 4, 6, layers)
    config = dict(ctx=5, hid=16, layers=2, max_feat_size=3, seq_len=7, lpe=8, wte_pos_enc=True, vocab_size=20, edge_types=15,
                  final_edge_update=True, scale_method="std", upd_scale=0.7)
    meta = random_meta(rng, config)
    graph = gpt2_graph(params, heads, layers)
    states = np.cumsum(rng.normal(0, 0.05, (sum(sizes(params)), 5)), axis=1).astype(np.float32).astype(float)
    pos = rng.normal(0, 0.3, (graph["nodes"], 8)).astype(np.float32).astype(float)
    pos_w = np.array([i + 1 if i < v else 0 for i in range(graph["nodes"])])
    tensors = {"w." + name: value for name, value in meta.items()}
    tensors.update(states=states, pos=pos, pos_w=pos_w)
    for k in (1, 4, 7):
        tensors[f"pred.k{k}"] = predict(meta, config, graph, params, states, pos, pos_w, k)
    write(folder, "toy_random", tensors, {**config, "num_heads": heads, "k": [1, 4, 7], "params": params})


def make_scale_cases(folder, rng):
    params = [{"name": "first.weight", "shape": [3, 4]}, {"name": "constant.bias", "shape": [5]}, {"name": "one", "shape": [1]},
              {"name": "far.weight", "shape": [2, 3]}]
    x = rng.normal(size=(sum(sizes(params)), 5))
    x[12:17] = 0.25
    x[18:] = 3.0 + 0.5 * x[18:]
    x = x.astype(np.float32).astype(float)
    tensors = {"x": x}
    for method in ("std", "std-param", "min-max", "min-max-param"):
        m, s = scale(x, params, method)
        scaled = (x - m) / (s + EPS)
        tensors["scaled." + method], tensors["back." + method] = scaled, (scaled * s + m)[:, -1]
    write(folder, "scale_cases", tensors, params)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    make_scale_cases(folder, rng)
    make_loop(folder, rng)
    make_random(folder, rng)


if __name__ == "__main__":
    main()
