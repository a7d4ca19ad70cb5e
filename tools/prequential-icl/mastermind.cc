#include "tools/prequential-icl/mastermind.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::prequential_icl {
namespace {

constexpr int64_t kMostColours = 255;  // and positions: a byte holds them
constexpr int64_t kMostCodes = int64_t{1} << 21;
constexpr int64_t kChunk = 4096;  // codes whose labels are counted while they are in the cache

void check_range(const char* option, int64_t found, int64_t high) {
  if (found >= 1 && found <= high) return;
  throw UsageError(std::string(option) + ": found " + std::to_string(found) + ", expected 1 to " +
                   std::to_string(high));
}

void check_label(int64_t label, int64_t classes, int64_t point) {
  if (label >= 0 && label < classes) return;
  throw DataError("label of point " + std::to_string(point + 1) + ": found " +
                  std::to_string(label) + ", expected 0 to " + std::to_string(classes - 1));
}

// The codes that are still possible, one row of bytes a position and a colour's count.
struct Codes {
  const uint8_t* rows;
  int64_t n, row_step;
};

struct Guess {
  std::vector<uint8_t> colours, counts;  // by position; by colour of the codes
};

Guess read_guess(const MastermindSizes& s, const int64_t* from, int64_t point) {
  Guess guess;
  guess.counts.assign(s.code_colours, 0);
  for (int64_t p = 0; p < s.code_length; ++p) {
    if (from[p] < 0 || from[p] >= s.colours) {
      throw DataError("guess of point " + std::to_string(point + 1) + ": found colour " +
                      std::to_string(from[p]) + ", expected 0 to " + std::to_string(s.colours - 1));
    }
    guess.colours.push_back(static_cast<uint8_t>(from[p]));
    if (from[p] < s.code_colours) ++guess.counts[from[p]];
  }
  return guess;
}

// Labels of codes first..first+n-1 against a guess. Codes are the inner loops, for vectors.
void chunk_labels(const Codes& codes, const Guess& guess, int64_t first, int64_t n,
                  uint8_t* __restrict exact, uint8_t* __restrict common) {
  std::fill_n(exact, n, uint8_t{0});
  std::fill_n(common, n, uint8_t{0});
  const uint8_t* row = codes.rows + first;
  for (const uint8_t colour : guess.colours) {
    for (int64_t i = 0; i < n; ++i) exact[i] += row[i] == colour ? 1 : 0;
    row += codes.row_step;
  }
  for (const uint8_t count : guess.counts) {
    for (int64_t i = 0; i < n; ++i) common[i] += std::min(row[i], count);
    row += codes.row_step;
  }
}

}  // namespace

void check(const MastermindSizes& s) {
  check_range("--code-length", s.code_length, kMostColours);
  check_range("--colours", s.colours, kMostColours);
  check_range("--code-colours", s.code_colours, s.colours);
}

void mastermind_labels(const MastermindSizes& s, const int64_t* code, const int64_t* guess,
                       int64_t* labels) {
  labels[0] = labels[1] = 0;
  for (int64_t p = 0; p < s.code_length; ++p) labels[0] += code[p] == guess[p];
  for (int64_t c = 0; c < s.colours; ++c) {
    labels[1] += std::min(std::count(code, code + s.code_length, c),
                          std::count(guess, guess + s.code_length, c));
  }
}

MastermindTask draw_mastermind(const MastermindSizes& s, uint64_t seed, std::string_view name,
                               uint64_t number, int64_t points) {
  check(s);
  const Stream stream(seed, name, number);
  uint64_t at = 0;
  const auto draw = [&](int64_t colours) {
    return static_cast<int64_t>(stream.below(at++, static_cast<uint64_t>(colours)));
  };
  MastermindTask task;
  for (int64_t p = 0; p < s.code_length; ++p) task.code.push_back(draw(s.code_colours));
  for (int64_t i = 0; i < points * s.code_length; ++i) task.guesses.push_back(draw(s.colours));
  task.labels.resize(points * 2);
  for (int64_t i = 0; i < points; ++i) {
    mastermind_labels(s, task.code.data(), &task.guesses[i * s.code_length], &task.labels[2 * i]);
  }
  return task;
}

MastermindOracle::MastermindOracle(const MastermindSizes& sizes) : sizes_(sizes), codes_(1) {
  check(sizes);
  for (int64_t p = 0; p < sizes.code_length && codes_ <= kMostCodes; ++p) {
    codes_ *= sizes.code_colours;
  }
  if (codes_ > kMostCodes) {
    throw UsageError("--method bayes: found --code-length " + std::to_string(sizes.code_length) +
                     " and --code-colours " + std::to_string(sizes.code_colours) +
                     ", expected at most 2^21 codes (code-colours to the power of code-length)");
  }
  table_.assign((sizes.code_length + sizes.code_colours) * codes_, 0);
  for (int64_t i = 0; i < codes_; ++i) {
    int64_t rest = i;
    for (int64_t p = 0; p < sizes.code_length; ++p, rest /= sizes.code_colours) {
      const int64_t colour = rest % sizes.code_colours;
      table_[p * codes_ + i] = static_cast<uint8_t>(colour);
      ++table_[(sizes.code_length + colour) * codes_ + i];
    }
  }
}

void MastermindOracle::predict(const int64_t* guesses, const int64_t* labels, int64_t points,
                               double* probabilities) const {
  const int64_t classes = sizes_.classes();
  const int64_t rows = sizes_.code_length + sizes_.code_colours;
  Codes codes = {table_.data(), codes_, codes_};
  std::vector<uint8_t> left;  // the table of the codes that agree with the context
  std::vector<int64_t> agree;
  std::vector<uint8_t> exact(kChunk), common(kChunk);
  for (int64_t c = 0; c < points; ++c) {
    const int64_t* label = labels + 2 * c;
    for (int k = 0; k < 2; ++k) check_label(label[k], classes, c);
    const Guess guess = read_guess(sizes_, guesses + c * sizes_.code_length, c);
    std::vector<int64_t> counts(2 * classes, 0);
    agree.clear();
    for (int64_t first = 0; first < codes.n; first += kChunk) {
      const int64_t n = std::min(kChunk, codes.n - first);
      chunk_labels(codes, guess, first, n, exact.data(), common.data());
      for (int64_t i = 0; i < n; ++i) {
        ++counts[exact[i]];
        ++counts[classes + common[i]];
        if (exact[i] == label[0] && common[i] == label[1]) agree.push_back(first + i);
      }
    }
    for (int64_t k = 0; k < 2 * classes; ++k) {
      probabilities[c * 2 * classes + k] =
          static_cast<double>(counts[k]) / static_cast<double>(codes.n);
    }
    if (agree.empty()) {
      throw DataError("label of point " + std::to_string(c + 1) + ": found (" +
                      std::to_string(label[0]) + ", " + std::to_string(label[1]) +
                      "), which no code of --code-colours " + std::to_string(sizes_.code_colours) +
                      " gives together with the points before it");
    }
    const int64_t n = static_cast<int64_t>(agree.size());
    if (n == codes.n) continue;
    // In place after the first time: a byte never moves to a later place.
    if (left.empty()) left.resize(rows * n);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < n; ++i) left[r * n + i] = codes.rows[r * codes.row_step + agree[i]];
    }
    codes = {left.data(), n, n};
  }
}

std::vector<double> label_losses(const double* probabilities, const int64_t* labels, int64_t points,
                                 int64_t n_labels, int64_t classes) {
  std::vector<double> losses(points, 0.0);
  for (int64_t i = 0; i < points * n_labels; ++i) {
    check_label(labels[i], classes, i / n_labels);
    losses[i / n_labels] -=
        std::log(probabilities[i * classes + labels[i]]) / static_cast<double>(n_labels);
  }
  return losses;
}

std::vector<double> marginal_losses(const int64_t* labels, int64_t points, int64_t n_labels,
                                    int64_t classes) {
  std::vector<double> losses(points, 0.0);
  std::vector<int64_t> counts(n_labels * classes, 1);
  for (int64_t i = 0; i < points * n_labels; ++i) {
    check_label(labels[i], classes, i / n_labels);
    int64_t& count = counts[i % n_labels * classes + labels[i]];
    losses[i / n_labels] -=
        std::log(static_cast<double>(count) / static_cast<double>(i / n_labels + classes)) /
        static_cast<double>(n_labels);
    ++count;
  }
  return losses;
}

}  // namespace tenfold::prequential_icl
