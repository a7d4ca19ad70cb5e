#include "common/core/stop.h"

#include <catch2/catch.hpp>
#include <csignal>

namespace tenfold {

TEST_CASE("signals ask for a stop and the first reason stays") {
  install_signal_handlers();
  clear_stop_request();
  REQUIRE(stop_requested() == StopReason::kNone);
  std::raise(SIGUSR2);
  REQUIRE(stop_requested() == StopReason::kSignal);
  request_stop(StopReason::kTimeLimit);
  REQUIRE(stop_requested() == StopReason::kSignal);
  std::raise(SIGINT);
  REQUIRE(stop_requested() == StopReason::kCtrlC);
  clear_stop_request();
}

}  // namespace tenfold
