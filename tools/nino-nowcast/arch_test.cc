#include "tools/nino-nowcast/arch.h"

#include <catch2/catch.hpp>

#include "common/core/error.h"

namespace tenfold::nino_nowcast {
namespace {

// The parameters `names` of shape [4, 4], and further fields.
std::string arch_json(const std::vector<std::string>& names, const std::string& more = "") {
  std::string params;
  for (const std::string& name : names) {
    params += (params.empty() ? "" : ", ") + ("{\"name\": \"" + name + "\", \"shape\": [4, 4]}");
  }
  return "{\"params\": [" + params + "]" + more + "}";
}

std::string refusal(const std::string& json, bool generic = false) {
  try {
    parse_architecture(json, "a.json", generic);
  } catch (const DataError& e) {
    return e.what();
  }
  return "accepted";
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("names and shapes are read in order, other fields are ignored") {
  const Architecture arch = parse_architecture(
      R"({"tag": 1, "params": [{"name": "b", "shape": [3, 2], "x": 0}, {"name": "a", "shape": []}],
          "graph_args": {}, "num_params": 7})",
      "a.json");
  REQUIRE(arch.family == Family::kFeedForward);
  REQUIRE(arch.params.size() == 2);
  REQUIRE(arch.params[0].name == "b");
  REQUIRE(arch.params[0].shape == std::vector<int64_t>{3, 2});
  REQUIRE(arch.params[1].numel() == 1);
  REQUIRE(arch.num_params() == 7);
}

TEST_CASE("the family follows from the names unless it is given") {
  const std::string heads = R"(, "graph_args": {"num_heads": 6, "verbose": false})";
  REQUIRE(parse_architecture(arch_json({"h.0.attn.c_attn.weight"}, heads), "").family ==
          Family::kGpt2);
  const Architecture llama =
      parse_architecture(arch_json({"layers.0.self_attn.q_proj.weight"}, heads), "");
  REQUIRE(llama.family == Family::kLlama);
  REQUIRE(llama.num_heads == 6);
  REQUIRE(llama.num_key_value_heads == 6);
  REQUIRE(parse_architecture(arch_json({"attn.w"}, R"(, "family": "feedforward")"), "").family ==
          Family::kFeedForward);
}

TEST_CASE("attention or embeddings of an unknown family are refused unless the graph is generic") {
  for (const char* name : {"bert.encoder.attention.w", "tok_emb.weight", "blocks.0.attn.qkv.weight",
                           "embeddings.word.weight", "layer.query.weight", "x.q_proj.weight"}) {
    CAPTURE(name);
    REQUIRE(mentions(refusal(arch_json({"fc.weight", name})), std::string(name)));
    REQUIRE(parse_architecture(arch_json({"fc.weight", name}), "", true).family ==
            Family::kFeedForward);
  }
  REQUIRE(refusal(arch_json({"features.0.weight", "monkey.weight", "values.bias"})) == "accepted");
}

TEST_CASE("a wrong architecture file is refused by file and field") {
  REQUIRE(mentions(refusal("{"), "a.json: not valid JSON"));
  REQUIRE(mentions(refusal("[]"), "a.json: expected a JSON object"));
  REQUIRE(mentions(refusal("{}"), "a.json: params: missing"));
  REQUIRE(mentions(refusal(R"({"params": []})"), "params"));
  REQUIRE(mentions(refusal(R"({"params": [{"name": "a"}]})"), "params[0]"));
  REQUIRE(mentions(refusal(R"({"params": [{"name": "a", "shape": [2, -1]}]})"),
                   "shape of a: found -1"));
  REQUIRE(
      mentions(refusal(R"({"params": [{"name": "a", "shape": [2.5]}]})"), "shape of a: found 2.5"));
  REQUIRE(mentions(refusal(R"({"params": [{"name": "a", "shape": [18446744073709551615]}]})"),
                   "found"));
  REQUIRE(mentions(refusal(R"({"params": [{"name": "a", "shape": [1000000000, 1000000000]}]})"),
                   "too large"));
  REQUIRE(mentions(refusal(arch_json({"a", "b", "a"})), "parameter a: listed twice"));
  REQUIRE(mentions(refusal(arch_json({"a"}, R"(, "num_params": 15)")), "found 15, expected 16"));
  REQUIRE(mentions(refusal(arch_json({"a"}, R"(, "family": "resnet")")), "found \"resnet\""));
}

TEST_CASE("a transformer without its number of heads is refused") {
  const std::vector<std::string> names = {"h.0.attn.c_attn.weight"};
  REQUIRE(mentions(refusal(arch_json(names)), "graph_args.num_heads: missing"));
  REQUIRE(mentions(refusal(arch_json(names, R"(, "graph_args": {"num_heads": 0})")), "found 0"));
  REQUIRE(mentions(
      refusal(arch_json(names, R"(, "graph_args": {"num_heads": 4, "num_key_value_heads": 3})")),
      "num_key_value_heads: found 3"));
}

TEST_CASE("an architecture written as JSON reads back the same") {
  const std::string heads = R"(, "graph_args": {"num_heads": 4, "num_key_value_heads": 2})";
  const Architecture arch =
      parse_architecture(arch_json({"layers.0.self_attn.q_proj.weight"}, heads), "");
  const Architecture again = parse_architecture(architecture_to_json(arch), "");
  REQUIRE(again.family == arch.family);
  REQUIRE(again.num_heads == 4);
  REQUIRE(again.num_key_value_heads == 2);
  REQUIRE(again.params[0].name == arch.params[0].name);
  REQUIRE(again.params[0].shape == arch.params[0].shape);
}

}  // namespace tenfold::nino_nowcast
