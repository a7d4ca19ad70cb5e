#include "common/core/stop.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "common/core/error.h"

namespace tenfold {
namespace {

std::atomic<int> g_reason{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

void on_signal(int signal) {
  if (signal == SIGINT) {
    if (g_reason.load() == static_cast<int>(StopReason::kCtrlC)) {
      _exit(static_cast<int>(ExitCode::kCtrlC));
    }
    g_reason.store(static_cast<int>(StopReason::kCtrlC));
  } else {
    request_stop(StopReason::kSignal);
  }
}

}  // namespace

void request_stop(StopReason reason) {
  int none = 0;
  g_reason.compare_exchange_strong(none, static_cast<int>(reason));
}

StopReason stop_requested() { return static_cast<StopReason>(g_reason.load()); }

void clear_stop_request() { g_reason.store(0); }

void install_signal_handlers(bool read) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) sigaction(signal, &action, nullptr);
  if (!read)
    for (int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
  for (int signal : {SIGXFSZ, SIGPIPE}) std::signal(signal, SIG_IGN);
}

}  // namespace tenfold
