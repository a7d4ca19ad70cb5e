#include "tools/rich-lazy/connectome.h"

#include <catch2/catch.hpp>

#include "common/core/philox.h"
#include "common/io/scratch_for_test.h"
#include "tools/rich-lazy/recipes.h"
#include "tools/rich-lazy/spectrum.h"

namespace tenfold::rich_lazy {
namespace {

ConnectomeOptions worm(const std::string& edges = "chemical", bool signs = true) {
  return {"celegans", "", edges, signs};
}

struct Files {
  io::Scratch folder;
  std::string write(const std::string& name, const std::string& text) const {
    io::write_file_atomic(folder / name, text);
    return folder / name;
  }
  void refused(const std::string& name, const std::string& text, const std::string& words,
               const std::string& nodes = "") const {
    ConnectomeOptions options{write(name, text), "", "chemical", true};
    if (!nodes.empty()) options.nodes = write("nodes.csv", nodes);
    const io::Outcome o = io::outcome_of([&] { read_connectome(options); });
    CAPTURE(o.message);
    CHECK(o.code == ExitCode::kBadData);
    CHECK(o.says(words));
  }
};

const std::string kNodes = "index,neuron,type,sign\n0,a,x,1\n1,b,x,-1\n2,c,x,1\n";

}  // namespace

TEST_CASE("C. elegans has the counts of the specification") {
  const Matrix w = read_connectome(worm("chemical", false)).weights;
  CHECK(w.rows() == 297);
  CHECK((w.array() != 0).count() == 3638);
  CHECK(w.sum() == 20589);
  CHECK((w.diagonal().array() != 0).count() == 34);
  const Matrix electrical = read_connectome(worm("electrical")).weights;
  CHECK((electrical.array() != 0).count() == 2139);
  CHECK(electrical.sum() == 8523);
  CHECK(read_connectome(worm("both", false)).weights == w + electrical);
  const Connectome found = read_connectome(worm());
  CHECK((found.weights.cwiseAbs().array() == w.array()).all());
  // Of the 26 GABAergic neurons three send to no neuron.
  CHECK((found.weights.colwise().minCoeff().array() < 0).count() == 23);
  CHECK(found.names.size() == 297);
}

TEST_CASE("C. elegans has the effective ranks of the specification") {
  const Spectrum plain = spectrum_of(read_connectome(worm("chemical", false)).weights);
  CHECK(plain.effective_rank == Approx(0.1008).margin(5e-5));
  CHECK(plain.effective_rank_sv == Approx(0.0982).margin(5e-5));
  CHECK(plain.participation == Approx(0.0831).margin(5e-5));
  const Matrix w = read_connectome(worm()).weights;
  const Spectrum with_signs = spectrum_of(w);
  CHECK(with_signs.effective_rank == Approx(0.1015).margin(5e-5));
  CHECK(with_signs.effective_rank_sv == Approx(0.0982).margin(5e-5));
  CHECK(with_signs.participation == Approx(0.0831).margin(5e-5));
  const Matrix positive = w.cwiseAbs();
  const Spectrum shuffled = spectrum_of(shuffle_entries(Stream(0, "shuffle"), positive));
  CHECK(shuffled.effective_rank == Approx(0.260).margin(0.01));
  CHECK(shuffled.effective_rank_sv == Approx(0.261).margin(0.015));
  CHECK(shuffled.participation == Approx(0.328).margin(0.015));
}

TEST_CASE("edge lists, dense tables and GraphML of one graph are one matrix") {
  const Files files;
  Matrix wanted = Matrix::Zero(3, 3);
  wanted(1, 0) = 2.5;
  wanted(2, 1) = 4;  // 1 + 3: an edge that stands twice
  const auto read = [&](const std::string& path) {
    return read_connectome({path, "", "chemical", true});
  };
  const std::string list = "pre,post,weight\n0,1,2.5\n1,2,1\n1,2,3\n";
  CHECK(read(files.write("list.csv", list)).weights == wanted);
  const Connectome dense = read(files.write("dense.csv", "0,0,0\n2.5,0,0\n0,4,0\n"));
  CHECK(dense.weights == wanted);
  CHECK(dense.format == "dense CSV");
  const Connectome graph = read(files.write(
      "g.graphml",
      "<graphml><key id=\"w\" for=\"edge\" attr.name=\"weight\"/><graph edgedefault=\"directed\">"
      "<node id=\"a\"/><node id=\"b\"/><node id=\"c\"/>"
      "<edge source=\"a\" target=\"b\"><data key=\"w\">2.5</data></edge>"
      "<edge source=\"b\" target=\"c\"/><edge source=\"b\" target=\"c\"><data "
      "key=\"w\">3</data></edge>"
      "</graph></graphml>"));
  CHECK(graph.weights == wanted);
  CHECK(graph.names == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("units of a nodes file decide size and signs of a list, by kind") {
  const Files files;
  const std::string list = files.write(
      "list.csv", "pre,post,kind,synapses\n0,1,chemical,2\n1,0,chemical,3\n1,0,electrical,5\n");
  const std::string nodes = files.write("nodes.csv", kNodes);
  const auto entry = [&](const std::string& edges, bool signs) {
    const Matrix w = read_connectome({list, nodes, edges, signs}).weights;
    CHECK(w.rows() == 3);
    return w(0, 1);
  };
  CHECK(entry("chemical", true) == -3);
  CHECK(entry("chemical", false) == 3);
  CHECK(entry("both", true) == 2);
  CHECK(entry("electrical", true) == 5);
}

TEST_CASE("signs of weights that were negative before are told of, and of no others") {
  const Files files;
  const std::string nodes = files.write("nodes.csv", "index,sign\n0,1\n1,-1\n");
  const std::string excitatory = files.write("plus.csv", "index,sign\n0,1\n1,1\n");
  const std::string positive = files.write("p.csv", "0,2\n3,0\n");
  const std::string negative = files.write("n.csv", "0,-2\n3,0\n");
  const std::string list = files.write("l.csv", "pre,post,weight\n1,0,-2\n0,1,3\n");
  const auto read = [](const std::string& path, const std::string& by, bool signs) {
    return read_connectome({path, by, "chemical", signs});
  };
  CHECK(read(positive, nodes, true).weights(0, 1) == -2);
  CHECK(read(positive, nodes, true).notes.empty());
  CHECK(read(negative, nodes, false).notes.empty());
  CHECK(read(negative, excitatory, true).notes.empty());
  for (const std::string& path : {negative, list}) {
    const Connectome found = read(path, nodes, true);
    CHECK(found.weights(0, 1) == 2);
    REQUIRE(found.notes.size() == 1);
    CHECK(found.notes[0].find(path + ": found negative weights") == 0);
  }
}

TEST_CASE("kinds of connections are asked for of a list with a column kind alone") {
  const Files files;
  const auto message = [](const std::string& path) {
    return io::outcome_of([&] { read_connectome({path, "", "both", true}); });
  };
  CHECK(message(files.write("m.csv", "0,2\n3,0\n")).says("--edges both: found a matrix"));
  CHECK(message(files.write("l.csv", "pre,post,weight\n0,1,1\n"))
            .says("--edges both: found a list without a column kind"));
  CHECK(message(files.write("k.csv", "pre,post,kind,weight\n0,1,chemical,1\n")).says(""));
}

TEST_CASE("files that are no connectome are refused with their line") {
  const Files files;
  files.refused("a.csv", "pre,post,weight\n0,297,1\n", "found edge index 297, expected 0..2",
                kNodes);
  files.refused("b.csv", "pre,post,weight\n0,-1,1\n", "found edge index -1, expected 0..");
  files.refused("c.csv", "pre,post,weight\n0,1.5,1\n", "found edge index 1.5, expected 0..");
  files.refused("d.csv", "pre,post,weight\n0,1,x\n", "d.csv:2");
  files.refused("e.csv", "pre,post,size\n0,1,1\n", "expected pre,post[,kind],weight|synapses");
  files.refused("f.csv", "pre,post,kind,weight\n0,1,peptide,1\n", "f.csv:2: kind: found peptide");
  files.refused("g.csv", "pre,post,kind,weight\n0,1,electrical,1\n",
                "found no edge of kind chemical");
  files.refused("h.csv", "1,2,3\n4,5,6\n", "found 2 rows of 3 numbers, expected a square matrix");
  files.refused("i.csv", "1,nan\n4,5\n", "row 1, column 2: found nan, expected a finite number");
  files.refused("j.csv", "1,2\n4,5\n", "found 3 units, expected 2", kNodes);
  files.refused("k.csv", "pre,post,weight\n0,1,1\n", "sign: found 0, expected 1 or -1",
                "index,sign\n0,0\n1,1\n");
  CHECK(io::outcome_of([] {
          read_connectome({"nothing.csv", "", "both", true});
        }).code == ExitCode::kInputMissing);
}

}  // namespace tenfold::rich_lazy
