// The game of Mastermind as a prediction task (arXiv 2410.14086, section 3.2, App. C): a point is a
// guess and its two labels against a secret code, the task.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace tenfold::prequential_icl {

struct MastermindSizes {
  int64_t code_length = 8, colours = 6;
  int64_t code_colours =
      5;  // the first ones, which a code may use; the official code leaves out one

  int64_t classes() const { return code_length + 1; }  // of either label
};

// Throws UsageError for sizes that cannot be, by the option's name.
void check(const MastermindSizes& sizes);

// labels[0]: positions where code and guess [code_length] agree. labels[1]: sum over colours of the
// smaller of the two counts, which includes those positions.
void mastermind_labels(const MastermindSizes& sizes, const int64_t* code, const int64_t* guess,
                       int64_t* labels);

struct MastermindTask {
  std::vector<int64_t> code;     // [code_length]
  std::vector<int64_t> guesses;  // [points, code_length]
  std::vector<int64_t> labels;   // [points, 2]
};

// Task `number` of the stream (seed, name): a pure function of them, and a longer task begins with
// the shorter. Every position of code and guesses is an independent uniform draw.
MastermindTask draw_mastermind(const MastermindSizes& sizes, uint64_t seed, std::string_view name,
                               uint64_t number, int64_t points);

// The exact Bayes predictor: uniform over the codes that agree with the context, found by
// enumeration.
class MastermindOracle {
 public:
  // Throws UsageError for more than 2^21 codes.
  explicit MastermindOracle(const MastermindSizes& sizes);

  // probabilities [points, 2, classes]: row c holds the two marginals of the labels of guess c
  // (from 0), given the labels of the c guesses before it. Safe to call from several threads.
  // Throws DataError where no code agrees with the labels.
  void predict(const int64_t* guesses, const int64_t* labels, int64_t points,
               double* probabilities) const;

  int64_t codes() const { return codes_; }

 private:
  MastermindSizes sizes_;
  int64_t codes_;
  std::vector<uint8_t> table_;  // [code_length + code_colours, codes]: positions, then counts
};

// Loss of every context: the mean over the labels [points, n_labels] of -ln p, with probabilities
// [points, n_labels, classes]; returns [points].
std::vector<double> label_losses(const double* probabilities, const int64_t* labels, int64_t points,
                                 int64_t n_labels, int64_t classes);

// The marginal baseline (section 3.5 and figure 5 of the paper): label frequencies of the context
// with one added to every class, (count + 1) / (c + classes), whatever the guess. Returns the
// losses as label_losses does. Throws DataError for a label out of range.
std::vector<double> marginal_losses(const int64_t* labels, int64_t points, int64_t n_labels,
                                    int64_t classes);

}  // namespace tenfold::prequential_icl
