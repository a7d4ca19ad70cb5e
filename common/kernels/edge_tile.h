// The edge-sized parts of NiNo inference between its matrix products, on a tile of edges that stays
// in the cache (specification section 9). Plain float32 buffers; AVX-512 or AVX2 chosen at run
// time. A tile is a run of T edges of a list that is sorted by target.
#pragma once

#include <cstdint>

namespace tenfold::kernels {

//   hidden[e, :] = silu(hidden[e, :] + source_term[source[e], :] + target_term[target[e], :])
//   hidden [T, H], source_term and target_term [N, H], source and target [T]
void gather_add_silu(float* hidden, const float* source_term, const float* target_term,
                     const int32_t* source, const int32_t* target, int64_t tile, int64_t width);

//   sum[target[e], :] += (scale[e, :] + scale_bias[:]) * source_term[source[e], :]
//   scale [T, H], scale_bias [H], source_term and sum [N, H]
void gather_modulate_sum(const float* scale, const float* scale_bias, const float* source_term,
                         const int32_t* source, const int32_t* target, float* sum, int64_t tile,
                         int64_t width);

//   sum[target[e], :] += value[e, :];  value [T, H], sum [N, H]
void segment_sum(const float* value, const int32_t* target, float* sum, int64_t tile,
                 int64_t width);

//   value[i] = silu(value[i] + bias[i % width])  for [T, H] values
void bias_silu(float* value, const float* bias, int64_t tile, int64_t width);

// "avx512" or "avx2": what the calls above use here. TENFOLD_SIMD=avx2 forces the narrower one.
const char* edge_tile_backend();

}  // namespace tenfold::kernels
