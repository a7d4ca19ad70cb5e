// Internal to common/io: numbers stored with their highest byte first.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace tenfold::io {

// An integer or a float of 2, 4 or 8 bytes at `at`.
template <class T>
T big_endian(const uint8_t* at) {
  using Word = std::conditional_t<sizeof(T) == 2, uint16_t,
                                  std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;
  static_assert(sizeof(T) == sizeof(Word));
  Word word = 0;
  for (size_t i = 0; i < sizeof(T); ++i) word = static_cast<Word>(word << 8 | at[i]);
  T value;
  std::memcpy(&value, &word, sizeof(T));
  return value;
}

}  // namespace tenfold::io
