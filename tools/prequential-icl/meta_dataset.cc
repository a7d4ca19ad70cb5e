#include "tools/prequential-icl/meta_dataset.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/data/tensor_io.h"
#include "common/io/safetensors.h"

namespace tenfold::prequential_icl {
namespace {

const std::string kTokens = "tokens", kParam = ".param.", kShared = "hmm.";

DataKind kind_of(const std::string& name, const std::string& path) {
  for (DataKind kind : {DataKind::kRegression, DataKind::kLabels, DataKind::kTokens}) {
    if (name == kind_name(kind)) return kind;
  }
  throw DataError(fmt::format(
      "{}: metadata `kind`: found '{}', expected regression, labels or tokens", path, name));
}

std::string metadata(const io::SafeTensors& file, const std::string& key, const std::string& path) {
  const auto entry = file.metadata.find(key);
  if (entry != file.metadata.end()) return entry->second;
  throw DataError(fmt::format("{}: no metadata `{}`; expected a file of `gen`", path, key));
}

template <class T>
T parsed(const io::SafeTensors& file, const std::string& key, const std::string& path) {
  try {
    return nlohmann::json::parse(metadata(file, key, path)).get<T>();
  } catch (const nlohmann::json::exception&) {
    throw DataError(
        fmt::format("{}: metadata `{}`: found '{}'", path, key, metadata(file, key, path)));
  }
}

// One tensor of a split, checked: [tasks, points, variables].
class Reader {
 public:
  Reader(const io::SafeTensors& file, const std::string& path) : file_(file), path_(path) {}

  at::Tensor floats(const std::string& name, int64_t variables) const {
    const at::Tensor t = shaped(data::to_torch_float(file_.at(name, path_), name), name, variables);
    if (!at::isfinite(t).all().item<bool>())
      throw DataError(fmt::format("{}: {}: found NaN or inf", path_, name));
    return t;
  }

  at::Tensor symbols(const std::string& name, const std::vector<int64_t>& classes) const {
    const at::Tensor t =
        shaped(data::to_torch(file_.at(name, path_)), name, int64_t(classes.size()));
    if (t.is_floating_point())
      throw DataError(fmt::format("{}: {}: found real numbers, expected integers", path_, name));
    for (size_t v = 0; v < classes.size(); ++v) {
      const at::Tensor column = t.select(2, int64_t(v));
      const int64_t low = column.min().item<int64_t>(), high = column.max().item<int64_t>();
      if (low < 0 || high >= classes[v]) {
        throw DataError(fmt::format("{}: {}: variable {} holds {}, expected 0..{}", path_, name,
                                    v + 1, low < 0 ? low : high, classes[v] - 1));
      }
    }
    return t.to(at::kByte);
  }

 private:
  at::Tensor shaped(at::Tensor t, const std::string& name, int64_t variables) const {
    if (t.dim() == 2 && variables == 1) t = t.unsqueeze(2);
    if (t.dim() != 3 || t.size(2) != variables || t.numel() == 0) {
      throw DataError(fmt::format("{}: {}: found shape [{}], expected [tasks, points, {}]", path_,
                                  name, fmt::join(t.sizes().vec(), ", "), variables));
    }
    return t;
  }

  const io::SafeTensors& file_;
  const std::string& path_;
};

MetaSplit read_split(const io::SafeTensors& file, const std::string& path, const DataShape& shape,
                     const std::string& split) {
  const Reader read(file, path);
  MetaSplit out;
  if (shape.kind == DataKind::kTokens) {
    out.y = read.symbols(split + "." + kTokens, shape.y_vals);
  } else if (shape.kind == DataKind::kLabels) {
    out.x = read.symbols(split + ".x", shape.x_vals);
    out.y = read.symbols(split + ".y", shape.y_vals);
  } else {
    out.x = read.floats(split + ".x", shape.x_dim());
    out.y = read.floats(split + ".y", shape.y_dim());
    if (file.has(split + ".x_ood")) {
      out.x_ood = read.floats(split + ".x_ood", shape.x_dim());
      out.y_ood = read.floats(split + ".y_ood", shape.y_dim());
    }
  }
  for (const at::Tensor& t : {out.x, out.x_ood, out.y_ood}) {
    if (t.defined() && (t.size(0) != out.tasks() || t.size(1) != out.points())) {
      throw DataError(
          fmt::format("{}: {}: tensors differ in tasks or points: found {} x {}, expected {} x {}",
                      path, split, t.size(0), t.size(1), out.tasks(), out.points()));
    }
  }
  for (const auto& [name, tensor] : file.tensors) {
    if (name.compare(0, split.size() + kParam.size(), split + kParam) != 0) continue;
    out.param[name.substr(split.size() + kParam.size())] = data::to_torch(tensor);
  }
  if (file.has(split + ".latent"))
    out.param["latent"] = data::to_torch(file.at(split + ".latent", path));
  return out;
}

void add_split(io::SafeTensors& file, const MetaSplit& split, const DataShape& shape,
               const std::string& name) {
  const auto put = [&](const std::string& key, const at::Tensor& t) {
    if (t.defined()) file.tensors[name + key] = data::from_torch(t);
  };
  const auto stored = [](const at::Tensor& t) {
    return t.defined() && t.scalar_type() == at::kByte ? t.to(at::kLong) : t;
  };
  if (shape.kind == DataKind::kTokens) {
    put("." + kTokens, stored(split.y).squeeze(2));
  } else {
    put(".x", stored(split.x));
    put(".y", stored(split.y));
    put(".x_ood", split.x_ood);
    put(".y_ood", split.y_ood);
  }
  for (const auto& [key, value] : split.param)
    put(key == "latent" ? ".latent" : kParam + key, value);
}

}  // namespace

const char* kind_name(DataKind kind) {
  return kind == DataKind::kRegression ? "regression"
         : kind == DataKind::kLabels   ? "labels"
                                       : "tokens";
}

int64_t DataShape::width(const std::vector<int64_t>& values) {
  int64_t sum = 0;
  for (int64_t classes : values) sum += classes == 0 ? 1 : classes;
  return sum;
}

void write_meta_dataset(const std::string& path, const MetaDataset& data) {
  io::SafeTensors file;
  add_split(file, data.train, data.shape, "train");
  add_split(file, data.val, data.shape, "val");
  for (const auto& [name, tensor] : data.shared) file.tensors[name] = data::from_torch(tensor);
  file.metadata = {{"tenfold.task", data.task},
                   {"kind", kind_name(data.shape.kind)},
                   {"x_vals", nlohmann::json(data.shape.x_vals).dump()},
                   {"y_vals", nlohmann::json(data.shape.y_vals).dump()},
                   {"noise", nlohmann::json(data.noise).dump()},
                   {"seed", std::to_string(data.seed)},
                   {"options", data.options}};
  io::write_safetensors(path, file);
}

MetaDataset read_meta_dataset(const std::string& path) {
  const io::SafeTensors file = io::read_safetensors(path);
  MetaDataset data;
  data.task = metadata(file, "tenfold.task", path);
  data.shape.kind = kind_of(metadata(file, "kind", path), path);
  data.shape.x_vals = parsed<std::vector<int64_t>>(file, "x_vals", path);
  data.shape.y_vals = parsed<std::vector<int64_t>>(file, "y_vals", path);
  data.noise = parsed<double>(file, "noise", path);
  data.seed = parsed<int64_t>(file, "seed", path);
  data.options = metadata(file, "options", path);
  for (const auto* values : {&data.shape.x_vals, &data.shape.y_vals}) {
    for (int64_t classes : *values) {
      const bool symbols = data.shape.kind != DataKind::kRegression;
      if (classes < (symbols ? 1 : 0) || classes > (symbols ? 256 : 0)) {
        throw DataError(fmt::format("{}: metadata x_vals, y_vals: found {} classes, expected {}",
                                    path, classes, symbols ? "1..256" : "0 (real numbers)"));
      }
    }
  }
  if (data.shape.y_vals.empty() ||
      (data.shape.x_vals.empty() != (data.shape.kind == DataKind::kTokens)))
    throw DataError(fmt::format("{}: metadata x_vals, y_vals do not fit the kind", path));
  data.train = read_split(file, path, data.shape, "train");
  data.val = read_split(file, path, data.shape, "val");
  for (const auto& [name, tensor] : file.tensors) {
    if (name.compare(0, kShared.size(), kShared) == 0) data.shared[name] = data::to_torch(tensor);
  }
  return data;
}

}  // namespace tenfold::prequential_icl
