// Pearson's and Spearman's correlation of two series.
#pragma once

#include <optional>
#include <vector>

namespace tenfold::stats {

// To mean 0 and variance 1, in place; false where nothing varies beyond rounding.
bool standardise(std::vector<double>& v);

// Both of the same, positive length.
double mean_product(const std::vector<double>& a, const std::vector<double>& b);

// Pearson's; none where one does not vary beyond rounding.
std::optional<double> correlation(std::vector<double> a, std::vector<double> b);

// Spearman's, of equal values the mean rank.
std::optional<double> rank_correlation(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace tenfold::stats
