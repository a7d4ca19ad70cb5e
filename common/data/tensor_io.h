// Between the plain buffers of common/io and tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include "common/io/safetensors.h"

namespace tenfold::data {

// A copy with the same dtype and shape. Throws DataError for a dtype that torch lacks.
at::Tensor to_torch(const io::Tensor& tensor);

// A copy as float32 (from F16, BF16, F32, F64); `name` stands in the message of DataError.
at::Tensor to_torch_float(const io::Tensor& tensor, const std::string& name);

// A copy of a CPU or CUDA tensor.
io::Tensor from_torch(const at::Tensor& tensor);

}  // namespace tenfold::data
