#include "common/core/error.h"
#include "common/train/data_parallel_backend.h"

namespace tenfold::train {

c10::intrusive_ptr<c10d::Backend> device_backend(const c10::intrusive_ptr<c10d::Store>&, int, int,
                                                 std::chrono::milliseconds) {
  throw Unavailable("data-parallel training on CUDA: built without it: build with --config=cuda");
}

}  // namespace tenfold::train
