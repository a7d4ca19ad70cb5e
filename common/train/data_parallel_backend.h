// Where data_parallel.cc gets the backend of a device from; internal to it.
#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace tenfold::train {

// NCCL; throws Unavailable in a CPU-only build.
c10::intrusive_ptr<c10d::Backend> device_backend(const c10::intrusive_ptr<c10d::Store>& store,
                                                 int rank, int world,
                                                 std::chrono::milliseconds timeout);

}  // namespace tenfold::train
