#include "tools/samba-align/bench_cases.h"

#include <ATen/ops/empty.h>

#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

at::Tensor normal(uint64_t seed, const char* name, const std::vector<int64_t>& shape) {
  const at::Tensor t = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
  Stream(seed, name).fill_normal(t.data_ptr<float>(), t.numel(), 0, 1);
  return t;
}

GraphPtr complete_graph(int64_t nodes) {
  return graph_of_nonzero(std::vector<double>(size_t(nodes * nodes), 1), nodes);
}

}  // namespace

BenchCase bench_case(bool small, int64_t context_frames) {
  BenchCase c;
  c.spec.context_frames = context_frames;
  if (small) {
    c.batch = 16;
    c.spec.parcels = 20;
    c.spec.targets = 40;
    c.spec.rate = 50;
    c.spec.block = 100;
    c.spec.patches = 10;
    c.spec.hrf.hidden = {32, 32};
  }
  return c;
}

BenchCase reference_case(bool small, int64_t batch) {
  BenchCase c = bench_case(small, 0);
  c.batch = batch;
  c.spec.hrf_conv = "reference";
  c.spec.scale_alpha = false;
  return c;
}

Batch bench_batch(const BenchCase& c, uint64_t seed) {
  const ModelSpec& s = c.spec;
  Batch b;
  b.x = normal(seed, "bench/x", {c.batch, s.parcels, s.context() + s.window()});
  b.y = normal(seed, "bench/y", {c.batch, s.targets, s.frames});
  b.source.assign(size_t(c.batch), complete_graph(s.parcels));
  b.target.assign(size_t(c.batch), complete_graph(s.targets));
  b.teacher = at::empty({c.batch, s.frames - 1}, at::TensorOptions().dtype(at::kBool));
  const Stream draws(seed, "bench/teacher");
  for (int64_t i = 0; i < b.teacher.numel(); ++i)
    b.teacher.data_ptr<bool>()[i] = draws.uniform(uint64_t(i)) < 0.5;
  return b;
}

}  // namespace tenfold::samba_align
