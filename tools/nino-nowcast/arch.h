// The architecture of a target network as its parameters tell it: names, shapes, heads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::nino_nowcast {

enum class Family { kFeedForward, kGpt2, kLlama };
const char* family_name(Family family);  // "feedforward", "gpt2", "llama"

struct ParamSpec {
  std::string name;            // as in the checkpoint, e.g. "fc.0.weight"
  std::vector<int64_t> shape;  // empty for a scalar
  int64_t numel() const;
};

struct Architecture {
  std::vector<ParamSpec> params;  // in registration order
  Family family = Family::kFeedForward;
  int64_t num_heads = 0, num_key_value_heads = 0;  // transformers only

  int64_t num_params() const;
};

// Reads an --arch file (specification, section 7): `params`, `graph_args`, optional `family` and
// `num_params`; other fields are ignored. `file` stands in messages. Throws DataError for a field
// that is missing or wrong, an unknown family (unless `generic`: then everything is feed-forward),
// a parameter listed twice, transformers without num_heads.
Architecture parse_architecture(const std::string& json, const std::string& file,
                                bool generic = false);
Architecture read_architecture(const std::string& path, bool generic = false);

// The same as JSON text, for manifests: {"params": [...], "family": ..., "graph_args": {...}}.
std::string architecture_to_json(const Architecture& arch);

}  // namespace tenfold::nino_nowcast
