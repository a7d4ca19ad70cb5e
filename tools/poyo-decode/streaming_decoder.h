// A trained decoder that is fed with spikes as they come (specification, section 7, decode). It
// gives what Model::forward gives for the window [t - W, t) with one query, and pays at a step only
// for what changed: keys and values of a unit's tokens are known beforehand, a spike's angles are
// taken when it arrives (only differences of time matter), and no memory is asked for.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/kernels/post_norm.h"
#include "common/kernels/rotary_attention.h"
#include "tools/poyo-decode/model.h"

namespace tenfold::poyo_decode {

class StreamingDecoder {
 public:
  // `unit_rows` [units]: rows of the unit table, in the order of the numbers that push() takes.
  // A query lies `query_offset` seconds before the end of its window. The model's weights are
  // read now, those of the core by reference: it must outlive the decoder and not change.
  StreamingDecoder(const Model& model, const std::vector<int64_t>& unit_rows, int64_t session_row,
                   double query_offset = 0.01);

  // A spike of unit 0..units-1 at `time`, seconds on a clock that does not go back. Throws
  // DataError for an unknown unit, a time before the last one's, and one that is not finite.
  void push(double time, int32_t unit);

  // Normalised velocity at t - query_offset from the spikes in [t - W, t); those that lie later
  // stay for later steps. Throws DataError where t is before the last step's.
  std::array<float, 2> advance(double t);

  double window() const { return spec_.window; }
  int64_t held_spikes() const { return int64_t(pushed_ - forgotten_); }

 private:
  struct Norm {
    at::Tensor weight, bias;
    kernels::NormWeights raw() const;
  };
  struct Dense {
    at::Tensor weight, bias;  // weight [in, out], a view
    void operator()(const at::Tensor& x, at::Tensor& out) const;
  };
  struct FeedForward {
    Norm norm;
    Dense in, out;
  };
  struct Layer {
    Norm norm;
    Dense to_qkv, to_out;
    FeedForward feed_forward;
  };
  // Memory of one step: a residual stream, and what its blocks write.
  struct Rows {
    at::Tensor x, branch, normed, hidden, gated, moments;
    Rows() = default;
    Rows(int64_t rows, int64_t dim);
  };
  using Weights = std::map<std::string, at::Tensor>;

  static Norm norm_of(const Weights& weights, const std::string& name);
  static Dense dense_of(const Weights& weights, const std::string& name);
  static FeedForward feed_forward_of(const Weights& weights, const std::string& name);
  void precompute(const Weights& weights, const std::vector<int64_t>& unit_rows,
                  int64_t session_row);
  void make_room();  // twice as many places for spikes
  // Angles of a time, [pairs, 2].
  void write_turn(double time, float* to) const;
  void forget_before(double start);
  int64_t place_of(uint64_t spike) const { return int64_t(spike & (spike_time_.size() - 1)); }
  float* turn_at(int64_t number) { return turns_.data() + number * spec_.dim_head; }

  int64_t lay_out_tokens(double start);  // returns the number of tokens
  void encode(int64_t tokens);
  void process();
  std::array<float, 2> decode();
  void join_and_norm(const Norm& norm, Rows& rows);
  void feed_forward(const FeedForward& block, Rows& rows);

  ModelSpec spec_;
  std::vector<double> latent_times_;
  std::vector<float> omega_;  // [dim_head / 2]
  double origin_ = 0;         // angles count from here: the first time ever seen
  bool started_ = false;
  double last_spike_, last_step_;

  // Spikes by number, in a ring whose size is a power of two.
  uint64_t pushed_ = 0, forgotten_ = 0;
  std::vector<double> spike_time_;
  std::vector<int32_t> spike_unit_;

  // Keys and values of every (unit, type): row 3 * unit + type; angles: those of START, of END, and
  // of the spikes' places in the ring.
  at::Tensor pair_kv_;
  std::vector<float> turns_;
  std::vector<int32_t> token_row_, token_turn_;

  // What no step changes.
  at::Tensor latent_start_, latent_q_, query_start_, query_q_, latent_turns_, query_turn_;
  std::vector<int32_t> latent_row_, latent_turn_;
  std::vector<float> latent_turns_now_;  // by the clock of the spikes

  Dense encoder_out_, decoder_kv_, decoder_out_, readout_;
  Norm decoder_norm_;
  FeedForward encoder_feed_forward_, decoder_feed_forward_;
  std::vector<Layer> layers_;

  Rows latents_, query_;
  at::Tensor qkv_, kv_, encoder_read_, self_read_, decoder_read_, softmax_, out_;
};

}  // namespace tenfold::poyo_decode
