// What turns c snapshots of a network into its weights some time later (specification, sections 3.7
// and 6).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/nino-nowcast/arch.h"
#include "tools/nino-nowcast/meta_model.h"

namespace tenfold::nino_nowcast {

class Nowcaster {
 public:
  virtual ~Nowcaster() = default;

  // states [P, c] float32: raw snapshots, column 0 oldest. k: horizon in units of the snapshots'
  // spacing. draw: which random edges, where --edge-sample-ratio asks for some (the step of the
  // nowcast, so that every nowcast sees others). Returns [P] in raw space. Const and thread-safe:
  // one object serves many runs at once.
  virtual at::Tensor predict(const at::Tensor& states, int64_t k, uint64_t draw) const = 0;
  at::Tensor predict(const at::Tensor& states, int64_t k) const { return predict(states, k, 0); }

  virtual std::string name() const = 0;
  virtual int64_t max_horizon() const = 0;
  virtual double flops() const { return 0; }
};

struct NowcastOptions {
  bool graph_corrected = false;  // --graph-compat corrected
  std::string graph = "auto";    // auto | naive | generic
  bool subgraph = false;
  int64_t chunk_size = 1'000'000;
  double edge_sample_ratio = 1.0;
  std::optional<double> upd_scale;          // replaces the checkpoint's
  std::optional<std::string> scale_method;  // replaces the checkpoint's
  uint64_t seed = 0;                        // signs of the LPE, edge sampling
  std::vector<at::Tensor> pos;              // given encodings, one a graph; empty: computed
};

// LAST snapshot + k * least-squares slope of each scalar (section 6).
std::unique_ptr<Nowcaster> make_linefit(int64_t max_horizon);

// The mean of the snapshots; k is unused.
std::unique_ptr<Nowcaster> make_lawa(int64_t max_horizon);

// The last snapshot: the "no nowcast" of evaluations.
std::unique_ptr<Nowcaster> make_noop(int64_t max_horizon);

// NiNo, WNN+ or WNN, whichever the checkpoint holds. Builds the graph and its LPE where one is
// needed. Throws DataError where checkpoint, architecture and pos do not fit.
std::unique_ptr<Nowcaster> make_nowcaster(const MetaModel& model, const Architecture& arch,
                                          const NowcastOptions& options);

// The edge type of every entry of the flat parameter vector; -1 for scalars outside the graph.
std::vector<int32_t> parameter_types(const Architecture& arch, const NowcastOptions& options);

// Throws NumericError naming `what` and the first parameter with a value that is not finite.
void require_finite(const at::Tensor& flat, const Architecture& arch, const std::string& what);

// Throws DataError naming `what`, the parameter and the snapshot for a value in states [P, c] that
// is not finite.
void require_finite_states(const at::Tensor& states, const Architecture& arch,
                           const std::string& what);

}  // namespace tenfold::nino_nowcast
