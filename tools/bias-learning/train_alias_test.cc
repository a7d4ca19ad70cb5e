#include "tools/bias-learning/train_alias.h"

#include <catch2/catch.hpp>

namespace tenfold::bias_learning {
namespace {

using Words = std::vector<std::string>;

TEST_CASE("train is train-rnn for a system and train-fnn for image tasks") {
  CHECK(dispatched({"b", "train", "--seed", "1", "--task", "vdp", "--gain", "2"}) ==
        Words{"b", "train-rnn", "--seed", "1", "--system", "vdp", "--gain", "2"});
  CHECK(dispatched({"b", "train", "--task=csv:a.csv"}) ==
        Words{"b", "train-rnn", "--system=csv:a.csv"});
  CHECK(dispatched({"b", "train", "--task", "mnist,mnist-relabel"}) ==
        Words{"b", "train-fnn", "--tasks", "mnist,mnist-relabel"});
}

TEST_CASE("other command lines stay as they are") {
  const Words all[] = {
      {"b"}, {"b", "train"}, {"b", "train", "--task"}, {"b", "eval", "--task", "vdp"}};
  for (const Words& words : all) CHECK(dispatched(words) == words);
}

}  // namespace
}  // namespace tenfold::bias_learning
