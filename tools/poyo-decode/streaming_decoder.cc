#include "tools/poyo-decode/streaming_decoder.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "common/core/error.h"
#include "common/kernels/gated_rows.h"
#include "common/kernels/geglu.h"
#include "common/kernels/turns.h"
#include "tools/poyo-decode/rotary.h"
#include "tools/poyo-decode/row_blocks.h"

namespace tenfold::poyo_decode {
namespace {

constexpr int64_t kTypes = 3;
constexpr size_t kFirstPlaces = 1024;
constexpr float kNormEps = 1e-5f;

at::Tensor floats(std::vector<int64_t> shape) {
  return at::empty(shape, at::TensorOptions().dtype(at::kFloat));
}

void attend(const kernels::RotaryShape& shape, const kernels::RotaryInput& input,
            const at::Tensor& out, const at::Tensor& softmax) {
  at::parallel_for(0, shape.tasks(), 1, [&](int64_t first, int64_t end) {
    kernels::rotary_attention(shape, input, {}, first, end, out.data_ptr<float>(),
                              softmax.data_ptr<float>());
  });
}

}  // namespace

kernels::NormWeights StreamingDecoder::Norm::raw() const {
  return {weight.data_ptr<float>(), bias.data_ptr<float>(), kNormEps};
}

void StreamingDecoder::Dense::operator()(const at::Tensor& x, at::Tensor& out) const {
  if (bias.defined()) {
    at::addmm_out(out, bias, x, weight);
  } else {
    at::mm_out(out, x, weight);
  }
}

StreamingDecoder::Rows::Rows(int64_t rows, int64_t dim)
    : x(floats({rows, dim})),
      branch(floats({rows, dim})),
      normed(floats({rows, dim})),
      hidden(floats({rows, 8 * dim})),
      gated(floats({rows, 4 * dim})),
      moments(floats({rows, 2})) {}

StreamingDecoder::Norm StreamingDecoder::norm_of(const Weights& weights, const std::string& name) {
  return {weights.at(name + ".weight"), weights.at(name + ".bias")};
}

StreamingDecoder::Dense StreamingDecoder::dense_of(const Weights& weights,
                                                   const std::string& name) {
  const auto bias = weights.find(name + ".bias");
  return {weights.at(name + ".weight").t(), bias == weights.end() ? at::Tensor() : bias->second};
}

StreamingDecoder::FeedForward StreamingDecoder::feed_forward_of(const Weights& weights,
                                                                const std::string& name) {
  return {norm_of(weights, name + ".0"), dense_of(weights, name + ".1.net.0"),
          dense_of(weights, name + ".1.net.3")};
}

StreamingDecoder::StreamingDecoder(const Model& model, const std::vector<int64_t>& unit_rows,
                                   int64_t session_row, double query_offset)
    : spec_(model.spec()),
      latent_times_(spec_.latent_times()),
      last_spike_(-std::numeric_limits<double>::infinity()),
      last_step_(last_spike_),
      spike_time_(kFirstPlaces),
      spike_unit_(kFirstPlaces) {
  const at::NoGradGuard guard;
  const float* omega = model.frequencies().data_ptr<float>();
  omega_.assign(omega, omega + spec_.dim_head / 2);
  Weights weights;
  for (const train::Parameter& p : model.parameters().all()) weights[p.name] = p.value.detach();
  encoder_out_ = dense_of(weights, "enc_atn.to_out");
  encoder_feed_forward_ = feed_forward_of(weights, "enc_ffn");
  for (int64_t i = 0; i < spec_.depth; ++i) {
    const std::string name = fmt::format("proc_layers.{}.", i);
    layers_.push_back({norm_of(weights, name + "0.norm"), dense_of(weights, name + "0.to_qkv"),
                       dense_of(weights, name + "0.to_out"), feed_forward_of(weights, name + "1")});
  }
  decoder_norm_ = norm_of(weights, "dec_atn.norm_context");
  decoder_kv_ = dense_of(weights, "dec_atn.to_kv");
  decoder_out_ = dense_of(weights, "dec_atn.to_out");
  decoder_feed_forward_ = feed_forward_of(weights, "dec_ffn");
  readout_ = dense_of(weights, "readout");

  latent_turns_ = rotary_turns(latent_times_, model.frequencies());
  query_turn_ = rotary_turns({spec_.window - query_offset}, model.frequencies());
  precompute(weights, unit_rows, session_row);
  turns_.resize((2 + kFirstPlaces) * size_t(spec_.dim_head));
  latent_turns_now_.resize(latent_times_.size() * size_t(spec_.dim_head));
  const int64_t latents = spec_.latents(), self = spec_.self_heads * spec_.dim_head,
                cross = spec_.cross_heads * spec_.dim_head;
  for (int64_t i = 0; i < latents; ++i) {
    latent_row_.push_back(int32_t(i % spec_.latents_per_step));
    latent_turn_.push_back(int32_t(i / spec_.latents_per_step));
  }
  latents_ = Rows(latents, spec_.dim);
  query_ = Rows(1, spec_.dim);
  qkv_ = floats({latents, 3 * self});
  kv_ = floats({latents, 2 * cross});
  encoder_read_ = floats({latents, cross});
  self_read_ = floats({latents, self});
  decoder_read_ = floats({1, cross});
  softmax_ = floats({latents, std::max(spec_.self_heads, spec_.cross_heads), 2});
  out_ = floats({1, 2});
}

void StreamingDecoder::precompute(const Weights& weights, const std::vector<int64_t>& unit_rows,
                                  int64_t session_row) {
  const auto project = [&](const std::string& norm, const std::string& dense, const at::Tensor& x) {
    const Norm n = norm_of(weights, norm);
    return normalised(x, n.weight, n.bias).mm(dense_of(weights, dense).weight).contiguous();
  };
  const at::Tensor units =
      at::from_blob(const_cast<int64_t*>(unit_rows.data()), {int64_t(unit_rows.size())}, at::kLong)
          .clone();
  const at::Tensor pairs = weights.at("unit_emb.weight").index_select(0, units).unsqueeze(1) +
                           weights.at("token_type_emb.weight").narrow(0, 0, kTypes).unsqueeze(0);
  pair_kv_ = project("enc_atn.norm_context", "enc_atn.to_kv", pairs.reshape({-1, spec_.dim}));
  const at::Tensor& latents = weights.at("latent_emb.weight");
  latent_start_ = latents.repeat({int64_t(latent_times_.size()), 1});
  latent_q_ = project("enc_atn.norm", "enc_atn.to_q", latents);
  query_start_ = weights.at("session_emb.weight").narrow(0, session_row, 1).clone();
  query_q_ = project("dec_atn.norm", "dec_atn.to_q", query_start_);
}

void StreamingDecoder::make_room() {
  const size_t places = spike_time_.size();
  const auto h = size_t(spec_.dim_head);
  std::vector<double> time(2 * places);
  std::vector<int32_t> unit(2 * places);
  std::vector<float> turns((2 + 2 * places) * h);
  for (uint64_t s = forgotten_; s < pushed_; ++s) {
    const auto from = size_t(place_of(s)), to = size_t(s & (2 * places - 1));
    time[to] = spike_time_[from];
    unit[to] = spike_unit_[from];
    std::copy_n(turn_at(2 + int64_t(from)), h, turns.data() + (2 + to) * h);
  }
  spike_time_ = std::move(time);
  spike_unit_ = std::move(unit);
  turns_ = std::move(turns);
}

void StreamingDecoder::push(double time, int32_t unit) {
  if (unit < 0 || unit >= pair_kv_.size(0) / kTypes) {
    throw DataError(
        fmt::format("a spike of unit {}: expected 0 to {}", unit, pair_kv_.size(0) / kTypes - 1));
  }
  if (!std::isfinite(time) || time < last_spike_) {
    throw DataError(fmt::format("a spike at {} s: expected a time not before the last spike's, {}",
                                time, last_spike_));
  }
  if (!started_) origin_ = time;
  started_ = true;
  last_spike_ = time;
  if (pushed_ - forgotten_ == spike_time_.size()) make_room();
  const int64_t place = place_of(pushed_++);
  spike_time_[size_t(place)] = time;
  spike_unit_[size_t(place)] = unit;
  write_turn(time, turn_at(2 + place));
}

void StreamingDecoder::write_turn(double time, float* to) const {
  const double since_origin = time - origin_;
  kernels::turns(&since_origin, 1, omega_.data(), int64_t(omega_.size()), to);
}

void StreamingDecoder::forget_before(double start) {
  while (forgotten_ < pushed_ && spike_time_[size_t(place_of(forgotten_))] < start) ++forgotten_;
}

int64_t StreamingDecoder::lay_out_tokens(double start) {
  write_turn(start, turn_at(0));
  write_turn(start + spec_.window, turn_at(1));
  for (size_t k = 0; k < latent_times_.size(); ++k) {
    write_turn(start + latent_times_[k], latent_turns_now_.data() + k * size_t(spec_.dim_head));
  }
  const int64_t units = pair_kv_.size(0) / kTypes;
  const size_t most = size_t(2 * units) + spike_time_.size();
  if (token_row_.size() < most) {
    token_row_.resize(most);
    token_turn_.resize(most);
  }
  int64_t n = 0;
  const auto add = [&](int64_t unit, int64_t type, int64_t turn) {
    token_row_[size_t(n)] = int32_t(kTypes * unit + type);
    token_turn_[size_t(n++)] = int32_t(turn);
  };
  for (int64_t u = 0; spec_.delimiters && u < units; ++u) {
    add(u, kStart, 0);
    add(u, kEnd, 1);
  }
  for (uint64_t s = forgotten_; s < pushed_; ++s) {
    const int64_t place = place_of(s);
    if (!(spike_time_[size_t(place)] < start + spec_.window)) break;
    add(spike_unit_[size_t(place)], kSpike, 2 + place);
  }
  return n;
}

// x += branch, normed = norm(x).
void StreamingDecoder::join_and_norm(const Norm& norm, Rows& rows) {
  float* x = rows.x.data_ptr<float>();
  kernels::norm_of_sum(rows.x.size(0), spec_.dim, x, rows.branch.data_ptr<float>(), norm.raw(), x,
                       rows.normed.data_ptr<float>(), rows.moments.data_ptr<float>());
}

// x += branch, branch = what the block adds to x.
void StreamingDecoder::feed_forward(const FeedForward& block, Rows& rows) {
  join_and_norm(block.norm, rows);
  block.in(rows.normed, rows.hidden);
  kernels::geglu(rows.x.size(0), 4 * spec_.dim, rows.hidden.data_ptr<float>(),
                 rows.gated.data_ptr<float>());
  block.out(rows.gated, rows.branch);
}

void StreamingDecoder::encode(int64_t tokens) {
  const int64_t latents = spec_.latents(), zero = 0, wide = spec_.cross_heads * spec_.dim_head;
  kernels::RotaryShape shape{};
  shape.sequences = 1;
  shape.heads = spec_.cross_heads;
  shape.head_dim = spec_.dim_head;
  shape.queries = {&zero, &latents, latent_row_.data(), latent_turn_.data(),
                   latent_turns_now_.data()};
  shape.keys = {&zero, &tokens, token_row_.data(), token_turn_.data(), turns_.data()};
  shape.q_stride = shape.out_stride = wide;
  shape.kv_stride = 2 * wide;
  shape.turn_values = spec_.value_rotation;
  const float* kv = pair_kv_.data_ptr<float>();
  attend(shape, {latent_q_.data_ptr<float>(), kv, kv + wide}, encoder_read_, softmax_);
  latents_.x.copy_(latent_start_);
  encoder_out_(encoder_read_, latents_.branch);
  feed_forward(encoder_feed_forward_, latents_);
}

void StreamingDecoder::process() {
  const int64_t latents = spec_.latents(), zero = 0, wide = spec_.self_heads * spec_.dim_head;
  kernels::RotaryShape shape{};
  shape.sequences = 1;
  shape.heads = spec_.self_heads;
  shape.head_dim = spec_.dim_head;
  shape.queries = {&zero, &latents, nullptr, latent_turn_.data(), latent_turns_.data_ptr<float>()};
  shape.keys = shape.queries;
  shape.q_stride = shape.kv_stride = 3 * wide;
  shape.out_stride = wide;
  shape.turn_values = spec_.value_rotation;
  const float* q = qkv_.data_ptr<float>();
  for (const Layer& layer : layers_) {
    join_and_norm(layer.norm, latents_);
    layer.to_qkv(latents_.normed, qkv_);
    attend(shape, {q, q + wide, q + 2 * wide}, self_read_, softmax_);
    layer.to_out(self_read_, latents_.branch);
    feed_forward(layer.feed_forward, latents_);
  }
}

std::array<float, 2> StreamingDecoder::decode() {
  const int64_t latents = spec_.latents(), zero = 0, one = 1,
                wide = spec_.cross_heads * spec_.dim_head;
  kernels::RotaryShape shape{};
  shape.sequences = 1;
  shape.heads = spec_.cross_heads;
  shape.head_dim = spec_.dim_head;
  shape.queries = {&zero, &one, nullptr, nullptr, query_turn_.data_ptr<float>()};
  shape.keys = {&zero, &latents, nullptr, latent_turn_.data(), latent_turns_.data_ptr<float>()};
  shape.q_stride = shape.out_stride = wide;
  shape.kv_stride = 2 * wide;
  shape.turn_values = false;
  join_and_norm(decoder_norm_, latents_);
  decoder_kv_(latents_.normed, kv_);
  const float* kv = kv_.data_ptr<float>();
  attend(shape, {query_q_.data_ptr<float>(), kv, kv + wide}, decoder_read_, softmax_);
  query_.x.copy_(query_start_);
  decoder_out_(decoder_read_, query_.branch);
  feed_forward(decoder_feed_forward_, query_);
  query_.x.add_(query_.branch);
  readout_(query_.x, out_);
  const float* v = out_.data_ptr<float>();
  return {v[0], v[1]};
}

std::array<float, 2> StreamingDecoder::advance(double t) {
  if (!std::isfinite(t) || t < last_step_) {
    throw DataError(fmt::format("a step at {} s: expected a time not before the last step's, {}", t,
                                last_step_));
  }
  const c10::InferenceMode guard;
  if (!started_) origin_ = t;
  started_ = true;
  last_step_ = t;
  const double start = t - spec_.window;
  forget_before(start);
  encode(lay_out_tokens(start));
  process();
  return decode();
}

}  // namespace tenfold::poyo_decode
