#include <catch2/catch.hpp>

#include "common/kernels/cuda_for_test.h"
#include "common/kernels/rotary_attention_cases.h"
#include "common/kernels/rotary_attention_cuda.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

// A side of a problem on the device.
struct DeviceSide {
  OnDevice<int64_t> begin, count;
  OnDevice<int32_t> row, turn;
  OnDevice<float> turns;

  DeviceSide(const std::vector<int64_t>& b, const std::vector<int64_t>& c,
             const std::vector<int32_t>& r, const std::vector<int32_t>& t,
             const std::vector<float>& angles)
      : begin(b), count(c), row(r), turn(t), turns(angles) {}
  TokenSide side() const {
    return {begin.data(), count.data(), row.data(), turn.data(), turns.data()};
  }
};

RotaryAnswer on_device(const RotaryProblem& p) {
  const DeviceSide queries(p.query_begin, p.sizes.queries, p.query_row, p.query_turn,
                           p.query_turns),
      keys(p.key_begin, p.sizes.keys, p.key_row, {}, p.key_turns);
  RotaryShape shape = p.shape;
  shape.queries = queries.side();
  shape.keys = keys.side();
  const OnDevice<float> q(p.q), k(p.k), v(p.v), d_out(p.d_out);
  RotaryAnswer a = empty_answer(p);
  const OnDevice<float> out(a.out), norms(a.norms), dots(std::vector<float>(a.norms.size() / 2)),
      dq(a.dq), dk(a.dk), dv(a.dv);
  const RotaryInput input{q.data(), k.data(), v.data()};
  rotary_attention_cuda(shape, most_of(p), input, dropout_of(p), out.data(), norms.data(), nullptr);
  rotary_attention_backward_cuda(shape, most_of(p), input, dropout_of(p), out.data(), d_out.data(),
                                 norms.data(), dots.data(), dq.data(), dk.data(), dv.data(),
                                 nullptr);
  return {out.host(), norms.host(), dq.host(), dk.host(), dv.host()};
}

}  // namespace

TEST_CASE("rotary attention on the device is that of the definition and repeats its bytes") {
  TENFOLD_NEED_CUDA();
  for (const RotarySizes& sizes : kRotarySizes) {
    INFO("heads " << sizes.heads << ", width " << sizes.width);
    const RotaryProblem p(sizes);
    const RotaryAnswer a = on_device(p), b = on_device(p);
    check(a, RotaryExact(p, [](auto...) { return 1.0; }));
    CHECK((a.out == b.out && a.dq == b.dq && a.dk == b.dk && a.dv == b.dv));
  }
}

TEST_CASE("the device drops the weights that the CPU drops, with the same gradients") {
  TENFOLD_NEED_CUDA();
  for (RotarySizes sizes : kRotarySizes) {
    sizes.dropout = kRotaryDropout;
    INFO("heads " << sizes.heads << ", width " << sizes.width);
    const RotaryProblem p(sizes);
    const RotaryAnswer found = on_device(p), expected = by_cpu(p);
    check_alike(found, expected);
  }
}

}  // namespace tenfold::kernels
