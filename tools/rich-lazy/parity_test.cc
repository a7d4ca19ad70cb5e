// Against recorded networks of another implementation (specification, section 12): every *.json of
// its format in the fixtures of rich-lazy.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/io/file.h"
#include "common/testing/fixtures.h"
#include "common/testing/skip.h"
#include "tools/rich-lazy/connectome.h"
#include "tools/rich-lazy/initial_weights.h"
#include "tools/rich-lazy/measures.h"
#include "tools/rich-lazy/spectrum.h"

namespace tenfold::rich_lazy {
namespace {

using Json = nlohmann::json;

void flatten(const Json& nested, std::vector<double>& out) {
  if (!nested.is_array()) return out.push_back(nested.get<double>());
  for (const Json& inner : nested) flatten(inner, out);
}

std::vector<double> numbers(const Json& file, const std::string& key) {
  std::vector<double> out;
  flatten(file.at(key), out);
  return out;
}

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double v : values) most = std::max(most, std::abs(v));
  return most;
}

// Every entry within `tolerance` of the largest.
void check_close(const std::vector<float>& found, const std::vector<double>& wanted,
                 double tolerance) {
  REQUIRE(found.size() == wanted.size());
  double worst = 0;
  for (size_t i = 0; i < wanted.size(); ++i)
    worst = std::max(worst, std::abs(double(found[i]) - wanted[i]));
  CHECK(worst <= tolerance * largest(wanted));
}

void check_file(const Json& f) {
  const auto size = [&](const char* key) { return f.at(key).get<int64_t>(); };
  const int64_t h = size("H"), i = size("I"), o = size("O"), t = size("T"), b = size("B");
  const NetworkShape shape{t, i, h, o, f.at("alpha").get<float>(), false};

  const std::vector<double> gauss = numbers(f, "W_gauss"), recurrent = numbers(f, "W_rec");
  Draw draw(Eigen::Map<const Eigen::Matrix<double, -1, -1, Eigen::RowMajor>>(gauss.data(), h, h));
  const double norm = draw.matrix().norm();
  const Matrix made = normalised(truncated(draw, size("rank"), {}, "W_gauss"),
                                 Normalisation::kFrobenius, norm, 1, "W_gauss");
  double worst = 0;
  for (int64_t k = 0; k < h * h; ++k)
    worst = std::max(worst, std::abs(made(k / h, k % h) - recurrent[size_t(k)]));
  CHECK(worst <= 1e-6);

  Weights weights(shape);
  std::vector<double> flat = recurrent;
  for (const char* key : {"W_in", "W_out"}) {
    const std::vector<double> more = numbers(f, key);
    flat.insert(flat.end(), more.begin(), more.end());
  }
  REQUIRE(flat.size() == weights.flat().size());
  std::copy(flat.begin(), flat.end(), weights.flat().begin());
  const Weights initial = weights;

  const std::vector<double> x64 = numbers(f, "x"), labels64 = numbers(f, "labels");
  const std::vector<float> x(x64.begin(), x64.end());
  const std::vector<int64_t> labels(labels64.begin(), labels64.end());
  const TrialsView trials{x.data(), labels.data(), b};
  Network network(shape);
  network.forward(weights, trials);
  check_close(network.logits(), numbers(f, "output0"), 1e-5);
  check_close(network.states(), numbers(f, "hidden0"), 1e-5);
  CHECK(network.loss(trials) == Approx(f.at("loss0").get<double>()).epsilon(1e-5));

  const TangentKernel kernel = tangent_kernel(weights, trials);
  const double fro = f.at("K0_fro").get<double>();
  double trace = 0, squares = 0;
  for (int64_t k = 0; k < kernel.size; ++k) trace += kernel.values[size_t(k * kernel.size + k)];
  for (const float v : kernel.values) squares += double(v) * double(v);
  CHECK(trace == Approx(f.at("K0_trace").get<double>()).epsilon(1e-5));
  CHECK(std::sqrt(squares) == Approx(fro).epsilon(1e-5));
  const std::vector<double> row = numbers(f, "K0_last_row");
  REQUIRE(int64_t(row.size()) == kernel.size);
  for (int64_t k = 0; k < kernel.size; ++k) {
    const double found = kernel.values[size_t((kernel.size - 1) * kernel.size + k)];
    REQUIRE(std::abs(found - row[size_t(k)]) <= 1e-5 * fro);
  }

  Optimizer optimizer(
      {Rule::kMomentum, f.at("lr").get<double>(), f.at("momentum").get<double>(), false}, shape);
  const std::vector<double> losses = numbers(f, "losses");
  REQUIRE(int64_t(losses.size()) == size("steps"));
  for (size_t step = 0; step < losses.size(); ++step) {
    CHECK(network.gradient(weights, trials, false) == Approx(losses[step]).margin(1e-5));
    optimizer.update(weights, network.gradient(), int64_t(step));
  }
  const Measures m = measure(initial, weights, {trials, b});
  CHECK(m.weight_change_norm == Approx(f.at("dW_norm").get<double>()).margin(1e-4));
  CHECK(*m.rep_alignment == Approx(f.at("rep_alignment").get<double>()).margin(1e-4));
  CHECK(*m.kernel_alignment == Approx(f.at("kernel_alignment").get<double>()).margin(1e-4));
  CHECK(std::abs(m.sign_similarity - f.at("sign_similarity").get<double>()) <=
        1.0 / double(b * h) + 1e-12);
}

}  // namespace

TEST_CASE("networks, kernels and training are those of another implementation") {
  const std::string folder =
      testing::fixtures_folder("rich-lazy", ".json", "tools/rich-lazy/network.h");
  int found = 0;
  for (const std::string& name :
       folder.empty() ? std::vector<std::string>() : io::list_folder(folder)) {
    if (name.size() < 5 || name.substr(name.size() - 5) != ".json") continue;
    const Json file = Json::parse(io::read_text(folder + "/" + name));
    if (!file.contains("W_gauss")) continue;
    INFO(name);
    check_file(file);
    ++found;
  }
  if (found == 0) TENFOLD_SKIP("no rich-lazy/*.json in the fixtures (TENFOLD_FIXTURES)");
}

TEST_CASE("the worm in the fixtures is the one that is compiled in") {
  const std::string folder =
      testing::fixtures_folder("rich-lazy", ".csv", "tools/rich-lazy/network.h");
  const std::string edges = folder + "/celegans_edges.csv", nodes = folder + "/celegans_nodes.csv";
  if (folder.empty() || !io::exists(edges) || !io::exists(nodes))
    TENFOLD_SKIP("no rich-lazy/celegans_*.csv in the fixtures (TENFOLD_FIXTURES)");
  // Neurons are written with or without zeros: DA1, DA01.
  const auto plain = [](std::string name) {
    for (size_t i = 1; i < name.size();) {
      const bool padding = name[i] == '0' &&
                           !std::isdigit(static_cast<unsigned char>(name[i - 1])) &&
                           i + 1 < name.size();
      if (padding)
        name.erase(i, 1);
      else
        ++i;
    }
    return name;
  };
  for (const std::string kind : {"chemical", "electrical", "both"}) {
    for (const bool signs : {true, false}) {
      CAPTURE(kind, signs);
      const Connectome own = read_connectome({"celegans", "", kind, signs}),
                       given = read_connectome({edges, nodes, kind, signs});
      CHECK(given.format == "edge list");
      REQUIRE(given.names.size() == own.names.size());
      for (size_t i = 0; i < own.names.size(); ++i)
        REQUIRE(plain(given.names[i]) == plain(own.names[i]));
      CHECK(given.weights == own.weights);
    }
  }
  // The table of the specification, section 2.4.
  const Spectrum s = spectrum_of(read_connectome({edges, nodes, "chemical", true}).weights),
                 u = spectrum_of(read_connectome({edges, nodes, "chemical", false}).weights);
  CHECK(s.effective_rank == Approx(0.1015).margin(5e-5));
  CHECK(u.effective_rank == Approx(0.1008).margin(5e-5));
  CHECK(s.effective_rank_sv == Approx(0.0982).margin(5e-5));
  CHECK(s.participation == Approx(0.0831).margin(5e-5));
}

}  // namespace tenfold::rich_lazy
