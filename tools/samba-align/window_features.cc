#include "tools/samba-align/window_features.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/log.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/var.h>
#include <fmt/format.h>

#include <cmath>

#include "tools/samba-align/ridge_baseline.h"

namespace tenfold::samba_align {
namespace {

using Eigen::MatrixXd;

constexpr int64_t kAtOnce = 16;  // windows of a pass
constexpr double kLeastVariance = 1e-12;

std::vector<WindowPlace> places_of(const std::vector<LabelledWindow>& windows, int64_t first,
                                   int64_t count) {
  std::vector<WindowPlace> places;
  const int64_t end = std::min(first + count, int64_t(windows.size()));
  for (int64_t i = first; i < end; ++i) {
    const LabelledWindow& w = windows[size_t(i)];
    places.push_back({w.subject, w.subject, w.start, w.stride});
  }
  return places;
}

// rows [n, numbers] into x from row `first` on.
void put(MatrixXd& x, int64_t first, const at::Tensor& rows, int64_t windows) {
  if (x.size() == 0) x.resize(windows, rows.size(1));
  const at::Tensor values = rows.contiguous();
  x.middleRows(first, rows.size(0)) =
      Eigen::Map<const FloatMatrix>(values.data_ptr<float>(), values.size(0), values.size(1))
          .cast<double>();
}

bool from_hemo(const ModelSpec& spec) { return spec.direction == "hemo2ele"; }

// What a model is given of a window, without context: [batch, parcels, window], or [batch, targets,
// frames].
at::Tensor window_of(const Batch& batch, const ModelSpec& spec) {
  if (from_hemo(spec)) return batch.y;
  return batch.x.narrow(2, batch.x.size(2) - spec.window(), spec.window());
}

FeatureSet raw_features(const Dataset& dataset, const std::vector<LabelledWindow>& windows,
                        const ModelSpec& spec) {
  FeatureSet raw{"raw", {}, {}, 0};
  const auto count = int64_t(windows.size());
  for (int64_t first = 0; first < count; first += kAtOnce) {
    const at::Tensor x = window_of(dataset.batch(places_of(windows, first, kAtOnce)), spec);
    if (from_hemo(spec)) {
      put(raw.x, first, x.flatten(1), count);
      continue;
    }
    const at::Tensor blocks = x.reshape({x.size(0), spec.parcels, spec.frames, spec.block});
    const at::Tensor spread = at::log(at::var(blocks, {3}, false) + kLeastVariance);
    put(raw.x, first, at::stack({blocks.mean(3), spread}, 3).flatten(1), count);
  }
  return raw;
}

// Every frame of a subject, [frames, parcels], parcel by parcel: float64 of all takes too much.
Matrix canonical_of(const at::Tensor& ele, const Part& train, const ModelSpec& spec) {
  const at::Tensor known = Dataset::of_part(ele, train, spec.block);
  const double mean = known.mean().item<double>(), deviation = known.std().item<double>();
  Matrix out(ele.size(1) / spec.block, spec.parcels);
  for (int64_t p = 0; p < spec.parcels; ++p) {
    const float* row = ele.data_ptr<float>() + p * ele.size(1);
    Matrix x = Eigen::Map<const FloatMatrix>(row, 1, ele.size(1)).cast<double>();
    x.array() = (x.array() - mean) / deviation;
    out.col(p) = canonical_features(x, spec.rate, spec.block).col(0);
  }
  return out;
}

FeatureSet filtered_features(const Dataset& dataset, const std::vector<LabelledWindow>& windows,
                             const ModelSpec& spec) {
  FeatureSet hrf{"hrf", MatrixXd(int64_t(windows.size()), spec.parcels * spec.frames), {}, 0};
  size_t subject = 0;
  Matrix filtered;
  for (size_t i = 0; i < windows.size(); ++i) {
    if (filtered.size() == 0 || windows[i].subject != subject) {
      subject = windows[i].subject;
      filtered = canonical_of(dataset.ele(subject), dataset.parts().train, spec);
    }
    // [frames, parcels]
    const MatrixXd part =
        rows_of(filtered, {frames_of({windows[i].start, windows[i].stride}, spec.frames)});
    hrf.x.row(int64_t(i)) = Eigen::Map<const Eigen::RowVectorXd>(part.data(), part.size());
  }
  return hrf;
}

FeatureSet principal_features(const Dataset& dataset, const std::vector<LabelledWindow>& windows,
                              const ModelSpec& spec, int64_t components) {
  constexpr int64_t kSide = 128;  // windows of one side of a block of products
  const auto count = int64_t(windows.size());
  FeatureSet pca{"pca", {}, MatrixXd(count, count), components};
  const auto rows = [&](int64_t first) {
    return window_of(dataset.batch(places_of(windows, first, kSide)), spec).flatten(1);
  };
  for (int64_t i = 0; i < count; i += kSide) {
    const at::Tensor left = rows(i);
    for (int64_t j = 0; j <= i; j += kSide) {
      const at::Tensor right = j == i ? left : rows(j);
      const at::Tensor products = at::matmul(left, right.t()).contiguous();
      const auto block = Eigen::Map<const FloatMatrix>(products.data_ptr<float>(), products.size(0),
                                                       products.size(1))
                             .cast<double>();
      pca.gram.block(i, j, products.size(0), products.size(1)) = block;
      pca.gram.block(j, i, products.size(1), products.size(0)) = block.transpose();
    }
  }
  return pca;
}

}  // namespace

std::vector<std::string> latent_names(const ModelSpec& spec) {
  std::vector<std::string> names = {"gat1", "up", "gat2"};
  if (from_hemo(spec)) {
    names.emplace_back("mlp");
    return names;
  }
  if (spec.ablate != "no-rnn") names.emplace_back("lstm");
  return names;
}

std::string no_latent(const std::string& name, const std::vector<std::string>& names) {
  std::string known;
  for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
  return fmt::format("--latent: found {}, expected what the run's model has: {}", name, known);
}

at::Tensor latent(const Activations& pass, const std::string& name) {
  const bool back = pass.coefficients.defined();
  if (name == "gat1") return (back ? pass.gat1 : at::elu(pass.gat1)).flatten(1);
  if (name == "mlp") return pass.coefficients.flatten(1);
  if (name == "up") return pass.upsampled.flatten(1);
  if (name == "gat2") return pass.gat2.flatten(1);
  return pass.hidden.transpose(0, 1).flatten(1);
}

std::vector<FeatureSet> latent_features(const Model& model, const Dataset& dataset,
                                        const std::vector<LabelledWindow>& windows,
                                        const std::vector<std::string>& names) {
  const at::NoGradGuard guard;
  std::vector<FeatureSet> sets;
  for (const std::string& name : names) sets.push_back({name, {}, {}, 0});
  const auto count = int64_t(windows.size());
  for (int64_t first = 0; first < count; first += kAtOnce) {
    const Activations pass =
        model.forward(dataset.batch(places_of(windows, first, kAtOnce)), std::nullopt);
    for (FeatureSet& set : sets) put(set.x, first, latent(pass, set.name), count);
  }
  return sets;
}

std::vector<FeatureSet> control_features(const Dataset& dataset,
                                         const std::vector<LabelledWindow>& windows,
                                         const ModelSpec& spec, int64_t components) {
  const at::NoGradGuard guard;
  std::vector<FeatureSet> sets;
  sets.push_back(raw_features(dataset, windows, spec));
  if (!from_hemo(spec)) sets.push_back(filtered_features(dataset, windows, spec));
  sets.push_back(principal_features(dataset, windows, spec, components));
  return sets;
}

}  // namespace tenfold::samba_align
