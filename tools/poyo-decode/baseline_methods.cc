#include "tools/poyo-decode/baseline_methods.h"

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "tools/poyo-decode/gru_decoder.h"
#include "tools/poyo-decode/kalman_decoder.h"
#include "tools/poyo-decode/linear_decoders.h"
#include "tools/poyo-decode/mlp_decoder.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kKalmanBin = 0.05, kNeuralBin = 0.02, kMlpSeconds = 1, kCountsApart = 0.04;
constexpr int64_t kMostLag = 3;
const MlpTaps kSampleTaps = {2, 1};  // the rows of ridge

std::vector<NeuralSetting> grid(const BaselineOptions& o) {
  const auto either = [](const auto& given, auto otherwise) {
    return given.empty() ? otherwise : given;
  };
  const bool gru = o.method == "gru";
  std::vector<NeuralSetting> all;
  for (int64_t hidden :
       either(o.hidden, gru ? std::vector<int64_t>{64, 128} : std::vector<int64_t>{256}))
    for (double lr : either(o.lr, std::vector<double>{1e-3, 3e-4}))
      // Section 6.5 has AdamW as torch has it.
      for (double decay : either(o.weight_decay,
                                 gru ? std::vector<double>{1e-2} : std::vector<double>{1e-4, 1e-2}))
        all.push_back({hidden, lr, decay});
  return all;
}

BinnedRows rows_for(const Session& session, const BaselineOptions& o, double bin) {
  if (reads_samples(session, o))
    return sample_bins(session, o.bin.value_or(sample_distance(session.recording)));
  return session_bins(session, o.bin.value_or(bin));
}

BaselineScore kalman(const Session& session, const Intervals& training, const BaselineOptions& o) {
  const KalmanScore s = kalman_decoder(session, rows_for(session, o, kKalmanBin), training,
                                       reads_samples(session, o) ? 0 : kMostLag);
  return {s, {{"lag", s.lag}, {"position", s.coordinates}}};
}

NeuralScore mlp(const Session& session, const Intervals& training, const BaselineOptions& o,
                const NeuralSetting& setting, uint64_t seed) {
  const BinnedRows rows = rows_for(session, o, kNeuralBin);
  MlpTaps taps = kSampleTaps;
  if (!reads_samples(session, o)) {
    taps = MlpTaps();
    taps.before = std::max<int64_t>(0, std::llround(kMlpSeconds / rows.step) - taps.after - 1);
  }
  MlpDecoder decoder(session, rows, taps, training, setting.hidden, seed);
  return fit(decoder, setting, o.epochs.value_or(kMlpEpochs));
}

NeuralScore gru(const Session& session, const Intervals& training, const BaselineOptions& o,
                const NeuralSetting& setting, uint64_t seed) {
  const BinnedRows rows = rows_for(session, o, kNeuralBin);
  const Eigen::VectorXd scale = count_scale(rows.counts, rows_within(rows, training, false));
  GruDecoder decoder(session,
                     reads_samples(session, o)
                         ? trial_sequences(session, rows, training, scale, seed)
                         : window_sequences(session, training, o.window, rows.step, scale, seed),
                     setting.hidden, seed);
  return fit(decoder, setting, o.epochs.value_or(kGruEpochs));
}

}  // namespace

bool reads_samples(const Session& session, const BaselineOptions& options) {
  if (options.rows != "auto") return options.rows == "samples";
  return sample_distance(session.recording) >= kCountsApart;
}

int64_t settings(const BaselineOptions& options) {
  return uses_seed(options) ? int64_t(grid(options).size()) : 1;
}

bool uses_seed(const BaselineOptions& options) {
  return options.method == "mlp" || options.method == "gru";
}

BaselineScore fit_baseline(const Session& session, const Intervals& training,
                           const BaselineOptions& options, int64_t setting, uint64_t seed) {
  if (!uses_seed(options)) {
    if (options.method == "kalman") return kalman(session, training, options);
    const LinearScore s = options.method == "wiener"
                              ? wiener_filter(session, training)
                              : ridge_decoder(session, training, options.bin.value_or(0));
    return {s, {{"lambda", s.lambda}}};
  }
  try {
    const auto decode = options.method == "mlp" ? mlp : gru;
    const NeuralScore s = decode(session, training, options, grid(options)[size_t(setting)], seed);
    return {s,
            {{"hidden", s.setting.hidden},
             {"lr", s.setting.lr},
             {"weight_decay", s.setting.weight_decay},
             {"epoch", s.epoch}}};
  } catch (const Error& error) {
    throw Error(error.code(), session.recording.session + ": " + error.what());
  }
}

}  // namespace tenfold::poyo_decode
