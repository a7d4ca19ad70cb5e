#include <math.h>

#include "common/kernels/gated_rows.h"

#define TENFOLD_ISA avx2
#include "common/kernels/vector_math.h"

namespace tenfold::kernels {
namespace {

using namespace avx2;

// value * silu(gate) and its slopes.
struct Gate {
  Floats out, by_value, by_gate;

  Gate(const Floats& value, const Floats& gate) {
    const Floats s = sigmoid(gate);
    by_value = gate * s;
    by_gate = value * (s + by_value * (1.0f - s));
    out = value * by_value;
  }
};

Floats gated(const Floats& value, const Floats& gate) { return value * (gate * sigmoid(gate)); }

}  // namespace

void gate_rows(int64_t rows, int64_t width, const Gated& in, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *value = in.value + r * in.value_step, *gate = in.gate + r * in.gate_step;
    float* to = out + r * width;
    for_columns<float>(width, [&](int64_t j, auto at) {
      at.set(to + j, gated(at.get(value + j), at.get(gate + j)));
    });
  }
}

void gate_rows_backward(int64_t rows, int64_t width, const Gated& in, const float* d_out,
                        const GatedGradient& d_in) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *value = in.value + r * in.value_step, *gate = in.gate + r * in.gate_step,
                *d = d_out + r * width;
    float *d_value = d_in.value + r * d_in.value_step, *d_gate = d_in.gate + r * d_in.gate_step;
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Gate g(at.get(value + j), at.get(gate + j));
      at.set(d_value + j, at.get(d + j) * g.by_value);
      at.set(d_gate + j, at.get(d + j) * g.by_gate);
    });
  }
}

void gated_rms_norm(int64_t rows, int64_t width, const Gated& in, const float* weight, float eps,
                    float* out, float* inverse) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *value = in.value + r * in.value_step, *gate = in.gate + r * in.gate_step;
    float* to = out + r * width;
    Floats squares = {};
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats g = gated(at.get(value + j), at.get(gate + j));
      at.set(to + j, g);
      squares += g * g;
    });
    const float scale = 1.0f / sqrtf(sum_of(squares) / float(width) + eps);
    inverse[r] = scale;
    for_columns<float>(width, [&](int64_t j, auto at) {
      at.set(to + j, at.get(to + j) * scale * at.get(weight + j));
    });
  }
}

void gated_rms_norm_backward(int64_t rows, int64_t width, const Gated& in, const float* weight,
                             const float* inverse, const float* d_out, const GatedGradient& d_in,
                             float* d_weight) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *value = in.value + r * in.value_step, *gate = in.gate + r * in.gate_step,
                *d = d_out + r * width;
    float *d_value = d_in.value + r * d_in.value_step, *d_gate = d_in.gate + r * d_in.gate_step;
    const float scale = inverse[r];
    Floats along = {};
    // The slopes wait in the places of the gradients.
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Gate g(at.get(value + j), at.get(gate + j));
      const Floats normalised = g.out * scale, dn = at.get(d + j) * at.get(weight + j);
      along += dn * normalised;
      at.set(d_weight + j, at.get(d_weight + j) + at.get(d + j) * normalised);
      at.set(d_value + j, g.by_value);
      at.set(d_gate + j, g.by_gate);
    });
    const float slope = sum_of(along) / float(width) * scale;
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats by_value = at.get(d_value + j), g = at.get(value + j) * by_value;
      const Floats dg = (at.get(d + j) * at.get(weight + j) - g * slope) * scale;
      at.set(d_value + j, dg * by_value);
      at.set(d_gate + j, dg * at.get(d_gate + j));
    });
  }
}

void norm_of_sum(int64_t rows, int64_t width, const float* x, const float* branch,
                 const NormWeights& norm, float* sum, float* out, float* moments) {
  for (int64_t r = 0; r < rows; ++r, x += width, out += width, moments += 2) {
    const float* row = x;
    Floats total = {};
    if (branch != nullptr) {
      for_columns<float>(width, [&](int64_t j, auto at) {
        const Floats s = at.get(x + j) + at.get(branch + j);
        at.set(sum + j, s);
        total += s;
      });
      row = sum;
      sum += width;
      branch += width;
    } else {
      for_columns<float>(width, [&](int64_t j, auto at) { total += at.get(x + j); });
    }
    const float mean = sum_of(total) / float(width);
    Floats squares = {};
    for_columns<float>(width, [&](int64_t j, auto at) {
      at.set(out + j, at.get(row + j) - mean);
      const Floats d = at.get(out + j);  // zero beyond the row's end
      squares += d * d;
    });
    const float inverse = 1.0f / sqrtf(sum_of(squares) / float(width) + norm.eps);
    moments[0] = mean;
    moments[1] = inverse;
    for_columns<float>(width, [&](int64_t j, auto at) {
      at.set(out + j, at.get(out + j) * inverse * at.get(norm.weight + j) + at.get(norm.bias + j));
    });
  }
}

void norm_of_sum_backward(int64_t rows, int64_t width, const float* sum, const float* moments,
                          const float* weight, const float* d_out, const float* d_sum, float* d_x,
                          float* d_weight, float* d_bias) {
  for (int64_t r = 0; r < rows; ++r, sum += width, d_out += width, d_x += width) {
    const float mean = moments[2 * r], inverse = moments[2 * r + 1];
    Floats plain = {}, along = {};
    for_columns<float>(width, [&](int64_t j, auto at) {
      // Lanes beyond the row's end have no gradient.
      const Floats d = at.get(d_out + j), n = (at.get(sum + j) - mean) * inverse;
      const Floats dn = d * at.get(weight + j);
      plain += dn;
      along += dn * n;
      at.set(d_weight + j, at.get(d_weight + j) + d * n);
      at.set(d_bias + j, at.get(d_bias + j) + d);
    });
    const float shift = sum_of(plain) / float(width), slope = sum_of(along) / float(width);
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats n = (at.get(sum + j) - mean) * inverse;
      Floats d = (at.get(d_out + j) * at.get(weight + j) - shift - n * slope) * inverse;
      if (d_sum != nullptr) d += at.get(d_sum + j);
      at.set(d_x + j, d);
    });
    if (d_sum != nullptr) d_sum += width;
  }
}

}  // namespace tenfold::kernels
