#include "common/data/tensor_io.h"

#include <ATen/ops/empty.h>

#include <cstring>

#include "common/core/error.h"

namespace tenfold::data {
namespace {

struct Pair {
  io::DType ours;
  at::ScalarType theirs;
};

constexpr Pair kPairs[] = {
    {io::DType::kBool, at::kBool}, {io::DType::kU8, at::kByte},   {io::DType::kI8, at::kChar},
    {io::DType::kI16, at::kShort}, {io::DType::kF16, at::kHalf},  {io::DType::kBF16, at::kBFloat16},
    {io::DType::kI32, at::kInt},   {io::DType::kF32, at::kFloat}, {io::DType::kF64, at::kDouble},
    {io::DType::kI64, at::kLong},
};

}  // namespace

at::Tensor to_torch(const io::Tensor& tensor) {
  for (const Pair& pair : kPairs) {
    if (pair.ours != tensor.dtype) continue;
    at::Tensor out = at::empty(tensor.shape, at::TensorOptions().dtype(pair.theirs));
    if (!tensor.data.empty()) std::memcpy(out.data_ptr(), tensor.data.data(), tensor.data.size());
    return out;
  }
  throw DataError(std::string("tensor of dtype ") + io::dtype_name(tensor.dtype) +
                  ": expected a dtype that LibTorch has");
}

at::Tensor to_torch_float(const io::Tensor& tensor, const std::string& name) {
  const std::vector<float> values = tensor.to_float32(name);
  at::Tensor out = at::empty(tensor.shape, at::TensorOptions().dtype(at::kFloat));
  if (!values.empty()) std::memcpy(out.data_ptr(), values.data(), values.size() * sizeof(float));
  return out;
}

io::Tensor from_torch(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().cpu().contiguous();
  for (const Pair& pair : kPairs) {
    if (pair.theirs != plain.scalar_type()) continue;
    io::Tensor out;
    out.dtype = pair.ours;
    out.shape = plain.sizes().vec();
    out.data.resize(plain.nbytes());
    if (!out.data.empty()) std::memcpy(out.data.data(), plain.data_ptr(), out.data.size());
    return out;
  }
  throw DataError(std::string("cannot store a tensor of dtype ") +
                  c10::toString(plain.scalar_type()));
}

}  // namespace tenfold::data
