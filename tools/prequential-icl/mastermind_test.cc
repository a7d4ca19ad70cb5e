#include "tools/prequential-icl/mastermind.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <numeric>
#include <set>

#include "common/core/error.h"

namespace tenfold::prequential_icl {
namespace {

using Ints = std::vector<int64_t>;

MastermindSizes sizes_of(int64_t length, int64_t colours, int64_t code_colours) {
  MastermindSizes s;
  s.code_length = length;
  s.colours = colours;
  s.code_colours = code_colours;
  return s;
}

Ints labels_of(const MastermindSizes& s, const Ints& code, const Ints& guess) {
  Ints labels(2);
  mastermind_labels(s, code.data(), guess.data(), labels.data());
  return labels;
}

// All codes that a task's first c labels allow, by definition.
std::vector<Ints> agreeing(const MastermindSizes& s, const MastermindTask& task, int64_t c) {
  std::vector<Ints> codes;
  Ints code(s.code_length, 0);
  while (true) {
    bool agrees = true;
    for (int64_t i = 0; i < c && agrees; ++i) {
      const Ints guess(&task.guesses[i * s.code_length], &task.guesses[(i + 1) * s.code_length]);
      agrees = labels_of(s, code, guess) == Ints{task.labels[2 * i], task.labels[2 * i + 1]};
    }
    if (agrees) codes.push_back(code);
    int64_t p = 0;
    while (p < s.code_length && ++code[p] == s.code_colours) code[p++] = 0;
    if (p == s.code_length) return codes;
  }
}

}  // namespace

TEST_CASE("labels count right places, and colours in any place with the right ones among them") {
  const MastermindSizes s = sizes_of(4, 6, 6);
  CHECK(labels_of(s, {0, 1, 2, 3}, {0, 1, 2, 3}) == Ints{4, 4});
  CHECK(labels_of(s, {0, 1, 2, 3}, {3, 2, 1, 0}) == Ints{0, 4});
  CHECK(labels_of(s, {0, 0, 1, 1}, {0, 1, 0, 0}) == Ints{1, 3});
  CHECK(labels_of(s, {5, 5, 5, 5}, {5, 0, 0, 5}) == Ints{2, 2});
  CHECK(labels_of(s, {0, 1, 2, 3}, {4, 4, 5, 5}) == Ints{0, 0});
}

TEST_CASE("a task depends on seed, name and number, and a longer one begins with the shorter") {
  const MastermindSizes s;
  const MastermindTask task = draw_mastermind(s, 1, "train", 3, 200);
  CHECK(draw_mastermind(s, 1, "train", 3, 200).guesses == task.guesses);
  CHECK(draw_mastermind(s, 2, "train", 3, 200).guesses != task.guesses);
  CHECK(draw_mastermind(s, 1, "val", 3, 200).guesses != task.guesses);
  CHECK(draw_mastermind(s, 1, "train", 4, 200).guesses != task.guesses);
  const MastermindTask shorter = draw_mastermind(s, 1, "train", 3, 20);
  CHECK(shorter.code == task.code);
  CHECK(std::equal(shorter.guesses.begin(), shorter.guesses.end(), task.guesses.begin()));
  CHECK(std::equal(shorter.labels.begin(), shorter.labels.end(), task.labels.begin()));
  CHECK(std::set<int64_t>(task.guesses.begin(), task.guesses.end()) ==
        std::set<int64_t>{0, 1, 2, 3, 4, 5});
  std::set<int64_t> code_colours;
  for (uint64_t i = 0; i < 100; ++i) {
    const Ints code = draw_mastermind(s, 1, "train", i, 1).code;
    code_colours.insert(code.begin(), code.end());
  }
  CHECK(code_colours == std::set<int64_t>{0, 1, 2, 3, 4});
}

TEST_CASE("the oracle's marginals are counts over all codes that agree with the context") {
  for (const MastermindSizes& s : {sizes_of(3, 3, 2), sizes_of(4, 5, 4), sizes_of(1, 2, 2),
                                   sizes_of(5, 3, 3), sizes_of(6, 4, 1), sizes_of(7, 4, 4)}) {
    const MastermindOracle oracle(s);
    const int64_t points = 8, k = s.classes();
    for (uint64_t number = 0; number < 5; ++number) {
      const MastermindTask task = draw_mastermind(s, 3, "oracle", number, points);
      std::vector<double> p(points * 2 * k), expected(points * 2 * k, 0.0);
      oracle.predict(task.guesses.data(), task.labels.data(), points, p.data());
      for (int64_t c = 0; c < points; ++c) {
        const auto codes = agreeing(s, task, c);
        for (const Ints& code : codes) {
          const Ints labels = labels_of(
              s, code, {&task.guesses[c * s.code_length], &task.guesses[(c + 1) * s.code_length]});
          expected[c * 2 * k + labels[0]] += 1.0 / codes.size();
          expected[c * 2 * k + k + labels[1]] += 1.0 / codes.size();
        }
      }
      double most = 0;
      for (size_t i = 0; i < p.size(); ++i) most = std::max(most, std::abs(p[i] - expected[i]));
      CHECK(most < 1e-12);
    }
  }
}

TEST_CASE("mean losses of the oracle are the published anchors for 4 positions and 4 colours") {
  const MastermindSizes s = sizes_of(4, 4, 4);
  const MastermindOracle oracle(s);
  const int64_t points = 24, tasks = 4000;
  std::vector<double> mean(points, 0.0), p(points * 2 * s.classes());
  for (int64_t i = 0; i < tasks; ++i) {
    const MastermindTask task = draw_mastermind(s, 4, "anchors", static_cast<uint64_t>(i), points);
    oracle.predict(task.guesses.data(), task.labels.data(), points, p.data());
    const auto losses = label_losses(p.data(), task.labels.data(), points, 2, s.classes());
    for (int64_t c = 0; c < points; ++c) mean[c] += losses[c] / tasks;
  }
  const struct {
    int64_t context;
    double loss, bound;
  } anchors[] = {{0, 1.195, .03}, {1, .988, .03}, {2, .623, .03},
                 {3, .235, .03},  {5, .022, .01}, {8, .0005, .001}};
  for (const auto& a : anchors) {
    std::printf("context %ld: %.4f (published %.4f)\n", a.context, mean[a.context], a.loss);
    CHECK(std::abs(mean[a.context] - a.loss) < a.bound);
  }
  const double sum = std::accumulate(mean.begin() + 1, mean.end(), 0.0);
  std::printf("sum over contexts 1-23: %.3f (published 1.95)\n", sum);
  CHECK(std::abs(sum - 1.95) < .05);
}

TEST_CASE("too many codes and labels of no code are refused") {
  CHECK(MastermindOracle(MastermindSizes()).codes() == 390625);
  CHECK_THROWS_WITH(MastermindOracle(sizes_of(8, 7, 7)),
                    Catch::Contains("--code-length 8 and --code-colours 7"));
  CHECK_THROWS_WITH(check(sizes_of(4, 256, 4)), Catch::Contains("--colours: found 256"));
  CHECK_THROWS_WITH(check(sizes_of(4, 4, 5)), Catch::Contains("--code-colours: found 5"));
  CHECK_THROWS_WITH(check(sizes_of(0, 4, 4)), Catch::Contains("--code-length: found 0"));

  const MastermindOracle oracle(sizes_of(2, 3, 2));
  std::vector<double> p(2 * 2 * 3);
  const int64_t guesses[] = {0, 0, 0, 1}, impossible[] = {2, 2, 2, 2}, large[] = {0, 0, 0, 3};
  const int64_t colour[] = {0, 3, 0, 0};
  CHECK_THROWS_WITH(oracle.predict(guesses, impossible, 2, p.data()),
                    Catch::Contains("point 2: found (2, 2)"));
  CHECK_THROWS_WITH(oracle.predict(guesses, large, 2, p.data()), Catch::Contains("found 3"));
  CHECK_THROWS_WITH(oracle.predict(colour, impossible, 2, p.data()),
                    Catch::Contains("found colour 3, expected 0 to 2"));
}

TEST_CASE("the marginal baseline is the smoothed label frequencies of the context") {
  const int64_t labels[] = {0, 2, 0, 1, 1, 2};  // three points, two labels of three classes
  const auto losses = marginal_losses(labels, 3, 2, 3);
  REQUIRE(losses.size() == 3);
  CHECK(losses[0] == Approx(std::log(3.0)));
  CHECK(losses[1] == Approx(-.5 * (std::log(2.0 / 4) + std::log(1.0 / 4))));
  CHECK(losses[2] == Approx(-.5 * (std::log(1.0 / 5) + std::log(2.0 / 5))));
  CHECK_THROWS_AS(marginal_losses(labels, 3, 2, 2), DataError);
}

}  // namespace tenfold::prequential_icl
