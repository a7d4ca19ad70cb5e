#include "tools/poyo-decode/jobs.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "common/log/progress.h"

namespace tenfold::poyo_decode {

void run_jobs(int64_t count, const std::string& unit, const std::function<void(int64_t)>& job) {
  log::Progress progress("baseline", count, unit);
  int64_t done = 0;
  std::mutex mutex;
  std::atomic<int64_t> next{0};
  // Jobs differ in length, so a thread takes the next one when it is free.
  const auto work = [&](int64_t, int64_t) {
    for (int64_t i = next++; i < count; i = next++) {
      job(i);
      const std::lock_guard<std::mutex> lock(mutex);
      progress.update(++done);
    }
  };
  if (count == 1 || at::get_num_threads() == 1) {
    work(0, 1);
  } else {
    at::parallel_for(0, std::min<int64_t>(count, at::get_num_threads()), 1, work);
  }
  progress.finish();
}

}  // namespace tenfold::poyo_decode
