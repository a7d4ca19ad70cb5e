#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/io/safetensors.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

template <class T>
Tensor tensor_of(DType dtype, const std::vector<T>& values) {
  Tensor t;
  t.dtype = dtype;
  t.shape = {static_cast<int64_t>(values.size())};
  t.data.resize(values.size() * sizeof(T));
  std::memcpy(t.data.data(), values.data(), t.data.size());
  return t;
}

template <class T>
bool reads_as(const Tensor& t) {
  return outcome_of([&] { t.as<T>(); }).ok();
}

// The float half-way between `half` and the next one, moved by some floats.
float between(uint16_t half, int steps) {
  const float low = half_to_float(half), high = half_to_float(static_cast<uint16_t>(half + 1));
  float middle = low + (high - low) / 2;
  for (; steps > 0; --steps) middle = std::nextafter(middle, INFINITY);
  for (; steps < 0; ++steps) middle = std::nextafter(middle, -INFINITY);
  return middle;
}

}  // namespace

TEST_CASE("every dtype has the name and size of the format") {
  const std::pair<const char*, int64_t> expected[] = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"I16", 2}, {"U16", 2}, {"F16", 2}, {"BF16", 2},
      {"I32", 4},  {"U32", 4}, {"F32", 4}, {"F64", 8}, {"I64", 8}, {"U64", 8}};
  for (int i = 0; i <= static_cast<int>(DType::kU64); ++i) {
    REQUIRE(std::string(dtype_name(static_cast<DType>(i))) == expected[i].first);
    REQUIRE(dtype_size(static_cast<DType>(i)) == expected[i].second);
  }
}

TEST_CASE("elements are given as the type of their dtype only") {
  const Tensor floats = tensor_of<float>(DType::kF32, {1, 2});
  REQUIRE(floats.as<float>()[1] == 2);
  REQUIRE_FALSE(reads_as<double>(floats));
  REQUIRE_FALSE(reads_as<int32_t>(floats));
  REQUIRE(outcome_of([&] { floats.as<double>(); }).message ==
          "a tensor has dtype F32, expected F64");
  REQUIRE(tensor_of<double>(DType::kF64, {1, 2}).as<double>()[1] == 2);
  REQUIRE(tensor_of<int32_t>(DType::kI32, {1, -2}).as<int32_t>()[1] == -2);
  REQUIRE(tensor_of<int64_t>(DType::kI64, {1, -2}).as<int64_t>()[1] == -2);
  REQUIRE(tensor_of<uint8_t>(DType::kU8, {1, 255}).as<uint8_t>()[1] == 255);
  REQUIRE(reads_as<uint16_t>(tensor_of<uint16_t>(DType::kF16, {1})));
  REQUIRE(reads_as<uint16_t>(tensor_of<uint16_t>(DType::kU16, {1})));
  REQUIRE_FALSE(reads_as<uint16_t>(tensor_of<uint16_t>(DType::kBF16, {1})));
}

TEST_CASE("a bool is 0 or 1") {
  REQUIRE(tensor_of<uint8_t>(DType::kBool, {0, 1}).as<bool>()[1]);
  REQUIRE_FALSE(reads_as<bool>(tensor_of<uint8_t>(DType::kBool, {0, 2})));
  REQUIRE_FALSE(reads_as<uint8_t>(tensor_of<uint8_t>(DType::kBool, {0, 1})));
}

TEST_CASE("floats of every width become float32") {
  const std::vector<float> expected = {1.5f, -2.0f};
  REQUIRE(tensor_of<float>(DType::kF32, {1.5f, -2}).to_float32("t") == expected);
  REQUIRE(tensor_of<double>(DType::kF64, {1.5, -2}).to_float32("t") == expected);
  REQUIRE(tensor_of<uint16_t>(DType::kF16, {0x3e00, 0xc000}).to_float32("t") == expected);
  REQUIRE(tensor_of<uint16_t>(DType::kBF16, {0x3fc0, 0xc000}).to_float32("t") == expected);
  REQUIRE(outcome_of([] { tensor_of<uint8_t>(DType::kU8, {1}).to_float32("t"); }).message ==
          "tensor 't': found dtype U8, expected F16, BF16, F32 or F64");
}

TEST_CASE("integers of every width become int64") {
  using List = std::vector<int64_t>;
  REQUIRE(tensor_of<uint8_t>(DType::kU8, {255}).to_int64("t") == List{255});
  REQUIRE(tensor_of<uint8_t>(DType::kI8, {255}).to_int64("t") == List{-1});
  REQUIRE(tensor_of<int16_t>(DType::kI16, {-300}).to_int64("t") == List{-300});
  REQUIRE(tensor_of<uint16_t>(DType::kU16, {65535}).to_int64("t") == List{65535});
  REQUIRE(tensor_of<int32_t>(DType::kI32, {-70000}).to_int64("t") == List{-70000});
  REQUIRE(tensor_of<uint32_t>(DType::kU32, {4000000000}).to_int64("t") == List{4000000000});
  REQUIRE(tensor_of<int64_t>(DType::kI64, {INT64_MIN}).to_int64("t") == List{INT64_MIN});
  REQUIRE(tensor_of<uint64_t>(DType::kU64, {INT64_MAX}).to_int64("t") == List{INT64_MAX});
  const Tensor large = tensor_of<uint64_t>(DType::kU64, {uint64_t{1} << 63});
  REQUIRE(outcome_of([&] { large.to_int64("t"); }).says("expected at most 2^63-1"));
  REQUIRE(outcome_of([] { tensor_of<float>(DType::kF32, {1}).to_int64("t"); }).says("integers"));
}

TEST_CASE("every half survives the way through float") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = half_to_float(half);
    CAPTURE(bits);
    if (std::isnan(value)) {
      REQUIRE((bits & 0x7fff) > 0x7c00);
      REQUIRE((float_to_half(value) | 0x200) == (half | 0x200));  // a NaN comes back quiet
    } else {
      REQUIRE((bits & 0x7fff) <= 0x7c00);
      REQUIRE(float_to_half(value) == half);
    }
  }
}

TEST_CASE("a float between two halves goes to the nearer, a tie to the even one") {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const auto next = static_cast<uint16_t>(bits + 1);
    CAPTURE(bits);
    REQUIRE(float_to_half(between(half, 0)) == (half % 2 == 0 ? half : next));
    REQUIRE(float_to_half(between(half, -1)) == half);
    REQUIRE(float_to_half(between(half, 1)) == next);
    REQUIRE(float_to_half(-between(half, 1)) == (next | 0x8000));
  }
}

TEST_CASE("the ends of the range of half") {
  REQUIRE(float_to_half(65504.0f) == 0x7bff);
  REQUIRE(float_to_half(std::nextafter(65520.0f, 0.0f)) == 0x7bff);
  REQUIRE(float_to_half(65520.0f) == 0x7c00);
  REQUIRE(float_to_half(-std::numeric_limits<float>::max()) == 0xfc00);
  REQUIRE(float_to_half(INFINITY) == 0x7c00);
  REQUIRE(float_to_half(0x1p-25f) == 0);
  REQUIRE(float_to_half(0x1.000002p-25f) == 1);
  REQUIRE(float_to_half(-std::numeric_limits<float>::denorm_min()) == 0x8000);
}

#ifdef __F16C__
TEST_CASE("halves are those of the processor") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float ours = half_to_float(static_cast<uint16_t>(bits));
    if (std::isnan(ours)) continue;
    REQUIRE(ours == __builtin_ia32_vcvtph2ps(__v8hi{static_cast<short>(bits)})[0]);
  }
  // A step that is prime to 2^32 visits all exponents and roundings.
  uint32_t bits = 0;
  for (int i = 0; i < 2'000'000; ++i, bits += 2147483629u) {
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    const auto theirs = static_cast<uint16_t>(__builtin_ia32_vcvtps2ph(__v4sf{value}, 0)[0]);
    if (float_to_half(value) != theirs) FAIL("bits " << bits);
  }
}
#endif

TEST_CASE("a bfloat16 is the upper half of a float") {
  REQUIRE(bfloat16_to_float(0x3f80) == 1.0f);
  REQUIRE(bfloat16_to_float(0xff80) == -INFINITY);
  REQUIRE(std::isnan(bfloat16_to_float(0x7fc0)));
  REQUIRE(bfloat16_to_float(0x0001) == 0x1p-133f);
}

}  // namespace tenfold::io
