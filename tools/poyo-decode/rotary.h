// Rotary embedding of time (specification, section 3.2).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace tenfold::poyo_decode {

// Angular frequencies of the pairs of a head, rad/s: [dim_head / 2] float32, those of the first
// `rotated` pairs (the paper: half of them) log-spaced and the others zero.
// Made in float32 throughout, as the reference makes them: a last place of the first one is
// visible.
at::Tensor rotary_frequencies(int64_t dim_head, double shortest_period, double longest_period,
                              int64_t rotated);

// Cosine and sine of time * frequency: [times, dim_head / 2, 2] float32, on the frequencies'
// device. The product is taken in float64, or, for the reference's float32 query times, in float32.
enum class AngleType { kDouble, kFloat };
at::Tensor rotary_turns(const std::vector<double>& times, const at::Tensor& frequencies,
                        AngleType type = AngleType::kDouble);

// The same as a composition of ATen operators, on the frequencies' device: what rotary_turns calls
// there.
at::Tensor rotary_turns_by_operators(const std::vector<double>& times,
                                     const at::Tensor& frequencies, AngleType type);

}  // namespace tenfold::poyo_decode
