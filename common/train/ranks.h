// Which of the processes of a run this one is, as torchrun or SLURM started them.
#pragma once

#include <cstdint>
#include <string>

namespace tenfold::train {

struct Ranks {
  int64_t rank = 0, world = 1;
  std::string host = "127.0.0.1";  // where rank 0 listens
  int64_t port = 29500;

  bool first() const { return rank == 0; }
};

// From RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT (torchrun), else from SLURM_PROCID and
// SLURM_STEP_NUM_TASKS or SLURM_NTASKS, with the first host of SLURM_JOB_NODELIST and a port made
// of SLURM_JOB_ID where MASTER_ADDR and MASTER_PORT are absent; else one process. Throws UsageError
// naming the variable that is absent or does not fit.
Ranks ranks_of_environment();

// "gpu[03-05,9],login" -> "gpu03".
std::string first_host(const std::string& node_list);

// The part of 0 .. count - 1 that belongs to a rank: contiguous, sizes differ by at most one.
struct Share {
  int64_t begin, end;
};
Share share_of(int64_t count, const Ranks& ranks);

}  // namespace tenfold::train
