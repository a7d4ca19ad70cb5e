#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "common/train/data_parallel_backend.h"

namespace tenfold::train {

c10::intrusive_ptr<c10d::Backend> device_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                                 int rank, int world,
                                                 std::chrono::milliseconds timeout) {
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, world, options);
}

}  // namespace tenfold::train
