// "Did you mean ...?"
#pragma once

#include <string>
#include <vector>

namespace tenfold::cli {

// The candidate with the smallest edit distance (Levenshtein), the first of equals; "" when none is
// near.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

// "; did you mean PREFIXnearest?" or "".
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates,
                       const std::string& prefix = "");

}  // namespace tenfold::cli
