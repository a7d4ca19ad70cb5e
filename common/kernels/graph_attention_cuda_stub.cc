#include "common/core/error.h"
#include "common/kernels/graph_attention_cuda.h"

namespace tenfold::kernels {
namespace {

[[noreturn]] void refuse() {
  throw Unavailable("graph_attention on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace

void graph_attention_cuda(const GraphAttentionShape&, const GraphAttentionInput&, float*, float*,
                          void*) {
  refuse();
}

void graph_attention_backward_cuda(const GraphAttentionShape&, const GraphAttentionInput&,
                                   const Neighbours&, const float*, const float*, float*, float*,
                                   float*, float*, void*) {
  refuse();
}

}  // namespace tenfold::kernels
