// What a data set asks for: which velocity is decoded, over what it is divided, which samples weigh
// how much and are scored, and how trials, phases and the split come from a file (specification,
// section 2.1).
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tenfold::poyo_decode {

// Filled by describe(): by itself it weighs and scores nothing apart.
struct DatasetDescription {
  std::string like = "perich";  // the built-in that a file starts from
  std::string readout = "cursor.vel";
  double normalize_std = 20;  // in the file's unit of velocity
  // SET:WEIGHT, or TASK/SET:WEIGHT for sessions of one task. A sample's weight is the product over
  // the sets that contain it; without any it is 1.
  std::vector<std::string> loss_weights;
  // SET or TASK/SET: samples in one of these are scored, or all where a session has none of them.
  std::vector<std::string> scored;
  std::string task = "from-name";    // of NWB sessions; from-name: CO in the file's name or not
  std::string intervals = "perich";  // how phases come from the table of trials
  std::string split = "perich";      // how a file without domains is split
  double dilation = 1;               // seconds around held-out trials, with split "perich"
  double still_speed = 0;            // below it for still_seconds nothing moves; 0: not looked for
  double still_seconds = 10;
  bool convert = false;  // series times their attribute `conversion`, instead of as stored

  template <class Visitor>
  void visit(Visitor& v) {
    v.choice("like", like, names(), "what the keys that are left out come from");
    v.text("readout", readout, "GROUP.SERIES", "velocity to decode");
    v.number("normalize-std", normalize_std, {1e-6, 1e6}, "", "the target is velocity over this");
    v.list("loss-weights", loss_weights, {}, "[TASK/]SET:WEIGHT", "weights of interval sets");
    v.list("scored", scored, {}, "[TASK/]SET", "interval sets whose samples are scored");
    v.text("task", task, "TASK", "of NWB sessions");
    v.choice("intervals", intervals, {"perich", "churchland", "nlb", "none"},
             "how phases come from trials");
    v.choice("split", split, {"perich", "trials", "blocks", "nlb"}, "how NWB sessions are split");
    v.number("dilation", dilation, {0.0, 60.0}, "s", "around held-out trials, split perich");
    v.number("still-speed", still_speed, {0.0, 1e6}, "", "slower than this for long: left out");
    v.number("still-seconds", still_seconds, {0.0, 1e6}, "s", "how long");
    v.flag("convert", convert, "multiply series by their attribute `conversion`");
  }
  static std::vector<std::string> names();
};

// A built-in (perich, churchland, odoherty, flint, nlb-maze, nlb-rtt), or a TOML file with the keys
// of visit(). Throws UsageError naming file and key, MissingInput for a file that is not there.
DatasetDescription describe(const std::string& name_or_file);

// The weight of every interval set in the loss of sessions of `task`. `choice` is "paper" (the
// description's), "uniform" (none), or a TOML file of lines SET = WEIGHT. Throws UsageError,
// MissingInput.
std::map<std::string, double> loss_weights(const DatasetDescription& description,
                                           const std::string& choice, const std::string& task);

// The interval sets that are scored in sessions of `task`; empty: all samples are.
std::vector<std::string> scored_sets(const DatasetDescription& description,
                                     const std::string& task);

}  // namespace tenfold::poyo_decode
