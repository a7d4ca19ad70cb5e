// A progress line: a bar on a terminal, one plain line every ten seconds elsewhere.
#pragma once

#include <cstdint>
#include <string>

namespace tenfold::log {

class Progress {
 public:
  // `unit` is what is counted, e.g. "steps". `start` is where a resumed run begins. Nothing is
  // shown when the level is quiet.
  Progress(std::string label, int64_t total, std::string unit, int64_t start = 0);
  ~Progress();  // clears the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Cheap: one look at the clock; redraws ten times a second at most.
  // Shows e.g. `train  42% ########------------ 4200/10000 steps  812/s  eta 0:07  acc 0.861`.
  void update(int64_t done);
  void set_note(std::string note);  // the text at the end
  void finish();                    // the last line: 100 % and the time it took

 private:
  void draw(double now, bool last);
  std::string label_, unit_, note_;
  int64_t total_, start_, done_;
  double started_, last_draw_ = 0;
  bool terminal_, color_, finished_ = false;
};

// `text` cut to `width` columns, never inside a UTF-8 character (a character counts as one column).
std::string cut_to_width(const std::string& text, int width);

}  // namespace tenfold::log
