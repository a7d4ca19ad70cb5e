// A polite request to stop, set by a signal handler or a time limit and read by the training loop.
#pragma once

namespace tenfold {

enum class StopReason : int { kNone = 0, kTimeLimit, kSignal, kCtrlC };

// Async-signal-safe. The first request wins.
void request_stop(StopReason reason);
StopReason stop_requested();
void clear_stop_request();  // for tests

// SIGUSR1, SIGUSR2 and SIGTERM request a stop; SIGINT too, and a second SIGINT exits at once (130).
// Where nobody reads requests (`read` is false) SIGINT and SIGTERM end the process as they usually
// do. SIGXFSZ and SIGPIPE are ignored, so that writing reports the error instead of killing the
// process.
void install_signal_handlers(bool read = true);

}  // namespace tenfold
