#include "tools/samba-align/graph_report.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace tenfold::samba_align {
namespace {

constexpr int64_t kAtOnce = 16;  // windows of a pass

// weights [edges, heads] of a graph, over all heads, into sum [nodes, nodes].
void add_edges(const at::Tensor& weights, const Graph& graph, at::Tensor& sum) {
  if (!weights.defined()) return;
  const int64_t n = graph.nodes();
  if (!sum.defined()) sum = at::zeros({n, n}, at::kDouble);
  const at::Tensor mean = weights.mean(1, false, at::kDouble).contiguous();
  const double* weight = mean.data_ptr<double>();
  double* to = sum.data_ptr<double>();
  for (int64_t i = 0; i < n; ++i)
    for (int32_t e = graph.begin[size_t(i)]; e < graph.begin[size_t(i) + 1]; ++e)
      to[i * n + graph.node[size_t(e)]] += weight[e];
}

at::Tensor over(const at::Tensor& sum, size_t windows) {
  return sum.defined() ? (sum / double(windows)).to(at::kFloat) : sum;
}

}  // namespace

const std::vector<std::string> kGraphAttentionColumns = {"seed", "modality", "by",
                                                         "to",   "from",     "mass"};

MeanAttention mean_attention(const Model& model, const Dataset& dataset,
                             const std::vector<WindowPlace>& places) {
  const at::NoGradGuard guard;
  MeanAttention sum;
  for (size_t first = 0; first < places.size(); first += kAtOnce) {
    const size_t end = std::min(first + kAtOnce, places.size());
    const Batch batch =
        dataset.batch({places.begin() + int64_t(first), places.begin() + int64_t(end)});
    const Activations pass = model.forward(batch, std::nullopt);
    for (size_t b = 0; b < end - first; ++b) {
      const GraphWeights w = model.graph_weights(pass, batch, int64_t(b));
      add_edges(w.ele, *batch.source[b], sum.ele);
      add_edges(w.hemo, *batch.target[b], sum.hemo);
    }
  }
  return {over(sum.ele, places.size()), over(sum.hemo, places.size())};
}

std::vector<Regions> regions_of(const std::vector<ParcelPlace>& places, int64_t nodes,
                                int64_t patches) {
  std::vector<Regions> all;
  const std::pair<const char*, std::string ParcelPlace::*> kinds[] = {
      {"network", &ParcelPlace::network},
      {"hemisphere", &ParcelPlace::hemisphere},
      {"lobe", &ParcelPlace::lobe}};
  for (const auto& [by, member] : kinds) {
    Regions regions{by, {}};
    for (const ParcelPlace& p : places) regions.of_node.push_back(p.*member);
    const bool known = std::any_of(regions.of_node.begin(), regions.of_node.end(),
                                   [](const std::string& name) { return !name.empty(); });
    if (known) all.push_back(std::move(regions));
  }
  if (!all.empty()) return all;
  Regions blocks{"patch", {}};
  for (int64_t i = 0; i < nodes; ++i)
    blocks.of_node.push_back(fmt::format("{:03}", i / (nodes / patches)));
  return {blocks};
}

void add_graph_regions(log::Table& table, int64_t seed, const std::string& modality,
                       const at::Tensor& attention, const std::vector<Regions>& regions) {
  const int64_t n = attention.size(0);
  const at::Tensor rows = attention.contiguous();
  const float* weight = rows.data_ptr<float>();
  for (const Regions& r : regions) {
    std::set<std::string> names(r.of_node.begin(), r.of_node.end());
    names.erase("");
    std::map<std::string, double> receivers;
    std::map<std::pair<std::string, std::string>, double> mass;
    for (int64_t i = 0; i < n; ++i) {
      const std::string& to = r.of_node[size_t(i)];
      receivers[to] += 1;
      for (int64_t j = 0; j < n; ++j) mass[{to, r.of_node[size_t(j)]}] += weight[i * n + j];
    }
    for (const std::string& to : names)
      for (const std::string& from : names)
        table.rows.push_back({seed, modality, r.by, to, from, mass[{to, from}] / receivers[to]});
  }
}

}  // namespace tenfold::samba_align
