#include "tools/poyo-decode/dataset_description.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "common/cli/fields.h"
#include "common/cli/toml.h"
#include "common/core/error.h"
#include "common/io/file.h"

namespace tenfold::poyo_decode {
namespace {

constexpr uint64_t kLargestFile = uint64_t{1} << 20;

DatasetDescription built_in(const std::string& name) {
  DatasetDescription d;
  d.like = name;
  if (name == "perich") {
    d.loss_weights = {"center_out_reaching/random_period:1",
                      "center_out_reaching/hold_period:0.1",
                      "center_out_reaching/reach_period:5",
                      "center_out_reaching/return_period:1",
                      "center_out_reaching/invalid:0.1",
                      "center_out_reaching/cursor_outlier_segments:0",
                      "random_target_reaching/random_period:1",
                      "random_target_reaching/hold_period:0.1",
                      "random_target_reaching/cursor_outlier_segments:0"};
    d.scored = {"center_out_reaching/reach_period", "random_target_reaching/random_period"};
    return d;
  }
  d.intervals = "none";
  d.split = "trials";
  d.task = "center_out_reaching";
  if (name == "churchland") {
    d.normalize_std = 800;
    d.intervals = "churchland";
    d.loss_weights = {"hold_period:0.1", "reach_period:5", "return_period:1",
                      "hand_outlier_segments:1"};
  } else if (name == "odoherty") {
    d.normalize_std = 200;
    d.split = "blocks";
    d.task = "random_target_reaching";
    d.still_speed = 10;
  } else if (name == "flint") {
    d.readout = "hand.vel";
    d.normalize_std = 0.4;
  } else {
    d.readout = "hand.vel";
    d.normalize_std = 100;
    d.intervals = d.split = "nlb";
    d.task = name == "nlb-maze" ? "maze" : "random_target_reaching";
    // The random targets follow each other without a movement's onset.
    if (name == "nlb-maze") d.scored = {"nlb_eval_intervals"};
  }
  return d;
}

// The part of an entry that is meant for sessions of `task`: all of it without a TASK/ in front.
std::optional<std::string> meant_for(const std::string& entry, const std::string& task) {
  const size_t slash = entry.find('/');
  if (slash == std::string::npos) return entry;
  if (entry.compare(0, slash, task) != 0) return std::nullopt;
  return entry.substr(slash + 1);
}

// SET:WEIGHT.
std::pair<std::string, double> set_and_weight(const std::string& entry, const std::string& where) {
  const size_t colon = entry.rfind(':');
  if (colon == 0 || colon == std::string::npos) cli::refuse(where, entry, "[TASK/]SET:WEIGHT");
  const auto weight = cli::parse_number<double>(entry.substr(colon + 1), where, {0, 1e6}, "");
  return {entry.substr(0, colon), weight};
}

void check_readout(const std::string& readout, const std::string& where) {
  const size_t dot = readout.find('.');
  if (dot != 0 && dot != std::string::npos && dot + 1 != readout.size()) return;
  cli::refuse(where, readout, "GROUP.SERIES such as cursor.vel");
}

DatasetDescription from_file(const std::string& path) {
  DatasetDescription d;
  const std::vector<cli::Field> fields = cli::gather_fields([&](auto& v) { d.visit(v); });
  const cli::Inputs inputs = cli::read_config_file(path, fields);
  const auto like = inputs.find("like");
  if (like != inputs.end()) cli::find_field(fields, "like")->set(like->second);
  d = built_in(d.like);
  for (const auto& [name, input] : inputs) cli::find_field(fields, name)->set(input);
  const auto where = [&](const std::string& name) {
    const auto input = inputs.find(name);
    return input == inputs.end() ? path + ": " + name : input->second.where;
  };
  check_readout(d.readout, where("readout"));
  for (const std::string& entry : d.loss_weights) set_and_weight(entry, where("loss-weights"));
  return d;
}

}  // namespace

std::vector<std::string> DatasetDescription::names() {
  return {"perich", "churchland", "odoherty", "flint", "nlb-maze", "nlb-rtt"};
}

DatasetDescription describe(const std::string& name_or_file) {
  for (const std::string& name : DatasetDescription::names()) {
    if (name == name_or_file) return built_in(name);
  }
  // What looks like no path was meant to be a name.
  if (name_or_file.find('.') == std::string::npos && name_or_file.find('/') == std::string::npos) {
    cli::require_choice(name_or_file, DatasetDescription::names(), "--dataset");
  }
  return from_file(name_or_file);
}

std::map<std::string, double> loss_weights(const DatasetDescription& description,
                                           const std::string& choice, const std::string& task) {
  std::map<std::string, double> out;
  if (choice == "uniform") return out;
  if (choice != "paper") {
    std::set<std::string> keys;
    for (const cli::TomlEntry& e : cli::parse_toml(io::read_text(choice, kLargestFile), choice)) {
      const std::string where = fmt::format("{}:{}: {}", choice, e.line, e.key);
      if (e.value.type != cli::TomlValue::Type::kNumber)
        cli::refuse(where, e.value.text, "a weight");
      const auto weight = cli::parse_number<double>(e.value.text, where, {0, 1e6}, "");
      if (!keys.insert(e.key).second) throw UsageError(where + ": given twice");
      if (const auto set = meant_for(e.key, task)) out[*set] = weight;
    }
    return out;
  }
  for (const std::string& entry : description.loss_weights) {
    const auto [name, weight] = set_and_weight(entry, "loss-weights");
    if (const auto set = meant_for(name, task)) out[*set] = weight;
  }
  return out;
}

std::vector<std::string> scored_sets(const DatasetDescription& description,
                                     const std::string& task) {
  std::vector<std::string> out;
  for (const std::string& entry : description.scored) {
    if (const auto set = meant_for(entry, task)) out.push_back(*set);
  }
  return out;
}

}  // namespace tenfold::poyo_decode
