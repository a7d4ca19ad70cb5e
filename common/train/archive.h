// One list of everything a run must remember, for saving and for loading: a program names each item
// once and the archive reads or writes it, so that nothing can be saved and not restored.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/io/safetensors.h"

namespace tenfold::train {

class Archive {
 public:
  // For saving: starts empty. For loading: takes what a checkpoint held; `file` stands in messages.
  static Archive for_saving();
  static Archive for_loading(io::SafeTensors weights, io::SafeTensors state, std::string file);

  bool loading() const { return loading_; }

  // Weights go to model.safetensors, everything else to state.safetensors. Loading copies into
  // `tensor` in place (weights, fixed shapes) and throws Mismatch when the item is absent or of
  // another shape or dtype.
  void weight(const std::string& name, const at::Tensor& tensor);
  void tensor(const std::string& name, const at::Tensor& tensor);
  // A tensor whose first dimension grows: loading replaces it.
  void growing(const std::string& name, at::Tensor& tensor);

  void number(const std::string& name, int64_t& value);
  void number(const std::string& name, double& value);
  void truth(const std::string& name, bool& value);
  void numbers(const std::string& name, std::vector<double>& values);
  void numbers(const std::string& name, std::vector<int64_t>& values);

  const io::SafeTensors& weights() const { return weights_; }
  const io::SafeTensors& state() const { return state_; }

  // The names of all items so far, in order; and, for tests: an item to leave as it is when
  // loading.
  const std::vector<std::string>& names() const { return names_; }
  void skip_when_loading(const std::string& name) { skipped_ = name; }

 private:
  bool begin(const std::string& name);  // records the name; false: leave the item alone
  const io::Tensor& stored(const io::SafeTensors& from, const std::string& name) const;
  void exchange(io::SafeTensors& where, const std::string& name, const at::Tensor& tensor);

  bool loading_ = false;
  io::SafeTensors weights_, state_;
  std::string file_, skipped_;
  std::vector<std::string> names_;
};

// A list of records, stored column by column: the named double and integer fields of each.
template <class Record>
void visit_records(Archive& archive, const std::string& name, std::vector<Record>& records,
                   const std::vector<double Record::*>& doubles,
                   const std::vector<int64_t Record::*>& integers) {
  int index = 0;
  const auto column = [&](auto field) {
    using Value = std::decay_t<decltype(std::declval<Record>().*field)>;
    std::vector<Value> values;
    for (const Record& r : records) values.push_back(r.*field);
    archive.numbers(name + "/" + std::to_string(index++), values);
    records.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) records[i].*field = values[i];
  };
  for (auto field : doubles) column(field);
  for (auto field : integers) column(field);
}

}  // namespace tenfold::train
