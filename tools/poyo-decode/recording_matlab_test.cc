// The MATLAB 7.3 files of O'Doherty, written as MATLAB lays them out.
#include <hdf5.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "common/io/scratch_for_test.h"
#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {
namespace {

using io::Outcome;
using io::outcome_of;
using io::Scratch;

using Doubles = std::vector<double>;
using Cells = std::vector<Doubles>;

// MATLAB's file begins 512 bytes before HDF5's own.
constexpr hsize_t kUserBlock = 512;

class MatlabFile {
 public:
  explicit MatlabFile(const std::string& path) {
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_userblock(creation, kUserBlock);
    file_ = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT);
    H5Pclose(creation);
    H5Gclose(H5Gcreate2(file_, "#refs#", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  }
  ~MatlabFile() { H5Fclose(file_); }

  void write(const std::string& path, const Doubles& values, hsize_t rows, hsize_t columns) {
    const hid_t data = dataset(path, H5T_NATIVE_DOUBLE, rows, columns);
    H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Dclose(data);
  }

  void write_cells(const std::string& path, const Cells& cells, hsize_t rows) {
    std::vector<hobj_ref_t> references(cells.size());
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::string name = "/#refs#/" + path + std::to_string(i);
      if (cells[i].empty()) {
        write_empty(name);
      } else {
        write(name, cells[i], 1, cells[i].size());
      }
      H5Rcreate(&references[i], file_, name.c_str(), H5R_OBJECT, -1);
    }
    const hid_t data = dataset(path, H5T_STD_REF_OBJ, rows, cells.size() / rows);
    H5Dwrite(data, H5T_STD_REF_OBJ, H5S_ALL, H5S_ALL, H5P_DEFAULT, references.data());
    H5Dclose(data);
  }

 private:
  hid_t dataset(const std::string& path, hid_t type, hsize_t rows, hsize_t columns) const {
    const hsize_t shape[] = {rows, columns};
    const hid_t space = H5Screate_simple(2, shape, nullptr);
    const hid_t data =
        H5Dcreate2(file_, path.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Sclose(space);
    return data;
  }

  // MATLAB stores an empty array as its shape, 0 by 0.
  void write_empty(const std::string& path) const {
    const hid_t data = dataset(path, H5T_NATIVE_DOUBLE, 1, 2);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t mark =
        H5Acreate2(data, "MATLAB_empty", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT);
    const uint8_t yes = 1;
    H5Awrite(mark, H5T_NATIVE_UINT8, &yes);
    H5Aclose(mark);
    H5Sclose(space);
    H5Dclose(data);
  }

  hid_t file_;
};

Doubles characters(const std::string& text) { return Doubles(text.begin(), text.end()); }

struct Layout {
  Cells channels = {characters("M1 001"), characters("M1 002"), characters("S1 001")};
  // Rows: unsorted, sorted 1, sorted 2.
  Cells spikes = {{101, 150}, {102}, {103}, {}, {140, 120}, {}, {130}, {}, {}};
  hsize_t spike_rows = 3, position_rows = 2;
};

Recording read(const Layout& layout, const std::string& dataset = "odoherty") {
  const Scratch scratch;
  const std::string path = scratch / "indy_20160407_02.mat";
  {
    MatlabFile file(path);
    Doubles t, x, y;  // from 100 s, every 4 ms, for 100 s
    for (int i = 0; i < 25000; ++i) {
      t.push_back(100 + 0.004 * i);
      x.push_back(30 * t.back());
      y.push_back(-40 * t.back());
    }
    const auto k = hsize_t(t.size());
    x.insert(x.end(), y.begin(), y.end());
    if (layout.position_rows == 3) x.insert(x.end(), y.begin(), y.end());
    file.write("t", t, 1, k);
    file.write("cursor_pos", x, layout.position_rows, k);
    file.write_cells("chan_names", layout.channels, 1);
    file.write_cells("spikes", layout.spikes, layout.spike_rows);
  }
  ReadOptions options;
  options.dataset = describe(dataset);
  return read_recording(path, options);
}

Outcome reading(const Layout& layout, const std::string& dataset = "odoherty") {
  return outcome_of([&] { read(layout, dataset); });
}

}  // namespace

TEST_CASE("O'Doherty's units are channels' unsorted crossings and sorted units") {
  const Recording r = read({});
  CHECK(r.session == "indy_20160407_02");
  CHECK(r.subject == "indy");
  CHECK(r.units == std::vector<std::string>{
                       "indy_20160407_02/M1 001/unsorted", "indy_20160407_02/M1 002/unsorted",
                       "indy_20160407_02/S1 001/unsorted", "indy_20160407_02/M1 002/sorted_01",
                       "indy_20160407_02/M1 001/sorted_02"});
  CHECK(r.spike_times == Doubles{101, 102, 103, 120, 130, 140, 150});
  CHECK(r.spike_units == std::vector<int32_t>{0, 1, 2, 3, 4, 3, 0});
}

TEST_CASE("O'Doherty's velocity is the cursor's, and a tenth of the session each is held out") {
  const Recording r = read({});
  CHECK(r.layout == "matlab");
  CHECK(r.samples() == 25000);
  CHECK(r.target[2 * 12000] == Approx(30).epsilon(1e-4));
  CHECK(r.target[2 * 12000 + 1] == Approx(-40).epsilon(1e-4));
  CHECK(r.phases.at("no_movement_segments").empty());
  CHECK(total_length(r.test_domain) == Approx(9.9996));
  CHECK(total_length(r.valid_domain) == Approx(9.9996));
  CHECK(total_length(r.train_domain) == Approx(79.9968));
}

TEST_CASE("a MATLAB file of another shape is refused by path") {
  Layout layout;
  layout.position_rows = 3;
  CHECK(reading(layout).says("cursor_pos: found shape [3, 25000], expected [2, 25000]"));
  layout.position_rows = 2;
  layout.spike_rows = 9;
  CHECK(reading(layout).says("spikes: found shape [9, 1], expected [units, 3]"));
  layout.spike_rows = 3;
  layout.channels[2] = layout.channels[0];
  CHECK(reading(layout).says("unit indy_20160407_02/M1 001/unsorted stands twice"));
  layout.channels[2] = {7};
  CHECK(reading(layout).says("chan_names: found what is no ASCII character"));
  CHECK(reading({}, "perich").says("is a file of O'Doherty's, expected --dataset odoherty"));
}

}  // namespace tenfold::poyo_decode
