// Families of tasks, meta-datasets and batches.

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/io/scratch_for_test.h"
#include "tools/prequential-icl/batches.h"
#include "tools/prequential-icl/task_source.h"

namespace tenfold::prequential_icl {
namespace {

TaskConfig config_of(const std::string& task, int64_t tasks = 40, int64_t points = 12) {
  TaskConfig c;
  c.task = task;
  c.small = true;
  c.n_tasks = c.n_val_tasks = tasks;
  c.n_samples = points;
  return c;
}

MetaDataset dataset_of(TaskConfig c, uint64_t seed = 3) {
  c.resolve("");
  return TaskSource(c, seed).dataset(true);
}

double mean_of(const at::Tensor& t) { return t.to(at::kDouble).mean().item<double>(); }
double variance(const at::Tensor& t) { return t.to(at::kDouble).var().item<double>(); }

bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || a.equal(b));
}

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE(
    "linear tasks: weights of variance 1/(intrinsic_dim + 1), the bias last, noise on y only") {
  TaskConfig c = config_of("linear", 3000, 20);
  const MetaDataset d = dataset_of(c);
  const at::Tensor& w = d.train.param.at("w");
  CHECK(w.sizes() == at::IntArrayRef({3000, 4, 1}));
  CHECK(variance(w) == Approx(0.25).epsilon(0.05));
  const at::Tensor clean = d.train.x.matmul(w.narrow(1, 0, 3)) + w.narrow(1, 3, 1);
  CHECK(variance(d.train.y - clean) == Approx(0.04).epsilon(0.03));
  CHECK(variance(d.train.x) == Approx(1).epsilon(0.03));
  // The copy out of the distribution has no noise.
  const at::Tensor ood = d.train.x_ood.matmul(w.narrow(1, 0, 3)) + w.narrow(1, 3, 1);
  CHECK((d.train.y_ood - ood).abs().max().item<double>() < 1e-5);
}

TEST_CASE("inputs without a weight are the same for all tasks, and for both splits unless told") {
  TaskConfig c = config_of("linear");
  c.x_dim = 6;
  c.intrinsic_dim = 2;
  const auto zero_rows = [](const MetaSplit& s) {
    return s.param.at("w").abs().amax(at::IntArrayRef({0, 2})).eq(0);
  };
  const MetaDataset d = dataset_of(c);
  CHECK(zero_rows(d.train).sum().item<int64_t>() == 4);
  CHECK(zero_rows(d.train)[6].item<bool>() == false);
  CHECK(zero_rows(d.train).equal(zero_rows(d.val)));
  CHECK(variance(d.train.param.at("w").select(1, 6)) == Approx(1.0 / 3).epsilon(0.6));
  c.intrinsic_rows_shared = false;
  bool differ = false;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const MetaDataset other = dataset_of(c, seed);
    differ = differ || !zero_rows(other.train).equal(zero_rows(other.val));
  }
  CHECK(differ);
}

TEST_CASE("sinusoid tasks have the paper's frequencies and amplitudes in (0, 1)") {
  TaskConfig c = config_of("sinusoid", 500);
  const MetaDataset d = dataset_of(c);
  const at::Tensor& a = d.train.param.at("amplitudes");
  CHECK(a.min().item<double>() >= 0);
  CHECK(mean_of(a) == Approx(0.5).epsilon(0.05));
  CHECK(variance(a) == Approx(1.0 / 12).epsilon(0.1));
  const std::vector<double> w = {3.78815794, 1.39655447, 2.01534629};
  at::Tensor y = d.train.x * 0;
  for (int64_t l = 0; l < 3; ++l)
    y = y + a.select(2, l).unsqueeze(1) * (d.train.x * w[size_t(l)]).sin();
  CHECK((d.train.y - y).abs().max().item<double>() < 1e-5);
  CHECK(sinusoid_frequencies(10)[29] == 4.04980135);
}

TEST_CASE("chebyshev tasks are sums of cos(i arccos x)") {
  TaskConfig c = config_of("chebyshev");
  c.noise = 0;
  const MetaDataset d = dataset_of(c);
  const at::Tensor& alpha = d.train.param.at("coeffs");
  CHECK(alpha.size(1) == 4);
  at::Tensor y = d.train.x * 0;
  for (int64_t i = 0; i < 4; ++i)
    y = y + alpha.select(1, i).view({-1, 1, 1}) * (d.train.x.clamp(-1, 1).acos() * double(i)).cos();
  CHECK((d.train.y - y).abs().max().item<double>() < 1e-4);
  c.standardise = true;
  const MetaDataset standard = dataset_of(c);
  CHECK(standard.train.y.mean(0).abs().max().item<double>() < 1e-5);
}

TEST_CASE(
    "dynamics: the next twenty states follow from the last one, and W has spectral radius 1") {
  const MetaDataset d = dataset_of(config_of("dynamics", 10, 6));
  CHECK(d.shape.x_dim() == 60);
  const at::Tensor w = d.train.param.at("w").select(0, 2);
  const at::Tensor x = d.train.x.select(0, 2), y = d.train.y.select(0, 2);
  at::Tensor s = x.narrow(1, 57, 3);
  s = s + 0.01 * s.matmul(w);
  CHECK((s - y.narrow(1, 0, 3)).abs().max().item<double>() < 1e-5);
  CHECK((x.narrow(1, 0, 3) + 0.01 * x.narrow(1, 0, 3).matmul(w) - x.narrow(1, 3, 3))
            .abs()
            .max()
            .item<double>() < 1e-5);
  CHECK(!d.train.x_ood.defined());
}

TEST_CASE(
    "out-of-distribution inputs: bimodal folds the task's range, shift_scale moves and widens it") {
  TaskConfig c = config_of("sinusoid", 3, 50);
  const MetaDataset folded = dataset_of(c);
  c.ood_style = "shift_scale";
  const MetaDataset moved = dataset_of(c);
  const at::Tensor x = folded.train.x.select(0, 1).flatten();
  const double m = mean_of(x), low = x.min().item<double>(), high = x.max().item<double>();
  for (int64_t i = 0; i < 50; ++i) {
    const double v = x[i].item<double>();
    CHECK(folded.train.x_ood[1][i][0].item<double>() ==
          Approx((v < m ? low : high) + m - v).margin(1e-5));
    CHECK(moved.train.x_ood[1][i][0].item<double>() == Approx(m + 2 + 3 * (v - m)).margin(1e-5));
  }
}

TEST_CASE("every family gives finite tasks that do not depend on their number") {
  for (const char* task :
       {"linear", "sinusoid", "mastermind", "hmm", "chebyshev", "mlp", "lowrank", "dynamics"}) {
    INFO(task);
    TaskConfig c = config_of(task, 5, 8);
    const MetaDataset few = dataset_of(c);
    c.n_tasks = c.n_val_tasks = 9;
    const MetaDataset many = dataset_of(c);
    CHECK(same(few.train.y, many.train.y.narrow(0, 0, 5)));
    CHECK(!same(few.train.y, few.val.y));
    CHECK(few.train.y.to(at::kDouble).isfinite().all().item<bool>());
    TaskConfig resolved = c;
    resolved.resolve("");
    const MetaSplit last = TaskSource(resolved, 3).draw("train", 3, 2, 8, false, 7);
    CHECK(same(last.y, many.train.y.narrow(0, 7, 2)));
  }
}

TEST_CASE("a meta-dataset reads back as it was written") {
  const io::Scratch scratch;
  for (const char* task : {"linear", "mastermind", "hmm"}) {
    INFO(task);
    const MetaDataset d = dataset_of(config_of(task, 5, 8));
    const std::string path = scratch / (std::string(task) + ".safetensors");
    write_meta_dataset(path, d);
    const MetaDataset r = read_meta_dataset(path);
    CHECK(r.task == d.task);
    CHECK(r.shape.kind == d.shape.kind);
    CHECK(r.shape.x_vals == d.shape.x_vals);
    CHECK(r.shape.y_vals == d.shape.y_vals);
    CHECK(r.noise == d.noise);
    CHECK(r.options == d.options);
    for (auto [a, b] : {std::pair(&r.train, &d.train), std::pair(&r.val, &d.val)}) {
      CHECK(same(a->x, b->x));
      CHECK(same(a->y, b->y));
      CHECK(same(a->x_ood, b->x_ood));
      CHECK(a->param.size() == b->param.size());
      for (const auto& [name, value] : b->param) CHECK(same(a->param.at(name), value));
    }
    CHECK(r.shared.size() == d.shared.size());
  }
}

TEST_CASE("a meta-dataset with NaN, a symbol outside its classes or unequal tensors is refused") {
  const io::Scratch scratch;
  const std::string path = scratch / "d.safetensors";
  const auto message = [&](const MetaDataset& d) {
    write_meta_dataset(path, d);
    return message_of([&] { read_meta_dataset(path); });
  };
  MetaDataset d = dataset_of(config_of("linear", 5, 8));
  d.val.y[2][3][0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(message(d) == path + ": val.y: found NaN or inf");
  d = dataset_of(config_of("linear", 5, 8));
  d.train.x = d.train.x.narrow(0, 0, 4);
  CHECK(message(d).find("differ in tasks or points") != std::string::npos);
  d = dataset_of(config_of("mastermind", 5, 8));
  d.train.x[0][0][1] = 9;
  CHECK(message(d) == path + ": train.x: variable 2 holds 9, expected 0..3");
}

TEST_CASE("a CSV becomes a meta-dataset, the last tasks for validation") {
  const io::Scratch scratch;
  const std::string path = scratch / "t.csv";
  io::write_file_atomic(path,
                        "task,x1,y1,x2\na,1,10,2\nb,3,30,4\na,5,50,6\nb,7,70,8\nc,9,90,10\nc,11,"
                        "110,12\nc,13,130,14\n");
  const MetaDataset d = read_csv_dataset(path, 0.34);
  CHECK(d.train.x.sizes() == at::IntArrayRef({2, 2, 2}));
  CHECK(d.val.x.sizes() == at::IntArrayRef({1, 2, 2}));
  CHECK(d.train.x[1][1][1].item<float>() == 8);
  CHECK(d.train.y[0][1][0].item<float>() == 50);
  CHECK(d.val.y[0][0][0].item<float>() == 90);
  const auto refused = [&](const std::string& text) {
    const std::string bad = scratch / "bad.csv";
    io::write_file_atomic(bad, text);
    return message_of([&] { read_csv_dataset(bad, 0.5); });
  };
  CHECK(refused("task,x1,y1\na,1,2\na,nan,3\nb,1,2\nb,1,2\n").find(":3: column x1: found 'nan'") !=
        std::string::npos);
  CHECK(refused("x1,y1\n1,2\n").find("no column task") != std::string::npos);
  CHECK(refused("task,x1\na,2\n").find("no column y1") != std::string::npos);
  CHECK(refused("task,x1,y1\na,1,2\na,1,2\n").find("expected at least 2") != std::string::npos);
}

TEST_CASE("a batch permutes x, y and the copy alike, afresh for every draw, tokens never") {
  const MetaDataset d = dataset_of(config_of("linear", 5, 30));
  const Batcher batcher(d.shape, d.train, 1, "points", at::kCPU);
  const int64_t tasks[] = {3, 0};
  const Batch a = batcher.gather(tasks, 2, 7, true), again = batcher.gather(tasks, 2, 7, true),
              b = batcher.gather(tasks, 2, 900, true);
  CHECK(a.points.equal(again.points));
  CHECK(!a.points.equal(b.points));
  // Every row of the batch is a row of the task, with its own y and copy.
  const at::Tensor stored = at::cat(
                       {d.train.x.select(0, 3), d.train.y.select(0, 3), d.train.x_ood.select(0, 3)},
                       1),
                   drawn = at::cat({a.points.select(0, 0), a.x_ood.select(0, 0)}, 1);
  for (int64_t i = 0; i < 30; ++i)
    CHECK((stored - drawn[i]).abs().sum(1).min().item<double>() == 0);
  CHECK(!drawn.equal(stored));
  CHECK(drawn.sum(0).allclose(stored.sum(0), 1e-4, 1e-4));

  const MetaDataset hmm = dataset_of(config_of("hmm", 3, 20));
  const Batch tokens =
      Batcher(hmm.shape, hmm.train, 1, "points", at::kCPU).gather(tasks + 1, 1, 5, false);
  CHECK(tokens.labels.flatten().equal(hmm.train.y.select(0, 0).flatten().to(at::kLong)));
  CHECK(tokens.points.sum(2).eq(1).all().item<bool>());
}

TEST_CASE("symbols become one-hot vectors, position by position") {
  const MetaDataset d = dataset_of(config_of("mastermind", 2, 6));
  const Batch b = Batcher(d.shape, d.train, 1, "points", at::kCPU).stored(1, 1);
  CHECK(b.x.size(2) == 16);
  CHECK(b.y.size(2) == 10);
  for (int64_t p = 0; p < 6; ++p) {
    for (int64_t i = 0; i < 4; ++i) {
      const int64_t colour = d.train.x[1][p][i].item<int64_t>();
      CHECK(b.x[0][p][4 * i + colour].item<float>() == 1);
    }
    CHECK(b.x[0][p].sum().item<float>() == 4);
    CHECK(b.y[0][p][b.labels[0][p][0].item<int64_t>()].item<float>() == 1);
    CHECK(b.y[0][p][5 + b.labels[0][p][1].item<int64_t>()].item<float>() == 1);
  }
}

}  // namespace tenfold::prequential_icl
