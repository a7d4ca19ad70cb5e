#include <fmt/format.h>

#include <cctype>

#include "common/cli/parse.h"
#include "common/cli/tool.h"
#include "common/core/error.h"

namespace tenfold::cli {

void CommonOptions::visit(FieldVisitor& v, Kind kind) {
  v.group("Run");
  v.text("config", config, "FILE", "TOML file with options; the command line wins over it", Resume::kMayChange);
  v.text("preset", preset, "NAME", "ready-made setting (see above)", Resume::kMayChange);
  v.list("seed", seed, {0, 9e15}, "random seeds; ranges such as 0..63 are allowed");
  v.text("device", device, "cpu|cuda[:N]", "where to compute", Resume::kMayChange);
  v.number("threads", threads, {0, 4096}, "threads", "0: every processor this process may use", Resume::kMayChange);
  if (kind != Kind::kFile) {
    v.text("out", out, "DIR", "run folder: result.json, metrics, checkpoints", Resume::kMayChange);
  }
  if (kind == Kind::kTraining) {
    v.text("resume", resume, "auto|never|PATH", "go on from the newest (or the named) checkpoint", Resume::kMayChange);
    v.text("max-time", max_time, "3h55m", "stop with a checkpoint after this time (exit 75)", Resume::kMayChange);
    v.number("checkpoint-every", checkpoint_every, {0, kNoLimit}, "steps", "0: only at the end and when stopped",
             Resume::kMayChange);
    v.number("eval-every", eval_every, {0, kNoLimit}, "steps", "0: only at the end");
  }
  v.text("json", json, "-|FILE", "where the result goes: stdout or a file", Resume::kMayChange);
  v.flag("quiet", quiet, "no logs, no progress", Resume::kMayChange);
  v.flag("verbose", verbose, "more logs (-v)", Resume::kMayChange);
  v.flag("dry-run", dry_run, "resolve everything, compute and write nothing", Resume::kMayChange);
  v.flag("print-config", print_config, "print the options as TOML and exit", Resume::kMayChange);
}

double parse_duration(const std::string& text) {
  if (text.empty()) return 0;
  double total = 0, number = 0;
  bool digits = false;
  const auto refuse = [&] {
    throw UsageError(fmt::format("--max-time: found '{}', expected e.g. 3h55m, 90s or seconds", text));
  };
  for (char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c))) {
      number = 10 * number + (c - '0');
      digits = true;
      continue;
    }
    const double unit = c == 'h' ? 3600 : (c == 'm' ? 60 : (c == 's' ? 1 : 0));
    if (unit == 0 || !digits) refuse();
    total += number * unit;
    number = 0;
    digits = false;
  }
  total += number;
  if (total <= 0) refuse();
  return total;
}

}  // namespace tenfold::cli
