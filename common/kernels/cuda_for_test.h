// Device memory for the *_cuda_test.cu files.
#pragma once

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace tenfold::kernels {

inline bool has_cuda_device() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

inline void require_cuda(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

// A copy of a vector on the device; pass `data()` to a launcher, take the result with `host()`.
template <class T>
class OnDevice {
 public:
  explicit OnDevice(const std::vector<T>& values) : size_(values.size()) {
    if (size_ == 0) return;
    require_cuda(cudaMalloc(&data_, size_ * sizeof(T)));
    require_cuda(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  ~OnDevice() { cudaFree(data_); }

  T* data() const { return data_; }

  // Waits for the device, so a fault in a kernel surfaces here.
  std::vector<T> host() const {
    std::vector<T> values(size_);
    require_cuda(cudaDeviceSynchronize());
    if (size_ > 0) {
      require_cuda(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost));
    }
    return values;
  }

 private:
  size_t size_;
  T* data_ = nullptr;
};

}  // namespace tenfold::kernels

// The first line of every case that needs a device.
#define TENFOLD_NEED_CUDA() \
  if (!::tenfold::kernels::has_cuda_device()) TENFOLD_SKIP("no CUDA device")
