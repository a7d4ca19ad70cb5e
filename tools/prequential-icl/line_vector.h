// A std::vector that starts at a cache line, so that no vector load of it crosses one.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace tenfold::prequential_icl {

template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}

  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLine)); }
  void deallocate(T* p, size_t) { ::operator delete(p, kLine); }

  template <class U>
  bool operator==(const LineAllocator<U>&) const {
    return true;
  }
  template <class U>
  bool operator!=(const LineAllocator<U>&) const {
    return false;
  }
};

template <class T>
using LineVector = std::vector<T, LineAllocator<T>>;

}  // namespace tenfold::prequential_icl
