// A meta-dataset: many tasks of equally many points, drawn once and then kept (specification,
// section 2).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tenfold::prequential_icl {

enum class DataKind {
  kRegression,  // x, y float32
  kLabels,      // x, y symbols: one-hot for the network, cross-entropy for the loss
  kTokens,      // a sequence of symbols; a point is one observation and has no x
};
const char* kind_name(DataKind kind);  // "regression", "labels", "tokens"

// What a point is.
struct DataShape {
  DataKind kind = DataKind::kRegression;
  std::vector<int64_t> x_vals, y_vals;  // classes of every variable; 0: a real number

  int64_t x_dim() const { return width(x_vals); }  // as the network reads it
  int64_t y_dim() const { return width(y_vals); }
  static int64_t width(const std::vector<int64_t>& values);
};

struct MetaSplit {
  // [tasks, points, variables]: float32 (regression) or uint8 (symbols; tokens have no x).
  at::Tensor x, y;
  at::Tensor x_ood, y_ood;                  // a copy moved out of the distribution, or undefined
  std::map<std::string, at::Tensor> param;  // [tasks, ...]: w, amplitudes, code, latent, ...

  int64_t tasks() const { return y.defined() ? y.size(0) : 0; }
  int64_t points() const { return y.defined() ? y.size(1) : 0; }
};

struct MetaDataset {
  std::string task;
  DataShape shape;
  double noise = 0;
  int64_t seed = 0;
  std::string options;  // of the generator, a JSON object
  MetaSplit train, val;
  std::map<std::string, at::Tensor> shared;  // hmm.transitions, hmm.emissions, hmm.latents
};

// The file of `gen` and `--data`: train.x, train.y, val.x, val.y, optional *_ood, train.param.NAME,
// val.param.NAME; symbols as int64, `train.tokens` for tokens; string metadata.
void write_meta_dataset(const std::string& path, const MetaDataset& data);

// Throws DataError naming the tensor for a missing or misshapen tensor, NaN or inf, or a symbol
// outside its classes.
MetaDataset read_meta_dataset(const std::string& path);

// The CSV of a user: columns task, x1.., y1.., one row a point. Tasks longer than the shortest are
// cut to it, which stderr says; the last `val_fraction` of the tasks (at least one) is for
// validation. Throws DataError with row and column.
MetaDataset read_csv_dataset(const std::string& path, double val_fraction);

}  // namespace tenfold::prequential_icl
