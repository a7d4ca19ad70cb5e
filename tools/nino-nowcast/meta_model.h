// A pretrained nowcasting network: configuration and named weights (specification,
// sections 3.7, 5.4, 6).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tenfold::nino_nowcast {

enum class MetaKind { kNino, kWnnPlus, kWnn };
const char* kind_name(MetaKind kind);  // "nino", "wnn+", "wnn"

// Field names and defaults of the JSON beside a checkpoint (section 5.4).
struct MetaConfig {
  MetaKind kind = MetaKind::kNino;
  int64_t ctx = 5;             // snapshots that go in
  int64_t hid = 128;           // width
  int64_t layers = 3;          // message-passing layers
  int64_t max_feat_size = 9;   // F: weights on one edge
  int64_t seq_len = 40;        // K: horizons
  int64_t lpe = 8;             // Laplacian eigenvectors
  int64_t vocab_size = 50257;  // rows of the word table - 1
  int64_t edge_types = 15;
  int64_t horizon = 5;       // WNN only: the one horizon it predicts
  bool wte_pos_enc = false;  // has a word table
  bool final_edge_update = false;
  bool use_lpe = true, use_edge_types = true;  // ablations (section 3.7)
  double upd_scale = 1.0;
  std::string scale_method = "std";

  // Every tensor of the checkpoint with its shape, in the order of initialisation.
  std::vector<std::pair<std::string, std::vector<int64_t>>> tensors() const;
};

struct MetaModel {
  MetaConfig config;
  std::map<std::string, at::Tensor> weights;  // float32, CPU
  std::string source;                         // a path, or "embedded"
  std::string digest;                         // xxh3 of the safetensors bytes

  const at::Tensor& w(const std::string& name) const { return weights.at(name); }
  int64_t num_parameters() const;
};

// FILE.safetensors with FILE.json beside it. Throws MissingInput; DataError for an unknown or wrong
// field, a tensor that is missing, unexpected or of another shape than the JSON says.
MetaModel load_meta_model(const std::string& path);
MetaModel parse_meta_model(const std::vector<uint8_t>& safetensors, const std::string& json,
                           const std::string& name);

// The pair that load_meta_model reads; `notes` are further JSON fields ("key": raw JSON text).
void save_meta_model(const std::string& path, const MetaModel& model,
                     const std::vector<std::pair<std::string, std::string>>& notes);

// The checkpoint of our own that is compiled in (data/README.md tells how it was made).
MetaModel embedded_meta_model(MetaKind kind);

// Linear weights normal with standard deviation 0.02, biases 0, embeddings 0.02 (section 3.7); WNN
// as in section 6. Numbers from the stream (seed, "meta-init"), one substream a tensor.
MetaModel initial_meta_model(const MetaConfig& config, uint64_t seed);

}  // namespace tenfold::nino_nowcast
