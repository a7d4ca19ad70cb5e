// Processes that train one model on shares of every batch, through c10d: Gloo for tensors of the
// CPU, NCCL for those of a device. All of them make the same calls in the same order.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "common/train/ranks.h"

namespace tenfold::train {

class DataParallelGroup {
 public:
  // Meets the others: rank 0 listens at ranks.host. A call that waits for longer than `timeout_s`
  // fails. Throws Unavailable where not all arrive, or, for a device, in a CPU-only build.
  DataParallelGroup(const Ranks& ranks, at::Device device, double timeout_s);
  ~DataParallelGroup();
  DataParallelGroup(const DataParallelGroup&) = delete;
  DataParallelGroup& operator=(const DataParallelGroup&) = delete;

  const Ranks& ranks() const { return ranks_; }

  // On one contiguous tensor, in place; every process ends with the same bytes. Throw Unavailable
  // when another process is lost or does not come.
  void all_reduce_sum(const at::Tensor& flat);
  void all_reduce_mean(const at::Tensor& flat);
  void broadcast(const at::Tensor& flat);  // what rank 0 has
  void barrier();

  // Whether any process wants to stop. Throws Mismatch where they have not all `done` as many
  // steps, say because one of them did not find the checkpoint that the others went on from.
  bool any_wants_to_stop(int64_t done, bool wanted);

 private:
  struct Backends;

  Ranks ranks_;
  std::unique_ptr<Backends> backends_;
};

}  // namespace tenfold::train
