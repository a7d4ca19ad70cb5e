#include "common/io/csv.h"

#include <catch2/catch.hpp>

#include "common/core/error.h"

namespace tenfold::io {
namespace {

CsvTable parse(const std::string& text) {
  return CsvTable::parse(Bytes(text.begin(), text.end()), "t.csv");
}

std::string message_of(const std::string& text) {
  try {
    const CsvTable table = parse(text);
    for (int64_t r = 0; r < table.rows(); ++r) table.number(r, 0);
  } catch (const DataError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("quotes, CRLF, a byte-order mark and a missing last line end are understood") {
  const CsvTable t =
      parse("\xEF\xBB\xBFtask,\"x,1\",y1\r\n\"a \"\"b\"\"\",1.5,-2e3\r\n\r\nc, 4 ,5");
  CHECK(t.columns() == std::vector<std::string>{"task", "x,1", "y1"});
  REQUIRE(t.rows() == 2);
  CHECK(t.text(0, 0) == "a \"b\"");
  CHECK(t.number(0, 1) == 1.5);
  CHECK(t.number(0, 2) == -2000);
  CHECK(t.number(1, 1) == 4);
  CHECK(t.find("y1") == 2);
  CHECK(t.find("z") == -1);
}

TEST_CASE("a line inside quotes is part of the cell, and later messages count it") {
  CHECK(parse("a,b\n\"1\n2\",3\n").text(0, 0) == "1\n2");
  CHECK(message_of("a,b\n\"1\n2\",3\n4\n") == "t.csv:4: found 1 cells, expected 2");
}

TEST_CASE("what cannot be read is refused with its place") {
  CHECK(message_of("") == "t.csv: found no rows, expected a header line and rows");
  CHECK(message_of("a\n") == "t.csv: found no rows, expected a header line and rows");
  CHECK(message_of("a,a\n1,2\n") == "t.csv:1: column 'a' stands twice");
  CHECK(message_of("a\n1\n\"2\n") == "t.csv:3: a quote begins and does not end");
  for (const std::string cell : {"nan", "inf", "1e999", "x", "1x", "\"\""}) {
    INFO(cell);
    CHECK(message_of("a,b\n1,0\n" + cell + ",0\n").find("t.csv:3: column a: found") == 0);
  }
}

}  // namespace tenfold::io
