// Memory for whole vectors of any instruction set, on the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace tenfold::kernels {

template <class T>
class Workspace {
 public:
  explicit Workspace(int64_t entries)
      : data_(static_cast<T*>(::operator new(sizeof(T) * static_cast<size_t>(entries), kAlign))) {}
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() { ::operator delete(data_, kAlign); }

  T* data() const { return data_; }

 private:
  static constexpr std::align_val_t kAlign{64};
  T* data_;
};

}  // namespace tenfold::kernels
