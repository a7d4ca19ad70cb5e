// The checkpoints that are compiled in: data/*.safetensors with their JSON (see data/README.md).
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "tools/nino-nowcast/meta_model.h"

namespace tenfold::nino_nowcast {
namespace {

struct EmbeddedFile {
  const char* name;
  const unsigned char* data;
  size_t size;
};

#include "tools/nino-nowcast/embedded_files.inc"

const EmbeddedFile& find(const std::string& name) {
  for (const EmbeddedFile& f : kEmbeddedFiles) {
    if (name == f.name) return f;
  }
  throw Unavailable(fmt::format("no embedded checkpoint '{}': give --ckpt FILE", name));
}

}  // namespace

MetaModel embedded_meta_model(MetaKind kind) {
  const std::string stem = kind == MetaKind::kNino
                               ? "nino-small"
                               : (kind == MetaKind::kWnnPlus ? "wnn-plus-small" : "wnn-small");
  const EmbeddedFile& weights = find(stem + ".safetensors");
  const EmbeddedFile& json = find(stem + ".json");
  MetaModel model = parse_meta_model(
      std::vector<uint8_t>(weights.data, weights.data + weights.size),
      std::string(reinterpret_cast<const char*>(json.data), json.size), stem + ".safetensors");
  model.source = "embedded " + stem;
  return model;
}

}  // namespace tenfold::nino_nowcast
