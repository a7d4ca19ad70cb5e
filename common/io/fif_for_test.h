// FIF files built byte by byte, for the tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

template <class T>
std::string big_endian_for_test(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return {bytes.rbegin(), bytes.rend()};
}

template <class T>
std::string big_endian_for_test(const std::vector<T>& values) {
  std::string out;
  for (const T value : values) out += big_endian_for_test(value);
  return out;
}

class FifForTest {
 public:
  FifForTest() { tag(100, 31, std::string(20, '\1')); }

  FifForTest& tag(int32_t kind, int32_t type, const std::string& data, int32_t next = 0) {
    out_ += big_endian_for_test(kind) + big_endian_for_test(type);
    out_ += big_endian_for_test(int32_t(data.size())) + big_endian_for_test(next) + data;
    return *this;
  }
  FifForTest& begin(int32_t block) { return integer(104, block); }
  FifForTest& end(int32_t block) { return integer(105, block); }
  FifForTest& integer(int32_t kind, int32_t value) {
    return tag(kind, 3, big_endian_for_test(value));
  }
  FifForTest& real(int32_t kind, float value) { return tag(kind, 4, big_endian_for_test(value)); }
  FifForTest& text(int32_t kind, const std::string& value) { return tag(kind, 10, value); }
  FifForTest& int16s(int32_t kind, const std::vector<int16_t>& values) {
    return tag(kind, 2, big_endian_for_test(values));
  }

  FifForTest& channel(const std::string& name, int32_t kind, int32_t unit, float range, float cal) {
    std::string record(96, '\0');
    const auto put = [&](size_t at, const std::string& bytes) {
      record.replace(at, bytes.size(), bytes);
    };
    put(8, big_endian_for_test(kind));
    put(12, big_endian_for_test(range));
    put(16, big_endian_for_test(cal));
    put(24, big_endian_for_test(std::vector<float>(12, std::nanf(""))));  // position unknown
    put(72, big_endian_for_test(unit));
    put(76, big_endian_for_test(int32_t(-6)));  // unit_mul, which is not applied
    put(80, name);
    return tag(203, 30, record);
  }

  // A measurement info of a magnetometer, a gradiometer, two EEG and a stimulus channel; `more`
  // goes into its block.
  template <class More>
  FifForTest& info(More more) {
    begin(101).integer(200, 5).real(201, 100);
    channel("MEG 0111", 1, 112, 1, 1e-12f).channel("MEG 0112", 1, 201, 2, 1e-11f);
    channel("EEG 001", 2, 107, 0.5f, 1e-6f).channel("EEG 002", 2, 107, 1, 1e-6f);
    channel("STI 014", 3, -1, 1, 1);
    more();
    return end(101);
  }
  FifForTest& info() {
    return info([] {});
  }

  FifForTest& close() { return tag(108, 0, "", -1); }
  Bytes bytes() const { return Bytes(out_.begin(), out_.end()); }
  size_t size() const { return out_.size(); }

 private:
  std::string out_;
};

// `samples` samples of 5 channels from sample `first` on: channel c at time t is 10 (first + t) +
// c.
inline std::vector<int16_t> fif_frames_for_test(int first, int samples) {
  std::vector<int16_t> frames;
  for (int t = 0; t < samples; ++t) {
    for (int c = 0; c < 5; ++c) frames.push_back(int16_t(10 * (first + t) + c));
  }
  return frames;
}

// First sample 20, buffers of 3 and 2 samples, an event, two annotations, "EEG 001" marked bad.
inline Bytes raw_fif_for_test() {
  FifForTest fif;
  fif.begin(100).info([&] {
    fif.begin(359).text(3507, "EEG 001").end(359);
    fif.begin(313).begin(314).text(233, "PCA-v1").end(314).end(313);
  });
  fif.begin(3810);
  fif.tag(3568, 4, big_endian_for_test(std::vector<float>{0.25f, 0.5f}));
  fif.tag(3569, 4, big_endian_for_test(std::vector<float>{0.75f, 0.5f}));
  fif.text(206, "blink:a{COLON}b").end(3810);
  fif.begin(361).tag(3561, 3, big_endian_for_test(std::vector<int32_t>{23, 0, 7}));
  fif.text(206, "face/x:y:7;house:8").end(361);
  fif.begin(102).integer(208, 20);
  fif.int16s(300, fif_frames_for_test(0, 3)).int16s(300, fif_frames_for_test(3, 2));
  return fif.end(102).end(100).close().bytes();
}

// 2 epochs of 3 times from -1 / 100 s on: epoch e, channel c, time t is 100 e + 10 t + c.
inline Bytes epochs_fif_for_test() {
  std::vector<float> values;
  for (int e = 0; e < 2; ++e) {
    for (int c = 0; c < 5; ++c) {
      for (int t = 0; t < 3; ++t) values.push_back(float(100 * e + 10 * t + c));
    }
  }
  FifForTest fif;
  fif.begin(100).info().begin(103).begin(373);
  fif.begin(361).tag(3561, 3, big_endian_for_test(std::vector<int32_t>{50, 0, 1, 90, 0, 2}));
  fif.text(206, "left:1;right:2").end(361);
  fif.integer(208, -1).integer(209, 1);
  fif.tag(302, 0x40000004,
          big_endian_for_test(values) + big_endian_for_test(std::vector<int32_t>{3, 5, 2, 3}));
  return fif.end(373).end(103).end(100).close().bytes();
}

}  // namespace tenfold::io
