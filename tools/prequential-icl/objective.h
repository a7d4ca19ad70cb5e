// Losses of a learner by context length (specification, section 4): context c predicts the next
// point, c + 1, or for the train-risk objective a point that it has seen.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "common/core/philox.h"
#include "tools/prequential-icl/batches.h"
#include "tools/prequential-icl/learner.h"

namespace tenfold::prequential_icl {

// Which contexts are looked at. c = 0 is left out for learners with a bottleneck and for tokens.
struct Contexts {
  int64_t first = 1, last = 1;  // c = first .. last, last = S - 1

  int64_t count() const { return last - first + 1; }
};
Contexts contexts_of(const ModelSpec& spec, DataKind kind, int64_t min_train_samples, int64_t size);

// Losses [batch, contexts]; those that a learner lacks are undefined.
struct ContextLosses {
  at::Tensor next, train, ood;
  at::Tensor next_prediction;  // [batch, contexts, y_dim]
  at::Tensor summaries;        // z_c [batch, contexts, z_dim]
};

struct Wanted {
  bool next = true, train = false, ood = false;
};

// One j ~ U{1..c} for every context, as 0-based points.
std::vector<int64_t> draw_seen_points(const Contexts& contexts, const Stream& stream);

// `seen` is needed for Wanted::train only.
ContextLosses context_losses(const Learner& learner, const DataShape& shape, const Batch& batch,
                             const Contexts& contexts, const Wanted& wanted,
                             const std::vector<int64_t>& seen);

// Loss of every prediction [..., y_dim]: the mean squared error over components, or the mean over
// the variables of the cross-entropies of `labels` [..., variables], in nats.
at::Tensor prediction_loss(const DataShape& shape, const at::Tensor& prediction,
                           const at::Tensor& target, const at::Tensor& labels);

// The dimension of a learner's queries.
int64_t query_dim(const ModelSpec& spec, const DataShape& shape);

}  // namespace tenfold::prequential_icl
