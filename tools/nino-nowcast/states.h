// Snapshots of a network from files (specification, section 7).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/safetensors.h"
#include "tools/nino-nowcast/arch.h"
#include "tools/nino-nowcast/nowcaster.h"

namespace tenfold::nino_nowcast {

// The tensor `states` [P, ctx] of `file` as float32. Throws DataError for another shape, NaN or
// inf.
at::Tensor read_states(const io::SafeTensors& file, const std::string& name,
                       const Architecture& arch, int64_t ctx);

// Node encodings: the tensor named `pos` of `file`, else tensors pos (or pos.0, pos.1, ...) of the
// file at path `pos`. Empty text gives none. With `subgraph` one tensor a piece. Throws DataError,
// MissingInput.
std::vector<at::Tensor> read_pos(const std::string& pos, const io::SafeTensors& file,
                                 const std::string& name, bool subgraph);

// Snapshots last - (ctx - 1) * stride, ..., last of a folder of checkpoints.
struct Snapshots {
  Architecture arch;
  at::Tensor states;     // [P, ctx]
  io::SafeTensors last;  // all tensors of the last snapshot (buffers too), names without the member
};
// `arch_path` may be empty: then the manifest of the last checkpoint tells the architecture.
// `member` names one run of several ("none/1000"). Throws MissingInput naming the snapshot that is
// not there, Mismatch for snapshots of different shapes.
Snapshots read_snapshots(const std::string& folder, const std::string& arch_path,
                         const std::string& member, int64_t last, int64_t stride, int64_t ctx,
                         bool generic);

}  // namespace tenfold::nino_nowcast
