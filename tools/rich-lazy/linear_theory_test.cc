#include "tools/rich-lazy/linear_theory.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace tenfold::rich_lazy {

TEST_CASE("the formula at d = 20 is the table of the specification") {
  for (const auto& [rank, wanted] : {std::pair<int64_t, double>{1, 0.2189},
                                     {2, 0.3096},
                                     {5, 0.4896},
                                     {10, 0.6923},
                                     {20, 0.9791}}) {
    CAPTURE(rank);
    CHECK(theory_row({}, rank, 0).ka_theory == Approx(wanted).margin(5e-5));
    Matrix a = Matrix::Zero(20, 20);
    a.diagonal().tail(rank).setConstant(0.3);
    CHECK(expected_alignment(a) == Approx(wanted).margin(5e-5));
  }
}

TEST_CASE("gradient descent agrees with the formula within three standard errors and 0.002") {
  for (const int64_t rank : {1, 2, 5, 10, 20}) {
    CAPTURE(rank);
    const TheoryRow r = theory_row({}, rank, 1);
    CHECK(std::abs(r.ka_mean - r.ka_theory) <= 3 * r.ka_se + 0.002);
    CHECK(r.ka_se < 0.006);
    CHECK(r.unfinished == 0);
  }
}

TEST_CASE("one direction along the task makes the network lazier than a random one") {
  TheoryOptions o;
  o.start = "aligned";
  const TheoryRow along = theory_row(o, 1, 0);
  CHECK(along.ka_theory == Approx(2 / std::sqrt(23.0)));
  CHECK(along.ka_mean == Approx(0.417).margin(0.003));
  CHECK(along.ka_theory / theory_row({}, 1, 0).ka_theory == Approx(40.0 / 21));
}

TEST_CASE("inputs of unequal variance: formula and simulation are the table of the specification") {
  TheoryOptions o;
  o.kappa = 3;
  o.hidden = 24;
  o.init_scale = 0.003;
  o.tasks = 4;
  for (const auto& [start, rank, wanted] :
       {std::tuple<std::string, int64_t, double>{"full", 20, 0.987},
        {"random", 1, 0.280},
        {"aligned", 1, 0.423},
        {"aligned-cov", 1, 0.449},
        {"partial", 1, 0.442}}) {
    CAPTURE(start);
    o.start = start;
    const TheoryRow r = theory_row(o, rank, 0);
    // Both are means of 200 draws, of a standard deviation of 0.005 at full rank, else to 0.05.
    CHECK(r.ka_theory == Approx(wanted).margin(start == "full" ? 0.0016 : 0.015));
    CHECK(std::abs(r.ka_mean - r.ka_theory) <= 3 * r.ka_se + 0.004);
  }
}

}  // namespace tenfold::rich_lazy
