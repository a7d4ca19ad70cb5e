#include "tools/rich-lazy/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "common/io/hash.h"
#include "common/log/logger.h"

namespace tenfold::rich_lazy {
namespace {

using Maybe = std::optional<double>;

const std::string kInactive = "no active unit", kDiverged = "diverged",
                  kNoRate = "no learning rate is a candidate",
                  kNoFresh = "no fresh trials (--accuracy-trials)";

log::Value cell(const Maybe& v) { return v ? log::Value(*v) : log::Value(nullptr); }

// One model, measured.
struct Row {
  const Model* model = nullptr;
  bool chosen = false;
  Spectrum spectrum;
  std::optional<Measures> measures;
  Maybe final_loss, fresh_accuracy;
};

struct Column {
  std::string name;
  std::optional<bool> higher_is_better;
  std::function<Maybe(const Row&)> value;
  std::string missing;
};

// A measure that is there unless the model diverged.
Column measure_column(const std::string& name, double Measures::*field,
                      std::optional<bool> higher = std::nullopt) {
  return {name, higher,
          [field](const Row& r) -> Maybe {
            return r.measures ? Maybe((*r.measures).*field) : std::nullopt;
          },
          kDiverged};
}
Column measure_column(const std::string& name, Maybe Measures::*field) {
  return {name, std::nullopt,
          [field](const Row& r) { return r.measures ? (*r.measures).*field : std::nullopt; },
          kInactive};
}

std::vector<Column> measure_columns() {
  return {{"final_loss", false, [](const Row& r) { return r.final_loss; }, "no iteration"},
          measure_column("evaluation_loss", &Measures::evaluation_loss, false),
          measure_column("decision_loss", &Measures::decision_loss, false),
          measure_column("decision_accuracy", &Measures::decision_accuracy, true),
          {"fresh_accuracy", true, [](const Row& r) { return r.fresh_accuracy; }, kNoFresh},
          measure_column("weight_change_norm", &Measures::weight_change_norm),
          measure_column("weight_change_relative", &Measures::weight_change_relative),
          measure_column("rep_alignment", &Measures::rep_alignment),
          measure_column("kernel_alignment", &Measures::kernel_alignment),
          measure_column("sign_similarity", &Measures::sign_similarity),
          measure_column("initial_target_alignment", &Measures::initial_target_alignment),
          measure_column("target_alignment", &Measures::target_alignment),
          {"effective_rank", std::nullopt,
           [](const Row& r) { return Maybe(r.spectrum.effective_rank); }, ""}};
}

Matrix recurrent_matrix(const Weights& w) {
  Matrix m(w.shape().hidden, w.shape().hidden);
  for (int64_t i = 0; i < m.rows(); ++i) {
    for (int64_t j = 0; j < m.cols(); ++j) m(i, j) = w.recurrent()[i * m.cols() + j];
  }
  return m;
}

std::vector<Row> rows_of(const Setting& setting, const std::vector<Model>& models,
                         int64_t fresh_trials) {
  const std::vector<bool> chosen = choose_rates(models, setting.config.log_every);
  const std::vector<std::optional<Measures>> measures = measure_models(setting, models);
  std::vector<Row> rows;
  for (size_t i = 0; i < models.size(); ++i) {
    const Model& m = models[i];
    Row row{&m, chosen[i], {}, measures[i], std::nullopt, std::nullopt};
    const auto same = std::find_if(rows.begin(), rows.end(), [&](const Row& r) {
      return std::equal(m.initial.recurrent(),
                        m.initial.recurrent() + m.initial.shape().recurrent_size(),
                        r.model->initial.recurrent());
    });
    row.spectrum = same != rows.end() ? same->spectrum : spectrum_of(recurrent_matrix(m.initial));
    if (m.diverged_at < 0) row.final_loss = final_loss(m);
    const bool images = m.key.task == Task::kSequentialDigits;
    if (m.diverged_at < 0 && (images || fresh_trials > 0)) {
      const Trials fresh = setting.source(m.key.task, m.key.seed).fresh(fresh_trials);
      row.fresh_accuracy =
          decision_accuracy(m.weights, {fresh.x.data(), fresh.labels.data(), fresh.batch});
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void add_table(log::Result& result, const std::vector<Row>& rows) {
  log::Table table{{"task", "seed", "rank", "init", "lr", "chosen"}, {}};
  std::vector<Column> columns = measure_columns();
  columns.pop_back();  // the effective rank stands with the spectrum
  table.columns.insert(table.columns.end(), kSpectrumColumns.begin(), kSpectrumColumns.end());
  for (const Column& c : columns) table.columns.push_back(c.name);
  table.columns.insert(table.columns.end(), {"ntk_size", "diverged_at"});
  for (const Row& r : rows) {
    const ModelKey& key = r.model->key;
    std::vector<log::Value> cells = {
        task_name(key.task), key.seed, key.rank, key.init, key.lr, r.chosen};
    const std::vector<log::Value> spectrum = spectrum_cells(r.spectrum);
    cells.insert(cells.end(), spectrum.begin(), spectrum.end());
    for (const Column& c : columns) cells.push_back(cell(c.value(r)));
    cells.push_back(r.measures ? log::Value(r.measures->ntk_size) : log::Value(nullptr));
    cells.push_back(r.model->diverged_at < 0 ? log::Value(nullptr)
                                             : log::Value(r.model->diverged_at));
    table.rows.push_back(std::move(cells));
  }
  result.tables.emplace_back("models", table);
}

// A group of networks, a seed each: that of the chosen rate, or none.
struct Group {
  std::string name;   // of its metrics
  std::string shown;  // with what the weights began from, unless that is a Gaussian alone
  std::vector<const Row*> chosen;
  bool diverged = true;  // at every rate and seed
};

// In the order of the models.
std::vector<Group> groups_of(const Setting& setting, const std::vector<Row>& rows) {
  std::vector<Group> groups;
  for (const Row& r : rows) {
    const ModelKey& key = r.model->key;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& g) { return g.name == key.group(); });
    if (group == groups.end()) {
      const bool plain = setting.config.init == "gauss" || key.control;
      const std::string shown =
          fmt::format("{}/{}/rank-{}", task_name(key.task), key.init, key.rank);
      group = groups.insert(groups.end(), {key.group(), plain ? key.group() : shown, {}});
      group->chosen.resize(setting.seeds.size(), nullptr);
    }
    const auto seed = std::find(setting.seeds.begin(), setting.seeds.end(), key.seed);
    if (r.chosen) group->chosen[size_t(seed - setting.seeds.begin())] = &r;
    group->diverged = group->diverged && r.model->diverged_at >= 0;
  }
  return groups;
}

log::Metric mean_metric(const Column& column, const Group& group) {
  std::vector<Maybe> per_seed;
  bool any = false;
  for (const Row* r : group.chosen) {
    per_seed.push_back(r != nullptr ? column.value(*r) : std::nullopt);
    any = any || r != nullptr;
  }
  const std::string& reason = group.diverged ? kDiverged : (any ? column.missing : kNoRate);
  return log::metric_over_seeds(per_seed, column.higher_is_better, reason);
}

void add_metrics(log::Result& result, const std::vector<Group>& groups) {
  for (const Group& group : groups) {
    for (const Column& c : measure_columns())
      result.metrics.emplace_back(group.name + "/" + c.name, mean_metric(c, group));
  }
}

std::string series_name(const Row& r, bool several) {
  const ModelKey& key = r.model->key;
  return fmt::format("{}/seed-{}", key.group(), key.seed) +
         (several ? fmt::format("/lr-{}", key.lr) : "");
}

void add_series(log::Result& result, const Setting& setting, const std::vector<Row>& rows) {
  const bool several = setting.config.lr.size() > 1;
  for (const Row& r : rows) {
    const std::string name = series_name(r, several);
    log::Series loss{"iter", {{"iter", {}}, {"loss", {}}}};
    for (const double mean : loss_log(*r.model, setting.config.log_every)) {
      loss.columns[0].second.emplace_back(double(loss.columns[0].second.size()) *
                                          double(setting.config.log_every));
      loss.columns[1].second.emplace_back(mean);
    }
    result.series.emplace_back(name + "/loss", loss);
    if (r.model->along.empty()) continue;
    log::Series along{"iter", {{"iter", {}}}};
    for (const Moment& m : r.model->along) along.columns[0].second.emplace_back(m.iteration);
    const auto column = [&](const std::string& of, double Moment::*field) {
      auto& values = along.columns.emplace_back(of, std::vector<Maybe>()).second;
      for (const Moment& m : r.model->along) values.emplace_back(m.*field);
    };
    column("weight_change_norm", &Moment::weight_change_norm);
    column("rep_alignment", &Moment::rep_alignment);
    column("kernel_alignment", &Moment::kernel_alignment);
    column("target_alignment", &Moment::target_alignment);
    column("sign_similarity", &Moment::sign_similarity);
    column("evaluation_loss", &Moment::evaluation_loss);
    column("decision_accuracy", &Moment::decision_accuracy);
    result.series.emplace_back(name + "/measures", along);
  }
}

// One line a group for a person who watches.
void tell(const log::Result& result, const std::vector<Group>& groups) {
  const auto metric = [&](const std::string& name) -> const log::Metric& {
    return std::find_if(result.metrics.begin(), result.metrics.end(),
                        [&](const auto& named) { return named.first == name; })
        ->second;
  };
  for (const Group& group : groups) {
    const auto value = [&](const std::string& name) {
      const log::Metric& m = metric(group.name + "/" + name);
      return m.value ? fmt::format("{:.3f}", *m.value) : "none (" + m.reason + ")";
    };
    if (!metric(group.name + "/weight_change_norm").value) {
      log::info(group.shown + ": " + metric(group.name + "/weight_change_norm").reason);
      continue;
    }
    std::string line = fmt::format("{}: |dW| {}, RA {}, KA {}, accuracy {}", group.shown,
                                   value("weight_change_norm"), value("rep_alignment"),
                                   value("kernel_alignment"), value("decision_accuracy"));
    if (metric(group.name + "/fresh_accuracy").value)
      line += ", of fresh trials " + value("fresh_accuracy");
    log::info(line);
  }
}

// Activity that doubles every step moves the weights far from where they began, at a finite loss.
void warn_of_explosions(const std::vector<Row>& rows) {
  constexpr double kTooFar = 10;
  for (const Row& r : rows) {
    if (!r.measures || !(r.measures->weight_change_relative > kTooFar)) continue;
    log::warning(fmt::format(
        "{}: the weights changed by {:.4g}, from an initial norm of {:.4g} and radius of {:.4g}; "
        "try --normalize radius or a smaller --gain",
        r.model->key.name(), r.measures->weight_change_norm, r.spectrum.fro_norm,
        r.spectrum.spectral_radius));
  }
}

}  // namespace

const std::vector<std::string> kSpectrumColumns = {
    "effective_rank", "effective_rank_sv", "participation",  "matrix_rank",
    "init_fro_norm",  "spectral_norm",     "spectral_radius"};

std::vector<log::Value> spectrum_cells(const Spectrum& s) {
  return {s.effective_rank, s.effective_rank_sv, s.participation,  s.matrix_rank,
          s.fro_norm,       s.spectral_norm,     s.spectral_radius};
}

void add_facts(log::Result& result, const Setting& setting) {
  result.seeds = setting.seeds;
  const TrainConfig& c = setting.config;
  result.data = {{"tasks", c.task}, {"origin", std::string(setting.images ? "real" : "generated")}};
  if (setting.images) {
    result.data.emplace_back("images", setting.images->count);
    result.data.emplace_back("held_back", setting.images->count / 12);
  }
  if (setting.connectome) {
    result.data.emplace_back("connectome", setting.connectome->source);
    result.data.emplace_back("connectome_format", setting.connectome->format);
  }
  for (const std::string& path : setting.files())
    result.data.emplace_back("digest/" + path, "xxh3:" + io::xxh3_file(path));
  result.model = {{"hidden", setting.hidden},
                  {"models", int64_t(model_keys(setting).size())},
                  {"gain", c.gain_or_default()}};
  for (const std::string& name : c.task)
    result.model.emplace_back("parameters/" + name, setting.shape(task_of(name)).size());
}

void add_models(log::Result& result, const Setting& setting, const std::vector<Model>& models,
                int64_t fresh_trials) {
  const std::vector<Row> rows = rows_of(setting, models, fresh_trials);
  add_table(result, rows);
  const std::vector<Group> groups = groups_of(setting, rows);
  add_metrics(result, groups);
  add_series(result, setting, rows);
  log::Metric ntk;
  double seconds = 0;
  for (const Row& r : rows) seconds += r.measures ? r.measures->seconds_ntk : 0;
  ntk.value = seconds;
  ntk.unit = "s";
  result.metrics.emplace_back("seconds_ntk", ntk);
  warn_of_explosions(rows);
  tell(result, groups);
}

}  // namespace tenfold::rich_lazy
