// What the scans' autograd functions share: rows of tensors, checks, the device's stream.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "common/core/error.h"
#include "common/kernels/strided_rows.h"

namespace tenfold::kernels {

// The tensor itself where its rows are contiguous (a slice of a wider one), else a copy.
inline at::Tensor with_contiguous_rows(const at::Tensor& t) {
  return t.numel() == 0 || t.size(-1) == 1 || t.stride(-1) == 1 ? t : t.contiguous();
}

// t [batch, time, width] from with_contiguous_rows.
template <class T>
StridedRows<T> rows_of(const at::Tensor& t) {
  return {t.data_ptr<T>(), t.stride(0), t.stride(1)};
}

struct NamedTensor {
  const char* name;
  const at::Tensor& tensor;
  std::vector<int64_t> shape;  // expected
};

// Throws DataError unless all have their shapes, float32 or float64, one type and one device.
inline void check_tensors(const std::string& op, const std::vector<NamedTensor>& tensors) {
  const at::Tensor& like = tensors.front().tensor;
  const auto type = like.scalar_type();
  for (const NamedTensor& t : tensors) {
    if (t.tensor.sizes() != at::IntArrayRef(t.shape)) {
      throw DataError(fmt::format("{}: {} has shape [{}], expected [{}]", op, t.name,
                                  fmt::join(t.tensor.sizes(), ", "), fmt::join(t.shape, ", ")));
    }
    if ((type != at::kFloat && type != at::kDouble) || t.tensor.scalar_type() != type ||
        t.tensor.device() != like.device()) {
      throw DataError(fmt::format(
          "{}: {}: expected float32 or float64 tensors of one type and device", op, t.name));
    }
  }
}

// Whether a result of these needs what its backward pass reads.
inline bool needs_gradient(std::initializer_list<at::Tensor> tensors) {
  if (!c10::GradMode::is_enabled()) return false;
  for (const at::Tensor& t : tensors) {
    if (t.requires_grad()) return true;
  }
  return false;
}

// Runs the caller's launches on the tensor's device; the stream is torch's current one there.
class OnCuda {
 public:
  explicit OnCuda(at::Device device)
      : guard_(device),
        stream_(c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle()) {}
  void* stream() const { return stream_; }

 private:
  c10::DeviceGuard guard_;
  void* stream_;
};

}  // namespace tenfold::kernels
