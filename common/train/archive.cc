#include "common/train/archive.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

#include "common/core/error.h"
#include "common/data/tensor_io.h"

namespace tenfold::train {
namespace {

template <class T>
io::Tensor vector_tensor(io::DType dtype, const std::vector<T>& values) {
  io::Tensor out;
  out.dtype = dtype;
  out.shape = {static_cast<int64_t>(values.size())};
  out.data.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(out.data.data(), values.data(), out.data.size());
  return out;
}

}  // namespace

Archive Archive::for_saving() { return Archive(); }

Archive Archive::for_loading(io::SafeTensors weights, io::SafeTensors state, std::string file) {
  Archive archive;
  archive.loading_ = true;
  archive.weights_ = std::move(weights);
  archive.state_ = std::move(state);
  archive.file_ = std::move(file);
  return archive;
}

bool Archive::begin(const std::string& name) {
  names_.push_back(name);
  return !(loading_ && name == skipped_);
}

const io::Tensor& Archive::stored(const io::SafeTensors& from, const std::string& name) const {
  const auto found = from.tensors.find(name);
  if (found == from.tensors.end()) {
    throw Mismatch(
        fmt::format("{}: no item '{}': the checkpoint is of another program", file_, name));
  }
  return found->second;
}

void Archive::exchange(io::SafeTensors& where, const std::string& name, const at::Tensor& tensor) {
  if (!begin(name)) return;
  if (!loading_) {
    where.tensors[name] = data::from_torch(tensor);
    return;
  }
  const at::Tensor loaded = data::to_torch(stored(where, name));
  if (loaded.sizes() != tensor.sizes() || loaded.scalar_type() != tensor.scalar_type()) {
    throw Mismatch(fmt::format("{}: '{}' has shape [{}], expected [{}]: another architecture",
                               file_, name, fmt::join(loaded.sizes().vec(), ", "),
                               fmt::join(tensor.sizes().vec(), ", ")));
  }
  tensor.detach().copy_(loaded);
}

void Archive::weight(const std::string& name, const at::Tensor& tensor) {
  exchange(weights_, name, tensor);
}

void Archive::tensor(const std::string& name, const at::Tensor& tensor) {
  exchange(state_, name, tensor);
}

void Archive::growing(const std::string& name, at::Tensor& tensor) {
  if (!begin(name)) return;
  if (loading_) {
    tensor = data::to_torch(stored(state_, name)).to(tensor.device());
  } else {
    state_.tensors[name] = data::from_torch(tensor);
  }
}

void Archive::numbers(const std::string& name, std::vector<double>& values) {
  if (!begin(name)) return;
  if (loading_) {
    const io::Tensor& t = stored(state_, name);
    const double* first = t.as<double>();
    values.assign(first, first + t.numel());
  } else {
    state_.tensors[name] = vector_tensor(io::DType::kF64, values);
  }
}

void Archive::numbers(const std::string& name, std::vector<int64_t>& values) {
  if (!begin(name)) return;
  if (loading_) {
    const io::Tensor& t = stored(state_, name);
    const int64_t* first = t.as<int64_t>();
    values.assign(first, first + t.numel());
  } else {
    state_.tensors[name] = vector_tensor(io::DType::kI64, values);
  }
}

void Archive::number(const std::string& name, int64_t& value) {
  std::vector<int64_t> one = {value};
  numbers(name, one);
  if (loading_) value = one.at(0);
}

void Archive::number(const std::string& name, double& value) {
  std::vector<double> one = {value};
  numbers(name, one);
  if (loading_) value = one.at(0);
}

void Archive::truth(const std::string& name, bool& value) {
  int64_t number_value = value ? 1 : 0;
  number(name, number_value);
  value = number_value != 0;
}

}  // namespace tenfold::train
