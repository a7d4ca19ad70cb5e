#include "tools/poyo-decode/model.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include "common/core/philox.h"
#include "tools/poyo-decode/attention_block.h"
#include "tools/poyo-decode/feed_forward_block.h"
#include "tools/poyo-decode/rotary.h"
#include "tools/poyo-decode/row_blocks.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kEmbeddingScale = 0.02;

train::Parameters::Init embedding(int64_t width, bool padded) {
  return [width, padded](const Stream& stream, float* out, int64_t count) {
    stream.fill_normal(out, count, 0, kEmbeddingScale);
    if (padded) std::fill(out, out + width, 0.0f);  // row 0
  };
}

// The rows of a table, or of any tensor, in the order of `rows`.
at::Tensor rows_of(const at::Tensor& table, const std::vector<int64_t>& rows) {
  const at::Tensor index = at::from_blob(const_cast<int64_t*>(rows.data()), {int64_t(rows.size())},
                                         at::TensorOptions().dtype(at::kLong));
  return table.index_select(0, table.is_cpu() ? index.clone() : index.to(table.device()));
}

std::vector<int64_t> widened(const std::vector<int32_t>& rows) {
  return std::vector<int64_t>(rows.begin(), rows.end());
}

}  // namespace

Model::Norm::Norm(train::Parameters& p, const std::string& name, int64_t width)
    : weight(p.add(name + ".weight", {width}, train::Parameters::constant(1))),
      bias(p.add(name + ".bias", {width}, train::Parameters::constant(0))) {}

at::Tensor Model::Norm::operator()(const at::Tensor& x) const {
  return normalised(x, weight, bias);
}

Model::FeedForward::FeedForward(train::Parameters& p, const std::string& name, int64_t width)
    : norm(p, name + ".0", width),
      in(p, name + ".1.net.0", width, 8 * width),
      out(p, name + ".1.net.3", 4 * width, width) {}

Model::CrossBlock::CrossBlock(train::Parameters& p, const std::string& name, const ModelSpec& s)
    : norm(p, name + ".norm", s.dim),
      norm_context(p, name + ".norm_context", s.dim),
      to_q(p, name + ".to_q", s.dim, s.cross_heads * s.dim_head, false),
      to_kv(p, name + ".to_kv", s.dim, 2 * s.cross_heads * s.dim_head, false),
      to_out(p, name + ".to_out", s.cross_heads * s.dim_head, s.dim) {}

Model::SelfBlock::SelfBlock(train::Parameters& p, const std::string& name, const ModelSpec& s)
    : norm(p, name + ".norm", s.dim),
      to_qkv(p, name + ".to_qkv", s.dim, 3 * s.self_heads * s.dim_head, false),
      to_out(p, name + ".to_out", s.self_heads * s.dim_head, s.dim) {}

Model::Model(const ModelSpec& spec, int64_t units, int64_t sessions, uint64_t seed,
             at::Device device)
    : spec_(spec), parameters_(seed) {
  const int64_t d = spec.dim;
  train::Parameters& p = parameters_;
  unit_table_ = p.add("unit_emb.weight", {units + 1, d}, embedding(d, true));
  session_table_ = p.add("session_emb.weight", {sessions + 1, d}, embedding(d, true));
  type_table_ = p.add("token_type_emb.weight", {4, d}, embedding(d, false));
  latent_table_ = p.add("latent_emb.weight", {spec.latents_per_step, d}, embedding(d, false));
  encoder_ = CrossBlock(p, "enc_atn", spec);
  encoder_feed_forward_ = FeedForward(p, "enc_ffn", d);
  for (int64_t i = 0; i < spec.depth; ++i) {
    layers_.push_back({SelfBlock(p, fmt::format("proc_layers.{}.0", i), spec),
                       FeedForward(p, fmt::format("proc_layers.{}.1", i), d)});
  }
  decoder_ = CrossBlock(p, "dec_atn", spec);
  decoder_feed_forward_ = FeedForward(p, "dec_ffn", d);
  readout_ = train::Linear(p, "readout", d, 2);
  p.flatten(device);
  frequencies_ = rotary_frequencies(spec.dim_head, spec.shortest_period, spec.longest_period,
                                    spec.rotated_pairs())
                     .to(device);
}

bool is_table(const std::string& name) {
  return name == "unit_emb.weight" || name == "session_emb.weight";
}

void Model::set_core_learns(bool learns) {
  for (const train::Parameter& p : parameters_.all()) {
    at::Tensor value = p.value;
    if (!is_table(p.name)) value.set_requires_grad(learns);
  }
}

int64_t Model::core_parameters() const {
  return parameters_.count() - parameters_.count("unit_emb.") - parameters_.count("session_emb.");
}

// One way forward: the layouts of its attentions and the draws of its dropouts.
class Model::Pass {
 public:
  Pass(const Model& model, const TokenBatch& batch, const std::optional<DropoutSource>& dropout,
       const Seen& seen)
      : model_(model), batch_(batch), dropout_(dropout), seen_(seen) {
    lay_out_latents();
    TokenLayout tokens = input_tokens(), queries = query_tokens();
    place(tokens, model.device());
    place(queries, model.device());
    const bool turn_values = model.spec_.value_rotation;
    encoder_ = layout(model.spec_.cross_heads, latents_, tokens, turn_values);
    processor_ = layout(model.spec_.self_heads, own_latents_, own_latents_, turn_values);
    decoder_ = layout(model.spec_.cross_heads, queries, own_latents_, false);
  }

  at::Tensor run() {
    const Model& m = model_;
    at::Tensor z = latents();
    z = z + tell("enc_atn", encode());
    z = z + tell("enc_ffn", feed_forward(m.encoder_feed_forward_, z));
    for (size_t i = 0; i < m.layers_.size(); ++i) {
      const Layer& layer = m.layers_[i];
      const at::Tensor a = tell(fmt::format("proc{}_atn", i), attend(layer.attention, z));
      z = joined(z, a, dropout_at(m.spec_.lin_dropout));
      const at::Tensor f = tell(fmt::format("proc{}_ffn", i), feed_forward(layer.feed_forward, z));
      z = joined(z, f, dropout_at(m.spec_.lin_dropout));
    }
    const at::Tensor sessions = rows_of(m.session_table_, batch_.sessions);
    at::Tensor y = rows_of(sessions, widened(batch_.query_session));
    y = y + tell("dec_atn", decode(sessions, z));
    y = y + tell("dec_ffn", feed_forward(m.decoder_feed_forward_, y));
    return m.readout_(y);
  }

 private:
  // Latents of window b are b * L .. b * L + L - 1, time-major.
  void lay_out_latents() {
    const std::vector<double> times = model_.spec_.latent_times();
    const int64_t n = model_.spec_.latents_per_step, count = n * int64_t(times.size());
    own_latents_.turns = rotary_turns(times, model_.frequencies_);
    own_latents_.tokens = count * batch_.windows();
    for (int64_t b = 0; b < batch_.windows(); ++b) {
      own_latents_.begin.push_back(b * count);
      own_latents_.count.push_back(count);
      for (int64_t i = 0; i < count; ++i) own_latents_.turn.push_back(int32_t(i / n));
    }
    latents_ = own_latents_;
    for (int64_t i = 0; i < own_latents_.tokens; ++i) latents_.row.push_back(int32_t(i % n));
    place(latents_, model_.device());
    place(own_latents_, model_.device());
  }
  TokenLayout input_tokens() const {
    return {batch_.token_begin,
            batch_.token_count,
            batch_.token_pair,
            {},
            rotary_turns(batch_.token_time, model_.frequencies_),
            batch_.tokens(),
            {}};
  }
  TokenLayout query_tokens() const {
    const AngleType type = batch_.float32_query_times ? AngleType::kFloat : AngleType::kDouble;
    return {batch_.query_begin,
            batch_.query_count,
            batch_.query_session,
            {},
            rotary_turns(batch_.query_time, model_.frequencies_, type),
            batch_.queries(),
            {}};
  }
  AttentionLayoutPtr layout(int64_t heads, const TokenLayout& queries, const TokenLayout& keys,
                            bool turn_values) const {
    auto made = c10::make_intrusive<AttentionLayout>();
    made->queries = queries;
    made->keys = keys;
    made->heads = heads;
    made->dim_head = model_.spec_.dim_head;
    made->turn_values = turn_values;
    return made;
  }

  at::Tensor latents() const { return rows_of(model_.latent_table_, widened(latents_.row)); }
  at::Tensor encode() {
    const Model& m = model_;
    const at::Tensor x =
        rows_of(m.unit_table_, batch_.pair_unit) + rows_of(m.type_table_, batch_.pair_type);
    return cross(m.encoder_, encoder_, m.latent_table_, x);
  }
  at::Tensor decode(const at::Tensor& sessions, const at::Tensor& z) {
    return cross(model_.decoder_, decoder_, sessions, z);
  }
  at::Tensor cross(const CrossBlock& block, const AttentionLayoutPtr& layout,
                   const at::Tensor& queries, const at::Tensor& context) {
    const at::Tensor q = block.to_q(block.norm(queries));
    const at::Tensor kv = block.to_kv(block.norm_context(context));
    return block.to_out(cross_attention(layout, q, kv, attention_dropout()));
  }
  at::Tensor attend(const SelfBlock& block, const at::Tensor& z) {
    if (!z.is_cpu() || !model_.spec_.value_rotation) {
      const at::Tensor qkv = block.to_qkv(block.norm(z));
      return block.to_out(self_attention(processor_, qkv, attention_dropout()));
    }
    return attention_block(processor_, block.norm(z), block.to_qkv.weight, block.to_out.weight,
                           block.to_out.bias, attention_dropout());
  }
  at::Tensor feed_forward(const FeedForward& block, const at::Tensor& x) {
    if (!x.is_cpu()) {
      const at::Tensor hidden = block.in(block.norm(x));
      return block.out(gated(hidden, dropout_at(model_.spec_.ffn_dropout)));
    }
    return feed_forward_block(block.norm(x),
                              {block.in.weight, block.in.bias, block.out.weight, block.out.bias},
                              dropout_at(model_.spec_.ffn_dropout));
  }

  // Every place that drops has draws of its own.
  std::array<uint32_t, 2> next_key() {
    const Stream stream(dropout_->seed, "dropout", dropout_->step);
    const uint64_t place = place_++;
    return {stream.bits32(2 * place), stream.bits32(2 * place + 1)};
  }
  Dropout dropout_at(double rate) {
    return dropout_ && rate > 0 ? Dropout{rate, next_key()} : Dropout{};
  }
  kernels::AttentionDropout attention_dropout() {
    const Dropout d = dropout_at(model_.spec_.atn_dropout);
    return {d.rate, d.key};
  }
  at::Tensor tell(const std::string& name, const at::Tensor& output) const {
    if (seen_) seen_(name, output);
    return output;
  }

  const Model& model_;
  const TokenBatch& batch_;
  const std::optional<DropoutSource>& dropout_;
  const Seen& seen_;
  TokenLayout latents_, own_latents_;  // sharing the rows of the table; as rows of their own
  AttentionLayoutPtr encoder_, processor_, decoder_;
  uint64_t place_ = 0;
};

at::Tensor Model::forward(const TokenBatch& batch, const std::optional<DropoutSource>& dropout,
                          const Seen& seen) const {
  return Pass(*this, batch, dropout, seen).run();
}

}  // namespace tenfold::poyo_decode
