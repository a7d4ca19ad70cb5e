#include "common/cli/suggest.h"

#include <algorithm>
#include <numeric>

namespace tenfold::cli {
namespace {

size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  // Further away than half its letters, a word is another word.
  size_t distance = std::max<size_t>(2, word.size() / 2) + 1;
  std::string best;
  for (const std::string& candidate : candidates) {
    const size_t d = edit_distance(word, candidate);
    // A word of as many letters as edits has nothing in common.
    if (d >= distance || d >= candidate.size()) continue;
    distance = d;
    best = candidate;
  }
  return best;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates,
                       const std::string& prefix) {
  const std::string best = nearest(word, candidates);
  return best.empty() ? "" : "; did you mean " + prefix + best + "?";
}

}  // namespace tenfold::cli
