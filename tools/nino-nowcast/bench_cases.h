// What `bench` times: the networks and the references of the specification's section 9.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tools/nino-nowcast/arch.h"
#include "tools/nino-nowcast/graph.h"
#include "tools/nino-nowcast/meta_model.h"
#include "tools/nino-nowcast/target_net.h"

namespace tenfold::nino_nowcast {

constexpr const char* kReferenceSource =
    "specification section 9: official Python implementation, one thread, CPU seconds, on another "
    "machine";

struct NowcastCase {
  std::string name;
  Architecture arch;
  double reference_nino_s, reference_wnn_plus_s;
};

constexpr const char* kGpt2Case = "GPT-2";  // L3 d64 h4, V=2000, T=256

// FM-16, C10-32 and the GPT-2.
std::vector<NowcastCase> nowcast_cases();

constexpr double kReferenceGraphSeconds = 0.17;  // graph and LPE of kGpt2Case

// Five snapshots [P, 5] float32 of a run that nobody made: small normal weights that drift; from
// the stream (seed, "bench-states").
at::Tensor drifting_states(const Architecture& arch, int64_t ctx, uint64_t seed);

// `path` where given; else the default configuration of `kind` with initial weights, those of the
// linear layers times kInitialGain so that activations neither vanish nor grow and a comparison of
// predictions means something. Throws DataError for a checkpoint of another kind.
constexpr double kInitialGain = 5;
MetaModel bench_meta_model(MetaKind kind, const std::string& path, uint64_t seed);

// The FM-16 network and the batches of its first steps.
NetSpec fm16_spec();
struct TrainingBatches {
  std::string data;  // "fashion-mnist (real)" or "noise"
  at::Tensor x, y;   // [steps, batch, 1, 28, 28] float32, [steps, batch] int64
};
TrainingBatches training_batches(int64_t steps, int64_t batch, uint64_t seed);

// Floating-point operations of forward and backward pass of a ConvNet without batch norm on one
// batch; multiplications and additions of convolutions and linear layers only.
double training_flops(const NetSpec& spec, int64_t batch);

}  // namespace tenfold::nino_nowcast
