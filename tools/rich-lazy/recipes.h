// Square matrices before rank and norm are chosen (specification, section 2.4); post is the row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/philox.h"
#include "tools/rich-lazy/matrix.h"

namespace tenfold::rich_lazy {

// N(0, gain^2 / units).
Matrix gaussian(const Stream& stream, int64_t units, double gain);

// |N(0, 1)|, the first 80 % of the columns positive, the others negative. `balanced`: those times
// 4, so that a row has mean 0.
Matrix dale(const Stream& stream, int64_t units, bool balanced);

// Entries of variance 1. `reciprocal`: correlation of W_ij and W_ji; `chain`: of W_ij and W_jk.
Matrix motif(const Stream& stream, int64_t units, double reciprocal, double chain);

struct BlockTypes {
  std::vector<std::string> names;
  std::vector<double> fraction, sign;
  Matrix probability, weight;  // [post, pre]
};
// CSV files (type,fraction,sign) and (type_pre,type_post,p,mean_weight); a pair that is not listed
// is not connected. Throws MissingInput, DataError.
BlockTypes read_block_types(const std::string& types, const std::string& pairs);
// Units are of the types in the file's order, by rounded fractions; the last takes the rest.
Matrix block(const Stream& stream, int64_t units, const BlockTypes& types);

// Rank 1, from hidden states [samples, units] at the decision under labels 1 and 2. Throws
// NumericError where the two means are the same.
Matrix aligned(const Vector& mean_1, const Vector& mean_2);

// All entries permuted, zeros and diagonal included.
Matrix shuffle_entries(const Stream& stream, const Matrix& m);
// Ten exchanges of targets a connection: every unit keeps how many it has, in and out, and what
// leaves it keeps its weight.
Matrix shuffle_targets(const Stream& stream, const Matrix& m);

}  // namespace tenfold::rich_lazy
