// Independent jobs on the threads of the run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace tenfold::poyo_decode {

// Calls job(0) .. job(count - 1), each once, in any order and at the same time; with one job its
// own tensor operations get the threads. Shows progress in `unit`. The first exception is thrown
// again.
void run_jobs(int64_t count, const std::string& unit, const std::function<void(int64_t)>& job);

}  // namespace tenfold::poyo_decode
