#include "common/train/data_parallel.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <functional>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "common/core/error.h"
#include "common/train/data_parallel_backend.h"

namespace tenfold::train {
namespace {

using Milliseconds = std::chrono::milliseconds;

// Torch's errors carry a stack trace from the second line on.
std::string first_line(const char* what) {
  const std::string text = what;
  return text.substr(0, text.find('\n'));
}

}  // namespace

struct DataParallelGroup::Backends {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::Backend> host, device;
  Milliseconds timeout;

  c10d::Backend& of(const at::Tensor& t) const { return t.is_cpu() ? *host : *device; }
};

namespace {

// Waits for `work`; every failure names the call and what to do.
void wait_for(const Ranks& ranks, const char* call,
              const std::function<c10::intrusive_ptr<c10d::Work>()>& work) {
  try {
    work()->wait();
  } catch (const std::exception& e) {
    throw Unavailable(
        fmt::format("rank {} of {}: {}: another process is lost or late: {}; run all of them again "
                    "with --resume auto",
                    ranks.rank, ranks.world, call, first_line(e.what())));
  }
}

}  // namespace

DataParallelGroup::DataParallelGroup(const Ranks& ranks, at::Device device, double timeout_s)
    : ranks_(ranks), backends_(std::make_unique<Backends>()) {
  Backends& b = *backends_;
  b.timeout = Milliseconds(int64_t(timeout_s * 1000));
  const int rank = int(ranks.rank), world = int(ranks.world);
  try {
    c10d::TCPStoreOptions options;
    options.port = uint16_t(ranks.port);
    options.isServer = ranks.first();
    options.numWorkers = size_t(world);
    options.timeout = b.timeout;
    b.store = c10::make_intrusive<c10d::TCPStore>(ranks.host, options);
    b.host = c10::make_intrusive<c10d::ProcessGroupGloo>(
        c10::make_intrusive<c10d::PrefixStore>("host", b.store), rank, world,
        c10d::ProcessGroupGloo::Options::create_default(b.timeout));
  } catch (const std::exception& e) {
    throw Unavailable(fmt::format("rank {} of {}: cannot meet the others at {}:{}: {}", ranks.rank,
                                  ranks.world, ranks.host, ranks.port, first_line(e.what())));
  }
  if (!device.is_cpu()) {
    b.device = device_backend(c10::make_intrusive<c10d::PrefixStore>("device", b.store), rank,
                              world, b.timeout);
  }
}

DataParallelGroup::~DataParallelGroup() = default;

void DataParallelGroup::all_reduce_sum(const at::Tensor& flat) {
  std::vector<at::Tensor> tensors = {flat};
  c10d::AllreduceOptions options;
  options.reduceOp = c10d::ReduceOp::SUM;
  options.timeout = backends_->timeout;
  wait_for(ranks_, "all-reduce", [&] { return backends_->of(flat).allreduce(tensors, options); });
}

void DataParallelGroup::all_reduce_mean(const at::Tensor& flat) {
  all_reduce_sum(flat);
  flat.div_(double(ranks_.world));
}

void DataParallelGroup::broadcast(const at::Tensor& flat) {
  std::vector<at::Tensor> tensors = {flat};
  c10d::BroadcastOptions options;
  options.rootRank = 0;
  options.timeout = backends_->timeout;
  wait_for(ranks_, "broadcast", [&] { return backends_->of(flat).broadcast(tensors, options); });
}

void DataParallelGroup::barrier() {
  c10d::BarrierOptions options;
  options.timeout = backends_->timeout;
  wait_for(ranks_, "barrier", [&] { return backends_->host->barrier(options); });
}

bool DataParallelGroup::any_wants_to_stop(int64_t done, bool wanted) {
  const at::Tensor most = at::empty({3}, at::kLong);  // of wishes, of steps, of steps downwards
  int64_t* m = most.data_ptr<int64_t>();
  m[0] = wanted ? 1 : 0;
  m[1] = done;
  m[2] = -done;
  std::vector<at::Tensor> tensors = {most};
  c10d::AllreduceOptions options;
  options.reduceOp = c10d::ReduceOp::MAX;
  options.timeout = backends_->timeout;
  wait_for(ranks_, "all-reduce", [&] { return backends_->host->allreduce(tensors, options); });
  if (m[1] != -m[2]) {
    throw Mismatch(fmt::format(
        "rank {} of {}: after step {}, but the processes are between step {} and step {}: do all "
        "of them see the run's folder?",
        ranks_.rank, ranks_.world, done, -m[2], m[1]));
  }
  return m[0] > 0;
}

}  // namespace tenfold::train
