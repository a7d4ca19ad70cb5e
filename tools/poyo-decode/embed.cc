// `embed`: the units' embeddings of a trained decoder as a map, and how far weights have moved.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "common/log/logger.h"
#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/recordings.h"
#include "tools/poyo-decode/report.h"
#include "tools/poyo-decode/stored_run.h"
#include "tools/poyo-decode/unit_map.h"
#include "tools/poyo-decode/weight_drift.h"

namespace tenfold::poyo_decode {
namespace {

log::Value value_of(const std::optional<double>& v) {
  return v ? log::Value(*v) : log::Value(nullptr);
}

log::Value text_of(const std::string& text) {
  return text.empty() ? log::Value(nullptr) : log::Value(text);
}

// What recordings tell of the units that they hold.
struct KnownUnit {
  std::string subject;
  UnitTuning tuning;
};

std::map<std::string, KnownUnit> known_units(const DataConfig& data) {
  std::map<std::string, KnownUnit> known;
  if (data.data.empty() && data.synthetic.empty()) return known;
  for (const Recording& r : load_recordings(data, false)) {
    const std::vector<UnitTuning> tuning = unit_tuning(r);
    for (size_t u = 0; u < r.units.size(); ++u) known[r.units[u]] = {r.subject, tuning[u]};
  }
  return known;
}

// [units, dim] without the row of padding.
at::Tensor unit_rows(const Model& model) {
  for (const train::Parameter& p : model.parameters().all())
    if (p.name == "unit_emb.weight") return p.value.detach().narrow(0, 1, p.value.size(0) - 1);
  return {};
}

double norm_of(const float* row, int64_t width) {
  double squares = 0;
  for (int64_t c = 0; c < width; ++c) squares += double(row[c]) * row[c];
  return std::sqrt(squares);
}

// Units whose tuning explains less of their rate have no direction to speak of.
constexpr double kTunedR2 = 0.05;

class UnitTable {
 public:
  UnitTable(const StoredRun& stored, const EmbedConfig& config)
      : stored_(stored), components_(config.components), known_(known_units(config.data)) {
    table_.columns = {"seed", "unit", "session", "subject", "norm"};
    for (int64_t c = 1; c <= components_; ++c) table_.columns.push_back(fmt::format("pc{}", c));
    for (const char* name : {"rate_hz", "direction", "gain", "tuning_r2"})
      table_.columns.push_back(name);
  }

  void add(int64_t seed, const Model& model) {
    const at::Tensor rows = unit_rows(model);
    const int64_t units = rows.size(0), width = rows.size(1);
    const PrincipalComponents p =
        principal_components(rows.data_ptr<float>(), units, width, components_);
    const auto found = int64_t(p.share.size());
    shares_.push_back(p.share);
    std::vector<double> angles, directions;
    for (int64_t u = 0; u < units; ++u) {
      const std::string& id = stored_.units.ids()[size_t(u)];
      const std::string session = session_of_unit(id, stored_.sessions.ids());
      const auto known = known_.find(id);
      const bool have = known != known_.end();
      const std::string subject = have && !known->second.subject.empty()
                                      ? known->second.subject
                                      : subject_of_session(session);
      std::vector<log::Value> row = {seed, id, text_of(session), text_of(subject),
                                     norm_of(rows.data_ptr<float>() + u * width, width)};
      for (int64_t c = 0; c < components_; ++c)
        row.push_back(c < found ? log::Value(p.coordinates[size_t(u * found + c)])
                                : log::Value(nullptr));
      const UnitTuning tuning = have ? known->second.tuning : UnitTuning();
      n_known_ += have ? 1 : 0;
      if (found >= 2 && tuning.r2.value_or(0) >= kTunedR2) {
        const double* at = &p.coordinates[size_t(u * found)];
        angles.push_back(std::atan2(at[1], at[0]));
        directions.push_back(*tuning.direction);
      }
      row.push_back(have ? log::Value(tuning.rate) : log::Value(nullptr));
      for (const auto& v : {tuning.direction, tuning.gain, tuning.r2}) row.push_back(value_of(v));
      table_.rows.push_back(std::move(row));
    }
    n_tuned_ = int64_t(angles.size());
    if (!angles.empty()) resultants_.emplace_back(ring_resultant(angles, directions));
  }

  // Whether recordings were given, none of whose units the model has.
  bool given_unknown_recordings() const { return !known_.empty() && n_known_ == 0; }

  void emit(log::Result& result) const {
    emit_ring(result);
    for (int64_t c = 0; c < components_; ++c) {
      log::Metric metric;
      metric.n = stored_.units.size();
      // All seeds have as many units, so all or none has this component.
      if (size_t(c) < shares_[0].size()) {
        double sum = 0;
        for (const std::vector<double>& share : shares_) sum += share[size_t(c)];
        metric.value = sum / double(shares_.size());
        if (shares_.size() > 1)
          for (const std::vector<double>& share : shares_)
            metric.per_seed.emplace_back(share[size_t(c)]);
      } else {
        metric.reason = "there are fewer units than components";
      }
      result.metrics.emplace_back(fmt::format("variance_share/pc{}", c + 1), metric);
    }
    result.tables.emplace_back("units", table_);
  }

 private:
  void emit_ring(log::Result& result) const {
    log::Metric metric;
    metric.higher_is_better = true;
    metric.n = n_tuned_;
    if (resultants_.empty()) {
      metric.reason = "no unit has a known direction: --data or --synthetic tell it";
    } else {
      double sum = 0;
      for (const auto& r : resultants_) sum += *r;
      metric.value = sum / double(resultants_.size());
      if (resultants_.size() > 1) metric.per_seed = resultants_;
    }
    result.metrics.emplace_back("direction_resultant", metric);
  }

  const StoredRun& stored_;
  int64_t components_;
  std::map<std::string, KnownUnit> known_;
  log::Table table_;
  std::vector<std::vector<double>> shares_;        // by seed
  std::vector<std::optional<double>> resultants_;  // by seed
  int64_t n_known_ = 0, n_tuned_ = 0;
};

class DriftTable {
 public:
  void add(int64_t seed, const std::vector<TensorDrift>& drift) {
    for (const TensorDrift& d : drift) {
      table_.rows.push_back({seed, d.tensor, d.core, d.compared, value_of(d.cosine),
                             value_of(d.relative_change), d.largest_change});
      if (!d.core) continue;
      largest_ = std::max(largest_, d.largest_change);
      if (d.cosine) least_ = std::min(least_, *d.cosine);
    }
  }
  void emit(log::Result& result) const {
    log::Metric cosine, change;
    cosine.value = least_;
    change.value = largest_;
    result.metrics.emplace_back("core_least_cosine", cosine);
    result.metrics.emplace_back("core_max_abs_change", change);
    result.tables.emplace_back("drift", table_);
  }

 private:
  log::Table table_{
      {"seed", "tensor", "core", "compared", "cosine", "relative_change", "max_abs_change"}, {}};
  double least_ = 1, largest_ = 0;
};

}  // namespace

int embed(const EmbedConfig& config, cli::Run& run) {
  const StoredRun stored = open_stored_run(config.checkpoint);
  log::Result result;
  result.seeds = stored.seeds;
  result.data = {{"name", std::string("unit embeddings")},
                 {"checkpoint", stored.checkpoint},
                 {"n_units", stored.units.size()},
                 {"n_sessions", stored.sessions.size()}};
  if (run.options().dry_run) {
    run.emit(result, "embed/1");
    return 0;
  }
  UnitTable units(stored, config);
  std::optional<StoredRun> other;
  if (!config.against.empty()) other = open_stored_run(config.against);
  DriftTable drift;
  for (int64_t seed : stored.seeds) {
    const Model model = load_model(stored, seed);
    units.add(seed, model);
    if (!other) continue;
    const bool same =
        std::find(other->seeds.begin(), other->seeds.end(), seed) != other->seeds.end();
    drift.add(seed, weight_drift(model, stored,
                                 load_model(*other, same ? seed : other->seeds.front()), *other));
  }
  if (units.given_unknown_recordings())
    log::warning("--data, --synthetic: the recordings hold no unit that the model knows");
  units.emit(result);
  if (other) drift.emit(result);
  run.emit(result, "embed/1");
  return 0;
}

}  // namespace tenfold::poyo_decode
