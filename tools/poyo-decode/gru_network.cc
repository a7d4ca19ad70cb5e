#include "tools/poyo-decode/gru_network.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/gru.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "tools/poyo-decode/neural_fit.h"

namespace tenfold::poyo_decode {
namespace {

at::Tensor longs(const std::vector<int64_t>& values) {
  return at::from_blob(const_cast<int64_t*>(values.data()), {int64_t(values.size())},
                       at::TensorOptions().dtype(at::kLong))
      .clone();
}

at::Tensor column(const std::vector<float>& values) {
  return at::from_blob(const_cast<float*>(values.data()), {int64_t(values.size()), 1},
                       at::TensorOptions().dtype(at::kFloat))
      .clone();
}

}  // namespace

SequenceBatch packed(std::vector<const Sequence*> sequences, int64_t units) {
  std::stable_sort(sequences.begin(), sequences.end(),
                   [](const Sequence* a, const Sequence* b) { return a->steps > b->steps; });
  SequenceBatch batch;
  std::vector<int64_t> first;  // row of each step's first sequence
  int64_t rows = 0;
  for (int64_t t = 0; !sequences.empty() && t < sequences[0]->steps; ++t) {
    const int64_t reach = std::partition_point(sequences.begin(), sequences.end(),
                                               [t](const Sequence* s) { return s->steps > t; }) -
                          sequences.begin();
    first.push_back(rows);
    batch.batch_sizes.push_back(reach);
    rows += reach;
  }
  batch.counts = at::empty({rows, units}, at::TensorOptions().dtype(at::kFloat));
  float* out = batch.counts.data_ptr<float>();
  for (int64_t b = 0; b < int64_t(sequences.size()); ++b) {
    const Sequence& s = *sequences[size_t(b)];
    for (int64_t t = 0; t < s.steps; ++t)
      std::copy_n(s.counts.data() + t * units, units, out + (first[size_t(t)] + b) * units);
    for (size_t q = 0; q < s.samples.size(); ++q) {
      const double place = std::clamp(s.place[q], 0.0, double(s.steps - 1));
      const int64_t before = int64_t(place), after = std::min(before + 1, s.steps - 1);
      batch.samples.push_back(s.samples[q]);
      batch.before.push_back(first[size_t(before)] + b);
      batch.after.push_back(first[size_t(after)] + b);
      batch.part.push_back(float(place - double(before)));
    }
  }
  return batch;
}

GruNetwork::GruNetwork(train::Parameters& p, int64_t units, int64_t hidden) : hidden_(hidden) {
  const auto init = train::Parameters::torch_default(hidden);
  for (int64_t k = 0; k < 2; ++k) {
    for (const std::string end : {"", "_reverse"}) {
      const std::string name = "gru.l" + std::to_string(k) + end;
      layers_[k].push_back(
          p.add(name + ".weight_ih", {3 * hidden, k == 0 ? units : 2 * hidden}, init));
      layers_[k].push_back(p.add(name + ".weight_hh", {3 * hidden, hidden}, init));
      layers_[k].push_back(p.add(name + ".bias_ih", {3 * hidden}, init));
      layers_[k].push_back(p.add(name + ".bias_hh", {3 * hidden}, init));
    }
  }
  readout_ = train::Linear(p, "readout", 2 * hidden, 2);
}

at::Tensor GruNetwork::run(const Layer& layer, const at::Tensor& x,
                           const SequenceBatch& batch) const {
  const int64_t most = batch.batch_sizes.front(), steps = int64_t(batch.batch_sizes.size());
  const at::Tensor start = at::zeros({2, most, hidden_}, x.options());
  if (batch.batch_sizes.back() == most) {  // torch's way for equal lengths is the faster one
    const at::Tensor out = std::get<0>(
        at::gru(x.view({steps, most, x.size(1)}), start, layer, true, 1, 0.0, false, true, false));
    return out.reshape({steps * most, 2 * hidden_});
  }
  return std::get<0>(at::gru(x, longs(batch.batch_sizes), start, layer, true, 1, 0.0, false, true));
}

at::Tensor GruNetwork::operator()(const SequenceBatch& batch,
                                  const std::optional<DropoutStep>& dropout) const {
  at::Tensor x = run(layers_[0], batch.counts, batch);
  // One layer at a time, since torch would draw its dropout from a generator that threads share.
  if (dropout) x = dropped(x, kGruDropout, dropout->seed, dropout->step, 0);
  const at::Tensor y = readout_(run(layers_[1], x, batch));
  const at::Tensor part = column(batch.part);
  return y.index_select(0, longs(batch.before)) * (1 - part) +
         y.index_select(0, longs(batch.after)) * part;
}

}  // namespace tenfold::poyo_decode
