// `llm-prompts` and `llm-score`: Mastermind for language models (specification, section 5.5).

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/log/logger.h"
#include "tools/prequential-icl/commands.h"
#include "tools/prequential-icl/mastermind.h"

namespace tenfold::prequential_icl {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLength = 8, kColours = 6, kDigits = 9;  // answers are 0..8
constexpr double kSmoothing = 5;                           // of the reported curve, in contexts

const char* const kSystem =
    "You are playing a game of deduction. There is a secret code of 8 digits, each from 0 to 5; a "
    "digit may occur several times. For every guess of 8 digits the response is two numbers: first "
    "how many positions hold the right digit; second how many digits of the guess occur in the "
    "code in any position, each digit counted as often as it occurs in both, the first number "
    "included.\n"
    "Example: for the code 0 1 2 3 4 5 0 1 and the guess 0 2 1 3 4 4 5 5 the response is 3 6, "
    "because positions 1, 4 and 5 agree (0, 3, 4), and code and guess share one 0, one 1, one 2, "
    "one 3, one 4 and one 5.\n"
    "Answer with the two numbers only.";

std::string digits_of(const int64_t* values) {
  std::string text;
  for (int64_t i = 0; i < kLength; ++i) text += (i > 0 ? " " : "") + std::to_string(values[i]);
  return text;
}

struct Line {
  int64_t task = 0, n = 0;
  Json json;
};

// The objects of a file of JSON lines, with `task` and `n`.
std::vector<Line> read_lines(const std::string& path) {
  std::istringstream text(io::read_text(path));
  std::vector<Line> lines;
  std::string row;
  for (int64_t number = 1; std::getline(text, row); ++number) {
    if (row.find_first_not_of(" \t\r") == std::string::npos) continue;
    Line line;
    line.json = Json::parse(row, nullptr, false);
    if (!line.json.is_object() || !line.json.contains("task") || !line.json.contains("n") ||
        !line.json["task"].is_number_integer() || !line.json["n"].is_number_integer()) {
      throw DataError(fmt::format("{}:{}: expected a JSON object with task and n", path, number));
    }
    line.task = line.json["task"].get<int64_t>();
    line.n = line.json["n"].get<int64_t>();
    line.json["line"] = number;
    lines.push_back(std::move(line));
  }
  if (lines.empty()) throw DataError(fmt::format("{}: found no lines", path));
  return lines;
}

std::array<int64_t, 2> pair_of(const Json& value, const std::string& where) {
  if (!value.is_array() || value.size() != 2 || !value[0].is_number_integer() ||
      !value[1].is_number_integer()) {
    throw DataError(fmt::format("{}: expected two digits", where));
  }
  return {value[0].get<int64_t>(), value[1].get<int64_t>()};
}

// -log p of the digit `target` from the log probabilities of one answer token, over the nine
// digits; one that is missing has the least of the whole list.
double digit_loss(const Json& table, int64_t target, const std::string& where) {
  if (!table.is_object() || table.empty())
    throw DataError(fmt::format("{}: expected two tables of log probabilities", where));
  double least = INFINITY;
  for (const auto& [token, value] : table.items()) {
    if (!value.is_number() || !std::isfinite(value.get<double>()) || value.get<double>() > 1e-6)
      throw DataError(fmt::format("{}: log probability of '{}': found {}, expected at most 0",
                                  where, token, value.dump()));
    least = std::min(least, value.get<double>());
  }
  std::array<double, kDigits> logs;
  for (int64_t d = 0; d < kDigits; ++d) {
    const auto found = table.find(std::to_string(d));
    logs[size_t(d)] = found == table.end() ? least : found->get<double>();
  }
  const double most = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (double v : logs) sum += std::exp(v - most);
  return most + std::log(sum) - logs[size_t(target)];
}

struct Score {
  double loss = 0, right = 0;
  int64_t count = 0;
};

// Means over tasks by context, smoothed along the context.
log::Series curve_of(const std::map<int64_t, Score>& scores) {
  log::Series series{"n_samples",
                     {{"n_samples", {}},
                      {"loss_nexttoken", {}},
                      {"loss_smoothed", {}},
                      {"accuracy", {}},
                      {"tasks", {}}}};
  for (const auto& [n, score] : scores) {
    double sum = 0, weight = 0;
    for (const auto& [m, other] : scores) {
      const double w = std::exp(-0.5 * double((m - n) * (m - n)) / (kSmoothing * kSmoothing));
      sum += w * other.loss / double(other.count);
      weight += w;
    }
    series.columns[0].second.push_back(double(n));
    series.columns[1].second.push_back(score.loss / double(score.count));
    series.columns[2].second.push_back(sum / weight);
    series.columns[3].second.push_back(score.right / double(score.count));
    series.columns[4].second.push_back(double(score.count));
  }
  return series;
}

}  // namespace

int llm_prompts(const LlmPromptsConfig& config, cli::Run& run) {
  const MastermindSizes sizes{kLength, kColours, kColours};
  std::string out;
  int64_t number = 0;  // of a task, over all seeds
  for (int64_t seed : run.options().seed) {
    for (int64_t t = 0; t < config.n_tasks; ++t, ++number) {
      const MastermindTask task =
          draw_mastermind(sizes, uint64_t(seed), "llm", uint64_t(t), config.n_samples);
      std::string context;
      for (int64_t c = 1; c < config.n_samples; ++c) {
        const auto guess = [&](int64_t i) { return digits_of(task.guesses.data() + i * kLength); };
        const auto label = [&](int64_t i, int64_t k) { return task.labels[size_t(2 * i + k)]; };
        context += fmt::format("Guess: {}\nResponse: {} {}\n\n", guess(c - 1), label(c - 1, 0),
                               label(c - 1, 1));
        nlohmann::ordered_json line;
        line["task"] = number;
        line["n"] = c;
        line["system"] = kSystem;
        line["context"] = context;
        line["query"] = fmt::format(
            "Guess: {}\nResponse: ? ?\n----------\nReplace the question marks: answer with just "
            "two "
            "digits from 0 to 8, separated by a space.",
            guess(c));
        line["target"] = {label(c, 0), label(c, 1)};
        out += line.dump() + "\n";
      }
    }
  }
  if (!run.options().dry_run) io::write_file_atomic(config.save_path, out);
  log::Result result;
  result.seeds = run.options().seed;
  const int64_t prompts =
      config.n_tasks * (config.n_samples - 1) * int64_t(run.options().seed.size());
  result.data = {{"name", std::string("mastermind")},
                 {"origin", std::string("synthetic")},
                 {"prompts", prompts},
                 {"file", config.save_path}};
  run.emit(result, "llm-prompts/1");
  return 0;
}

int llm_score(const LlmScoreConfig& config, cli::Run& run) {
  std::map<std::pair<int64_t, int64_t>, std::array<int64_t, 2>> targets;
  for (const Line& line : read_lines(config.prompts)) {
    const std::string where =
        fmt::format("{}:{}: target", config.prompts, line.json["line"].dump());
    const auto target = pair_of(line.json.value("target", Json()), where);
    if (std::min(target[0], target[1]) < 0 || std::max(target[0], target[1]) >= kDigits)
      throw DataError(where + ": expected digits 0 to 8");
    if (!targets.emplace(std::make_pair(line.task, line.n), target).second) {
      throw DataError(fmt::format("{}:{}: task {}, n {} stands twice", config.prompts,
                                  line.json["line"].dump(), line.task, line.n));
    }
  }
  std::map<int64_t, Score> scores;
  std::set<std::pair<int64_t, int64_t>> answered;
  for (const Line& line : read_lines(config.answers)) {
    const std::string where = fmt::format("{}:{}", config.answers, line.json["line"].dump());
    const auto target = targets.find({line.task, line.n});
    if (target == targets.end()) {
      throw DataError(
          fmt::format("{}: task {}, n {}: not among the prompts", where, line.task, line.n));
    }
    if (!answered.emplace(line.task, line.n).second) {
      throw DataError(fmt::format("{}: task {}, n {}: answered twice", where, line.task, line.n));
    }
    const auto answer = pair_of(line.json.value("answer", Json()), where + ": answer");
    if (std::min(answer[0], answer[1]) < 0 || std::max(answer[0], answer[1]) >= kDigits)
      throw DataError(where + ": answer: expected digits 0 to 8");
    const Json tables = line.json.value("logprobs", Json());
    if (!tables.is_array() || tables.size() != 2)
      throw DataError(where + ": logprobs: expected two tables of log probabilities");
    Score& score = scores[line.n];
    for (size_t k = 0; k < 2; ++k)
      score.loss += digit_loss(tables[k], target->second[k], where + ": logprobs") / 2;
    score.right += answer == target->second ? 1 : 0;
    ++score.count;
  }
  log::Result result;
  result.seeds = run.options().seed;
  result.data = {{"name", std::string("mastermind")}, {"origin", std::string("user")}};
  result.series.emplace_back("eval_curve", curve_of(scores));
  double right = 0, count = 0, length = 0;
  for (const auto& [n, score] : scores) {
    right += score.right;
    count += double(score.count);
    length += score.loss / double(score.count);
  }
  log::Metric accuracy, code, bits, unanswered;
  unanswered.value = double(targets.size() - answered.size());
  unanswered.unit = "prompts";
  unanswered.higher_is_better = false;
  if (answered.size() < targets.size()) {
    log::warning(
        fmt::format("{}: {} of {} prompts are not answered; the curve is that of the others",
                    config.answers, targets.size() - answered.size(), targets.size()));
  }
  accuracy.value = right / count;
  accuracy.n = int64_t(count);
  accuracy.higher_is_better = true;
  code.value = length;
  code.unit = "nats";
  code.higher_is_better = false;
  bits.value = length / std::log(2.0);
  bits.unit = "bits";
  bits.higher_is_better = false;
  result.metrics = {{"accuracy", accuracy},
                    {"code_length", code},
                    {"code_length_bits", bits},
                    {"unanswered", unanswered}};
  run.emit(result, "llm-score/1");
  return 0;
}

}  // namespace tenfold::prequential_icl
