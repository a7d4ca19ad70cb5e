// --help, --version and completion.
#include <stdlib.h>

#include <catch2/catch.hpp>
#include <sstream>

#include "common/cli/toy_for_test.h"
#include "common/io/file.h"

namespace tenfold::cli {
namespace {

// What the bash script offers when `words` stand on the line, the last one unfinished.
std::string completed(const Scratch& scratch, const std::string& words) {
  const std::string script = scratch.file("toy.bash", run_toy({"completion", "bash"}).out);
  const std::string probe = scratch.file(
      "probe.bash",
      ". '" + script + "'\nCOMP_WORDS=(" + words +
          ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_toy\necho \"${COMPREPLY[*]}\"\n");
  const std::string out = scratch / "out";
  if (::system(("bash '" + probe + "' > '" + out + "' 2>&1").c_str()) != 0) return "failed";
  return io::read_text(out);
}

}  // namespace

TEST_CASE("the tool's help lists subcommands and exit codes") {
  const Finished help = run_toy({"--help"});
  CHECK(help.code == 0);
  CHECK(help.out.rfind("Usage: toy SUBCOMMAND [options]\n\nShows every kind of option.\n", 0) == 0);
  for (const char* part : {"train       train a toy", "completion", "Exit codes:", " 75  stopped",
                           "Example:\n  toy train --preset small\n"}) {
    INFO(part);
    CHECK(help.prints(part));
  }
  CHECK(run_toy({"-h"}).out == help.out);
}

TEST_CASE("without a subcommand the help goes to stderr and the exit code is 64") {
  const Finished none = run_toy({});
  CHECK(none.code == 64);
  CHECK(none.out.empty());
  CHECK(none.says("Usage: toy SUBCOMMAND"));
}

TEST_CASE("a subcommand's help tells everything about every option") {
  const Finished help = run_toy({"train", "--perid", "5", "--help"});
  CHECK(help.code == 0);
  CHECK(help.err.empty());
  CHECK(help.out.rfind("Usage: toy train [options]\n\ntrain a toy\nPresets: small, paper\n", 0) ==
        0);
  for (const char* part :
       {"\nTask:\n",
        "\nNames:\n",
        "\nRun:\n",
        "\nOutput:\n",
        "  --period N\n      optimiser steps between two nowcasts [default: 1000; unit: steps; "
        "range: 1 or more;\n      env: TENFOLD_PERIOD]\n",
        "  --lr X\n      learning rate [default: 0.006; range: 0..10; env: TENFOLD_LR]",
        "  --[no-]fast\n",
        "  --no-bias\n",
        "  -v, --[no-]verbose\n",
        "[default: the schedule; unit: spacings; range: 1..100; env: TENFOLD_K]",
        "  --task small-net|large-net\n",
        "  --methods NAME,NAME,...\n",
        "[of: none, nino, linefit; default: none,nino; env:",
        "  --out DIR\n",
        "  --resume auto|never|PATH\n",
        "default: true",
        "TENFOLD_MAX_TRAIN_STEPS",
        "--help",
        "--version",
        "or a list such as",
        "Exit codes:",
        "Example:\n  toy train --preset small\n"}) {
    INFO(part);
    CHECK(help.prints(part));
  }
  std::istringstream lines(help.out);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
}

TEST_CASE("an analysis takes no checkpoint options, a file command no folder either") {
  const std::string score = run_toy({"score", "--help"}).out;
  const std::string convert = run_toy({"convert", "--help"}).out;
  for (const char* option : {"--resume", "--max-time", "--checkpoint-every", "--eval-every"}) {
    INFO(option);
    CHECK(score.find(std::string("  ") + option + " ") == std::string::npos);
    CHECK(convert.find(std::string("  ") + option + " ") == std::string::npos);
  }
  CHECK(score.find("--out DIR") != std::string::npos);
  CHECK(convert.find("--out FILE") != std::string::npos);
  CHECK(convert.find("--out DIR") == std::string::npos);
}

TEST_CASE("the version is that of the build, before and after a subcommand") {
  const Finished version = run_toy({"--version"});
  CHECK(version.code == 0);
  CHECK(version.out.rfind("toy 0.1.0+", 0) == 0);
  CHECK(run_toy({"train", "--version"}).out == version.out);
}

TEST_CASE("bash completes subcommands, options and choices") {
  const Scratch scratch;
  CHECK(completed(scratch, "toy tr") == "train\n");
  CHECK(completed(scratch, "toy completion ''") == "bash zsh\n");
  CHECK(completed(scratch, "toy train --max") == "--max-train-steps --max-time\n");
  CHECK(completed(scratch, "toy train --no-") ==
        "--no-fast --no-bias --no-careful --no-quiet --no-verbose --no-dry-run "
        "--no-print-config\n");
  CHECK(completed(scratch, "toy train --task ''") == "small-net large-net\n");
  CHECK(completed(scratch, "toy train --preset p") == "paper\n");
  // No words: bash goes on with file names.
  CHECK(completed(scratch, "toy train --config ''") == "\n");
}

TEST_CASE("the zsh script names every option and its choices") {
  const Finished script = run_toy({"completion", "zsh"});
  CHECK(script.code == 0);
  for (const char* part : {"#compdef toy", "'train:train a toy'", "'--period[", "'--no-fast[",
                           ":(small-net large-net)'", ":FILE:_files'", "compdef _toy toy"}) {
    INFO(part);
    CHECK(script.prints(part));
  }
}

TEST_CASE("completion for another shell is refused") {
  const Finished fish = run_toy({"completion", "fish"});
  CHECK(fish.code == 64);
  CHECK(fish.err == "toy: error: completion: found fish, expected bash or zsh\n");
  CHECK(run_toy({"completion"}).code == 64);
}

}  // namespace tenfold::cli
