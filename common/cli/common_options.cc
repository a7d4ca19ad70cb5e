#include "common/cli/tool.h"

namespace tenfold::cli {

void CommonOptions::visit(FieldVisitor& v, Kind kind) {
  v.group("Run");
  v.text("config", config, "FILE", "TOML file with options", Resume::kMayChange);
  v.text("preset", preset, "NAME", "ready-made settings, listed above", Resume::kMayChange);
  v.list("seed", seed, {0, kNoLimit}, "random seeds: one, or a list such as 1000,2000 or 0..63");
  // Its kind, cpu or cuda, must stay on resume, its index may change: see Run.
  v.text("device", device, "cpu|cuda[:N]", "where to compute", Resume::kMayChange);
  v.number("threads", threads, {0, 4096}, "threads",
           "0: every processor that this process may use");
  if (kind != Kind::kFile) {
    v.text("out", out, "DIR",
           kind == Kind::kTraining ? "run folder: result.json, metrics.jsonl, checkpoints"
                                   : "run folder: result.json",
           Resume::kMayChange);
  }
  if (kind == Kind::kTraining) {
    v.text("resume", resume, "auto|never|PATH",
           "go on from the newest checkpoint of --out, or from the one in PATH",
           Resume::kMayChange);
    v.text("max-time", max_time, "3h55m", "stop with a checkpoint after this time (exit 75)",
           Resume::kMayChange);
    v.number("checkpoint-every", checkpoint_every, {0, kNoLimit}, "steps",
             "0: only at the end and when stopped", Resume::kMayChange);
    v.number("eval-every", eval_every, {0, kNoLimit}, "steps",
             "0: at the end, and as often before as the subcommand sees fit");
  }
  v.group("Output");
  v.text("json", json, "-|FILE", "where the result goes: stdout or a file", Resume::kMayChange);
  v.flag("quiet", quiet, "no logs, no progress; stdout still carries the result",
         Resume::kMayChange);
  v.flag("verbose", verbose, "more logs", Resume::kMayChange);
  v.flag("dry-run", dry_run, "resolve and check everything, compute little, write no --out",
         Resume::kMayChange);
  v.flag("print-config", print_config, "print all options as TOML, as --config reads it, and exit",
         Resume::kMayChange);
}

}  // namespace tenfold::cli
