// Small architectures with the parameter names of section 3.1. For tests only.
#pragma once

#include <string>
#include <vector>

#include "tools/nino-nowcast/arch.h"

namespace tenfold::nino_nowcast {

inline Architecture sample_mlp(const std::vector<int64_t>& widths) {
  Architecture arch;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    const std::string name = "fc." + std::to_string(2 * i);
    arch.params.push_back({name + ".weight", {widths[i + 1], widths[i]}});
    arch.params.push_back({name + ".bias", {widths[i + 1]}});
  }
  return arch;
}

// 3x3 convolutions, global pooling, one linear layer. `channels`: of the input, then of every
// convolution.
inline Architecture sample_conv(const std::vector<int64_t>& channels, int64_t classes, bool norm,
                                bool bias) {
  Architecture arch;
  size_t at = 0;
  for (size_t i = 0; i + 1 < channels.size(); ++i, at += norm ? 3 : 2) {
    const std::string name = "fc." + std::to_string(at), next = "fc." + std::to_string(at + 1);
    arch.params.push_back({name + ".weight", {channels[i + 1], channels[i], 3, 3}});
    if (bias) arch.params.push_back({name + ".bias", {channels[i + 1]}});
    if (!norm) continue;
    arch.params.push_back({next + ".weight", {channels[i + 1]}});
    arch.params.push_back({next + ".bias", {channels[i + 1]}});
  }
  const std::string name = "fc." + std::to_string(at + 2);
  arch.params.push_back({name + ".weight", {classes, channels.back()}});
  arch.params.push_back({name + ".bias", {classes}});
  return arch;
}

inline Architecture sample_gpt2(int64_t words, int64_t positions, int64_t d, int64_t heads,
                                int64_t blocks) {
  Architecture arch;
  arch.family = Family::kGpt2;
  arch.num_heads = arch.num_key_value_heads = heads;
  arch.params = {{"wte.weight", {words, d}}, {"wpe.weight", {positions, d}}};
  for (int64_t i = 0; i < blocks; ++i) {
    const std::string h = "h." + std::to_string(i) + ".";
    const std::vector<ParamSpec> block = {
        {h + "ln_1.weight", {d}},
        {h + "ln_1.bias", {d}},
        {h + "attn.c_attn.weight", {d, 3 * d}},
        {h + "attn.c_attn.bias", {3 * d}},
        {h + "attn.c_proj.weight", {d, d}},
        {h + "attn.c_proj.bias", {d}},
        {h + "ln_2.weight", {d}},
        {h + "ln_2.bias", {d}},
        {h + "mlp.c_fc.weight", {d, 4 * d}},
        {h + "mlp.c_fc.bias", {4 * d}},
        {h + "mlp.c_proj.weight", {4 * d, d}},
        {h + "mlp.c_proj.bias", {d}},
    };
    arch.params.insert(arch.params.end(), block.begin(), block.end());
  }
  arch.params.push_back({"ln_f.weight", {d}});
  arch.params.push_back({"ln_f.bias", {d}});
  return arch;
}

inline Architecture sample_llama(int64_t words, int64_t d, int64_t heads, int64_t kv_heads,
                                 int64_t layers, int64_t hidden, bool untied) {
  Architecture arch;
  arch.family = Family::kLlama;
  arch.num_heads = heads;
  arch.num_key_value_heads = kv_heads;
  arch.params = {{"embed_tokens.weight", {words, d}}};
  const int64_t kv = d / heads * kv_heads;
  for (int64_t i = 0; i < layers; ++i) {
    const std::string l = "layers." + std::to_string(i) + ".";
    const std::vector<ParamSpec> layer = {
        {l + "self_attn.q_proj.weight", {d, d}},      {l + "self_attn.k_proj.weight", {kv, d}},
        {l + "self_attn.v_proj.weight", {kv, d}},     {l + "self_attn.o_proj.weight", {d, d}},
        {l + "mlp.gate_proj.weight", {hidden, d}},    {l + "mlp.up_proj.weight", {hidden, d}},
        {l + "mlp.down_proj.weight", {d, hidden}},    {l + "input_layernorm.weight", {d}},
        {l + "post_attention_layernorm.weight", {d}},
    };
    arch.params.insert(arch.params.end(), layer.begin(), layer.end());
  }
  arch.params.push_back({"norm.weight", {d}});
  if (untied) arch.params.push_back({"lm_head.weight", {words, d}});
  return arch;
}

}  // namespace tenfold::nino_nowcast
