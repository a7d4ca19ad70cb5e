#include "tools/nino-nowcast/meta_model.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/data/tensor_io.h"
#include "common/io/file.h"
#include "common/io/hash.h"
#include "common/io/safetensors.h"

namespace tenfold::nino_nowcast {
namespace {

using Json = nlohmann::ordered_json;
using Shapes = std::vector<std::pair<std::string, std::vector<int64_t>>>;

void add_linear(Shapes& out, const std::string& name, int64_t rows, int64_t columns) {
  out.push_back({name + ".weight", {rows, columns}});
  out.push_back({name + ".bias", {rows}});
}

Shapes nino_tensors(const MetaConfig& c) {
  Shapes out;
  const int64_t h = c.hid;
  out.push_back({"layer_embed.weight", {c.edge_types, h}});
  add_linear(out, "edge_proj.fc.0", h, c.max_feat_size * c.ctx);
  add_linear(out, "node_proj.fc.0", h, c.lpe);
  if (c.wte_pos_enc) out.push_back({"wte_pos_enc_layer.weight", {c.vocab_size + 1, h}});
  for (int64_t l = 0; l < c.layers; ++l) {
    const std::string conv = fmt::format("gnn.convs.{}.", l);
    add_linear(out, conv + "edge_encoder", 2 * h, h);
    add_linear(out, conv + "pre_nns.0.0", h, 2 * h);
    add_linear(out, conv + "post_nns.0.0", h, 2 * h);
    add_linear(out, conv + "lin", h, h);
  }
  for (int64_t l = 0; l < c.layers - (c.final_edge_update ? 0 : 1); ++l) {
    for (const char* part : {"lin_e", "lin_s", "lin_t", "lin1"}) {
      add_linear(out, fmt::format("gnn.edge_update.{}.{}", l, part), h, h);
    }
  }
  add_linear(out, "edge_out.fc.0", h, h);
  add_linear(out, "edge_out.fc.2", c.max_feat_size * c.seq_len, h);
  return out;
}

Shapes wnn_plus_tensors(const MetaConfig& c) {
  Shapes out;
  out.push_back({"layer_embed.weight", {c.edge_types, c.hid}});
  add_linear(out, "edge_proj.fc.0", c.hid, c.ctx);
  for (int position : {0, 2, 4})
    add_linear(out, fmt::format("edge_mlp.fc.{}", position), c.hid, c.hid);
  add_linear(out, "edge_mlp.fc.6", c.seq_len, c.hid);
  return out;
}

// Two streams (values and differences) for each kind of parameter (section 6).
Shapes wnn_tensors(const MetaConfig& c) {
  Shapes out;
  for (const char* kind : {"conv", "linear", "bias"}) {
    for (const char* stream : {"value", "difference"}) {
      const std::string at = fmt::format("{}.{}.", kind, stream);
      const bool value = std::string(stream) == "value";
      add_linear(out, at + "input", 64, value ? c.ctx : c.ctx - 1);
      add_linear(out, at + "gate", 8, 64);
      for (const char* part : {"shift", "factor", "scale"}) add_linear(out, at + part, 64, 8);
      add_linear(out, at + "output", 32, 64);
    }
    add_linear(out, fmt::format("{}.head", kind), 1, 64);
  }
  return out;
}

template <class T>
void read_field(const Json& json, const char* name, T& value, const std::string& file) {
  if (!json.contains(name)) return;
  try {
    value = json.at(name).get<T>();
  } catch (const Json::exception&) {
    throw DataError(fmt::format("{}: field '{}' is {}, expected another type", file, name,
                                json.at(name).dump()));
  }
}

// Fields with one allowed value: variants of the official code that the paper does not use.
void refuse_variants(const Json& json, const std::string& file) {
  const std::pair<const char*, Json> fixed[] = {
      {"dms", true},   {"residual", true},      {"input_layer", "linear"},
      {"act", "silu"}, {"aggregation", "mean"}, {"towers", 1}};
  for (const auto& [name, value] : fixed) {
    if (json.contains(name) && json.at(name) != value) {
      throw DataError(fmt::format("{}: field '{}' is {}, expected {}", file, name,
                                  json.at(name).dump(), value.dump()));
    }
  }
}

void check_sizes(const MetaConfig& c, const std::string& file) {
  const std::pair<const char*, int64_t> sizes[] = {{"ctx", c.ctx},
                                                   {"hid", c.hid},
                                                   {"layers", c.layers},
                                                   {"max_feat_size", c.max_feat_size},
                                                   {"seq_len", c.seq_len},
                                                   {"lpe", c.lpe},
                                                   {"edge_types", c.edge_types},
                                                   {"vocab_size", c.vocab_size}};
  for (const auto& [name, value] : sizes) {
    if (value < 1 || value > 1'000'000'000) {
      throw DataError(fmt::format("{}: field '{}' is {}, expected 1 or more", file, name, value));
    }
  }
  if (c.ctx < 2)
    throw DataError(fmt::format("{}: field 'ctx' is {}, expected 2 or more", file, c.ctx));
  if (c.edge_types < 14) {
    throw DataError(
        fmt::format("{}: field 'edge_types' is {}, expected 14 or more", file, c.edge_types));
  }
}

MetaConfig parse_config(const std::string& text, const std::string& file) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) throw DataError(file + ": expected a JSON object");
  refuse_variants(json, file);
  MetaConfig c;
  bool gnn = true;
  std::string model;
  read_field(json, "gnn", gnn, file);
  read_field(json, "model", model, file);
  c.kind = model == "wnn" ? MetaKind::kWnn : (gnn ? MetaKind::kNino : MetaKind::kWnnPlus);
  if (c.kind != MetaKind::kNino) c.max_feat_size = 1;
  read_field(json, "ctx", c.ctx, file);
  read_field(json, "hid", c.hid, file);
  read_field(json, "layers", c.layers, file);
  read_field(json, "max_feat_size", c.max_feat_size, file);
  read_field(json, "seq_len", c.seq_len, file);
  read_field(json, "lpe", c.lpe, file);
  read_field(json, "vocab_size", c.vocab_size, file);
  read_field(json, "edge_types", c.edge_types, file);
  read_field(json, "horizon", c.horizon, file);
  read_field(json, "wte_pos_enc", c.wte_pos_enc, file);
  read_field(json, "final_edge_update", c.final_edge_update, file);
  read_field(json, "use_lpe", c.use_lpe, file);
  read_field(json, "use_edge_types", c.use_edge_types, file);
  read_field(json, "upd_scale", c.upd_scale, file);
  read_field(json, "scale_method", c.scale_method, file);
  check_sizes(c, file);
  const std::string& s = c.scale_method;
  if (s != "std" && s != "std-param" && s != "min-max" && s != "min-max-param") {
    throw DataError(fmt::format(
        "{}: field 'scale_method' is '{}', expected std, std-param, min-max or min-max-param", file,
        s));
  }
  return c;
}

std::string config_json(const MetaModel& model,
                        const std::vector<std::pair<std::string, std::string>>& notes) {
  const MetaConfig& c = model.config;
  Json json;
  if (c.kind == MetaKind::kWnn) {
    json["model"] = "wnn";
    json["horizon"] = c.horizon;
  }
  json["ctx"] = c.ctx;
  json["hid"] = c.hid;
  json["gnn"] = c.kind == MetaKind::kNino;
  if (c.kind == MetaKind::kNino) {
    json["layers"] = c.layers;
    json["lpe"] = c.lpe;
    json["wte_pos_enc"] = c.wte_pos_enc;
    json["vocab_size"] = c.vocab_size;
    json["final_edge_update"] = c.final_edge_update;
    json["aggregation"] = "mean";
    json["towers"] = 1;
    json["use_lpe"] = c.use_lpe;
  }
  json["use_edge_types"] = c.use_edge_types;
  json["dms"] = true;
  json["max_feat_size"] = c.max_feat_size;
  json["input_layer"] = "linear";
  json["act"] = "silu";
  json["residual"] = true;
  json["seq_len"] = c.seq_len;
  json["edge_types"] = c.edge_types;
  json["scale_method"] = c.scale_method;
  json["upd_scale"] = c.upd_scale;
  json["num_parameters"] = model.num_parameters();
  for (const auto& [key, raw] : notes) json[key] = Json::parse(raw);
  for (const auto& [name, tensor] : model.weights) json["tensors"][name] = tensor.sizes().vec();
  return json.dump(1) + "\n";
}

void init_tensor(const MetaConfig& c, const std::string& name, at::Tensor& t,
                 const Stream& stream) {
  float* out = t.data_ptr<float>();
  if (t.dim() == 1) {
    t.zero_();
  } else if (c.kind != MetaKind::kWnn) {
    stream.fill_normal(out, t.numel(), 0, 0.02);
  } else {
    const double fan_out = double(t.size(0)), fan_in = double(t.size(1));
    const bool scaled =
        name.find(".input.") != std::string::npos || name.find(".output.") != std::string::npos;
    const double bound = scaled ? std::sqrt(0.3 / fan_in) : std::sqrt(6.0 / (fan_in + fan_out));
    stream.fill_uniform(out, t.numel(), -bound, bound);
  }
}

}  // namespace

const char* kind_name(MetaKind kind) {
  return kind == MetaKind::kNino ? "nino" : (kind == MetaKind::kWnnPlus ? "wnn+" : "wnn");
}

Shapes MetaConfig::tensors() const {
  if (kind == MetaKind::kWnn) return wnn_tensors(*this);
  return kind == MetaKind::kNino ? nino_tensors(*this) : wnn_plus_tensors(*this);
}

int64_t MetaModel::num_parameters() const {
  int64_t n = 0;
  for (const auto& [name, tensor] : weights) n += tensor.numel();
  return n;
}

MetaModel parse_meta_model(const std::vector<uint8_t>& safetensors, const std::string& json,
                           const std::string& name) {
  MetaModel model;
  const std::string json_name = name.substr(0, name.rfind('.')) + ".json";
  model.config = parse_config(json, json_name);
  const io::SafeTensors file = io::parse_safetensors(safetensors, name);
  for (const auto& [tensor, shape] : model.config.tensors()) {
    const io::Tensor& stored = file.at(tensor, name);
    if (stored.shape != shape) {
      throw DataError(fmt::format("{}: tensor '{}' has shape [{}], expected [{}] from {}", name,
                                  tensor, fmt::join(stored.shape, ", "), fmt::join(shape, ", "),
                                  json_name));
    }
    model.weights[tensor] = data::to_torch_float(stored, tensor);
  }
  for (const auto& [tensor, stored] : file.tensors) {
    if (model.weights.count(tensor) == 0) {
      throw DataError(
          fmt::format("{}: tensor '{}' is not expected from {}", name, tensor, json_name));
    }
  }
  model.source = name;
  model.digest = io::xxh3_hex(safetensors.data(), safetensors.size());
  return model;
}

MetaModel load_meta_model(const std::string& path) {
  const std::string suffix = ".safetensors";
  if (path.size() <= suffix.size() || path.substr(path.size() - suffix.size()) != suffix) {
    io::read_safetensors(path);  // refuses pickles with advice, and says when nothing is there
    throw DataError(path + ": expected a name that ends in .safetensors, with a .json beside it");
  }
  const io::Bytes bytes = io::read_file(path);
  return parse_meta_model(
      bytes, io::read_text(path.substr(0, path.size() - suffix.size()) + ".json"), path);
}

void save_meta_model(const std::string& path, const MetaModel& model,
                     const std::vector<std::pair<std::string, std::string>>& notes) {
  io::SafeTensors file;
  for (const auto& [name, tensor] : model.weights) file.tensors[name] = data::from_torch(tensor);
  io::write_safetensors(path, file);
  io::write_file_atomic(path.substr(0, path.rfind('.')) + ".json", config_json(model, notes));
}

MetaModel initial_meta_model(const MetaConfig& config, uint64_t seed) {
  MetaModel model;
  model.config = config;
  model.source = "initial";
  uint64_t index = 0;
  for (const auto& [name, shape] : config.tensors()) {
    at::Tensor t = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
    init_tensor(config, name, t, Stream(seed, "meta-init", index++));
    model.weights[name] = t;
  }
  return model;
}

}  // namespace tenfold::nino_nowcast
