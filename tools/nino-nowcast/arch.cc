#include "tools/nino-nowcast/arch.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "common/core/error.h"
#include "common/io/file.h"

namespace tenfold::nino_nowcast {
namespace {

using nlohmann::json;

constexpr Family kFamilies[] = {Family::kFeedForward, Family::kGpt2, Family::kLlama};
constexpr int64_t kMostEntries = int64_t{1} << 40;  // of a tensor or model: no product overflows

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

[[noreturn]] void fail(const std::string& file, const std::string& field, const std::string& what) {
  throw DataError(fmt::format("{}: {}: {}", file, field, what));
}

// A whole number of at least `least`; JSON numbers like 3.0 or 1e30 are refused.
int64_t whole(const json& value, int64_t least, const std::string& file, const std::string& field) {
  if (!value.is_number_integer() || value > kMostEntries || value < least) {
    fail(file, field,
         fmt::format("found {}, expected a whole number of at least {}", value.dump(), least));
  }
  return value.get<int64_t>();
}

ParamSpec read_param(const json& entry, const std::string& file, const std::string& field) {
  if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string() ||
      !entry.contains("shape") || !entry["shape"].is_array()) {
    fail(file, field, R"(expected {"name": "...", "shape": [...]})");
  }
  ParamSpec param{entry["name"].get<std::string>(), {}};
  int64_t numel = 1;
  for (const json& size : entry["shape"]) {
    param.shape.push_back(whole(size, 1, file, "shape of " + param.name));
    if (param.shape.back() > kMostEntries / numel)
      fail(file, "shape of " + param.name, "too large");
    numel *= param.shape.back();
  }
  return param;
}

std::vector<ParamSpec> read_params(const json& root, const std::string& file) {
  if (!root.contains("params") || !root["params"].is_array() || root["params"].empty()) {
    fail(file, "params", R"(missing; expected a list of {"name", "shape"} in registration order)");
  }
  std::vector<ParamSpec> params;
  std::unordered_set<std::string> names;
  int64_t total = 0;
  for (const json& entry : root["params"]) {
    params.push_back(read_param(entry, file, fmt::format("params[{}]", params.size())));
    const std::string& name = params.back().name;
    if (!names.insert(name).second) {
      fail(file, "parameter " + name, "listed twice; a tied weight is one parameter");
    }
    total += params.back().numel();
    if (total > kMostEntries) fail(file, "params", "too large");
  }
  return params;
}

// Names that tell of attention or embeddings, which the feed-forward graph would wire wrongly.
bool hints_at_transformer(const std::string& name) {
  static const char* const kParts[] = {"attn",   "attention", "embed",    "wte",
                                       "wpe",    "qkv",       "q_proj",   "k_proj",
                                       "v_proj", "in_proj",   "cls_token"};
  static const std::unordered_set<std::string> kWords = {"emb",   "wq",  "wk",   "wv",
                                                         "query", "key", "value"};
  std::string lower;
  for (char c : name) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  for (const char* part : kParts) {
    if (lower.find(part) != std::string::npos) return true;
  }
  size_t begin = 0;
  while (begin <= lower.size()) {
    const size_t end = std::min(lower.find_first_of("._", begin), lower.size());
    if (kWords.count(lower.substr(begin, end - begin)) != 0) return true;
    begin = end + 1;
  }
  return false;
}

Family detect_family(const std::vector<ParamSpec>& params, const std::string& file) {
  for (const ParamSpec& p : params) {
    if (ends_with(p.name, "attn.c_attn.weight")) return Family::kGpt2;
    if (ends_with(p.name, "self_attn.q_proj.weight")) return Family::kLlama;
  }
  for (const ParamSpec& p : params) {
    if (!hints_at_transformer(p.name)) continue;
    fail(file, "parameter " + p.name,
         "unknown model family (known: feedforward, gpt2, llama); give \"family\", or --graph "
         "generic to "
         "wire it as feed-forward");
  }
  return Family::kFeedForward;
}

Family read_family(const json& root, const std::vector<ParamSpec>& params,
                   const std::string& file) {
  if (!root.contains("family")) return detect_family(params, file);
  for (Family family : kFamilies) {
    if (root["family"] == family_name(family)) return family;
  }
  fail(file, "family",
       fmt::format("found {}, expected feedforward, gpt2 or llama", root["family"].dump()));
}

void read_heads(const json& root, const std::string& file, Architecture& arch) {
  const json args = root.value("graph_args", json::object());
  if (!args.is_object() || !args.contains("num_heads")) {
    fail(file, "graph_args.num_heads",
         fmt::format("missing; a {} model needs it", family_name(arch.family)));
  }
  arch.num_heads = whole(args["num_heads"], 1, file, "graph_args.num_heads");
  arch.num_key_value_heads = arch.num_heads;
  if (args.contains("num_key_value_heads") && !args["num_key_value_heads"].is_null()) {
    const std::string field = "graph_args.num_key_value_heads";
    arch.num_key_value_heads = whole(args["num_key_value_heads"], 1, file, field);
    if (arch.num_heads % arch.num_key_value_heads != 0) {
      fail(file, field,
           fmt::format("found {}, expected a divisor of num_heads {}", arch.num_key_value_heads,
                       arch.num_heads));
    }
  }
}

}  // namespace

const char* family_name(Family family) {
  switch (family) {
    case Family::kFeedForward:
      return "feedforward";
    case Family::kGpt2:
      return "gpt2";
    case Family::kLlama:
      return "llama";
  }
  return "";
}

int64_t ParamSpec::numel() const {
  int64_t n = 1;
  for (int64_t size : shape) n *= size;
  return n;
}

int64_t Architecture::num_params() const {
  int64_t n = 0;
  for (const ParamSpec& p : params) n += p.numel();
  return n;
}

Architecture parse_architecture(const std::string& text, const std::string& file, bool generic) {
  json root;
  try {
    root = json::parse(text);
  } catch (const json::parse_error& e) {
    throw DataError(fmt::format("{}: not valid JSON at byte {}", file, e.byte));
  }
  if (!root.is_object()) throw DataError(file + ": expected a JSON object with \"params\"");
  Architecture arch;
  arch.params = read_params(root, file);
  if (root.contains("num_params")) {
    const int64_t declared = whole(root["num_params"], 0, file, "num_params");
    if (declared != arch.num_params()) {
      fail(file, "num_params",
           fmt::format("found {}, expected {}, the sum over params", declared, arch.num_params()));
    }
  }
  if (!generic) arch.family = read_family(root, arch.params, file);
  if (arch.family != Family::kFeedForward) read_heads(root, file, arch);
  return arch;
}

Architecture read_architecture(const std::string& path, bool generic) {
  return parse_architecture(io::read_text(path), path, generic);
}

std::string architecture_to_json(const Architecture& arch) {
  json root;
  root["family"] = family_name(arch.family);
  root["graph_args"] = json::object();
  if (arch.family != Family::kFeedForward) {
    root["graph_args"]["num_heads"] = arch.num_heads;
    root["graph_args"]["num_key_value_heads"] = arch.num_key_value_heads;
  }
  root["params"] = json::array();
  for (const ParamSpec& p : arch.params) {
    root["params"].push_back({{"name", p.name}, {"shape", p.shape}});
  }
  return root.dump();
}

}  // namespace tenfold::nino_nowcast
