// A user's CSV as a meta-dataset (specification, section 2).

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "common/core/error.h"
#include "common/io/csv.h"
#include "common/log/logger.h"
#include "tools/prequential-icl/meta_dataset.h"

namespace tenfold::prequential_icl {
namespace {

// Columns PREFIX1, PREFIX2, ... as far as they go.
std::vector<int64_t> numbered_columns(const io::CsvTable& table, const std::string& prefix,
                                      const std::string& path) {
  std::vector<int64_t> found;
  for (int64_t i = 1; table.find(prefix + std::to_string(i)) >= 0; ++i)
    found.push_back(table.find(prefix + std::to_string(i)));
  if (found.empty()) throw DataError(fmt::format("{}: no column {}1", path, prefix));
  return found;
}

// Rows of every task, tasks in the order of their first row.
std::vector<std::vector<int64_t>> rows_by_task(const io::CsvTable& table, int64_t column) {
  std::unordered_map<std::string, size_t> number;
  std::vector<std::vector<int64_t>> rows;
  for (int64_t r = 0; r < table.rows(); ++r) {
    const auto [entry, fresh] = number.emplace(table.text(r, column), rows.size());
    if (fresh) rows.emplace_back();
    rows[entry->second].push_back(r);
  }
  return rows;
}

at::Tensor gather(const io::CsvTable& table, const std::vector<std::vector<int64_t>>& tasks,
                  size_t first, size_t end, int64_t points, const std::vector<int64_t>& columns) {
  const at::Tensor out = at::empty({int64_t(end - first), points, int64_t(columns.size())},
                                   at::TensorOptions().dtype(at::kFloat));
  float* to = out.data_ptr<float>();
  for (size_t t = first; t < end; ++t) {
    for (int64_t p = 0; p < points; ++p)
      for (int64_t c : columns) *to++ = float(table.number(tasks[t][size_t(p)], c));
  }
  return out;
}

}  // namespace

MetaDataset read_csv_dataset(const std::string& path, double val_fraction) {
  const io::CsvTable table = io::CsvTable::read(path);
  const int64_t task_column = table.find("task");
  if (task_column < 0) throw DataError(fmt::format("{}: no column task", path));
  const std::vector<int64_t> x = numbered_columns(table, "x", path),
                             y = numbered_columns(table, "y", path);
  if (int64_t(table.columns().size()) != 1 + int64_t(x.size() + y.size())) {
    log::warning(fmt::format("{}: columns other than task, x1.., y1.. are not read", path));
  }
  const std::vector<std::vector<int64_t>> tasks = rows_by_task(table, task_column);
  const auto shorter = [](const auto& a, const auto& b) { return a.size() < b.size(); };
  const auto [least, most] = std::minmax_element(tasks.begin(), tasks.end(), shorter);
  const int64_t points = int64_t(least->size());
  if (most->size() != least->size()) {
    log::warning(fmt::format("{}: tasks have {} to {} points; all are cut to {}", path, points,
                             most->size(), points));
  }
  const int64_t count = int64_t(tasks.size());
  const int64_t held_out = std::max<int64_t>(1, std::llround(val_fraction * double(count)));
  if (count - held_out < 1 || points < 2) {
    throw DataError(fmt::format(
        "{}: found {} tasks of {} points, expected at least 2 of 2, of which {} are for validation",
        path, count, points, held_out));
  }
  const size_t border = size_t(count - held_out);
  MetaDataset data;
  data.task = "custom";
  data.shape.x_vals.assign(x.size(), 0);
  data.shape.y_vals.assign(y.size(), 0);
  data.options = "{}";
  data.train.x = gather(table, tasks, 0, border, points, x);
  data.train.y = gather(table, tasks, 0, border, points, y);
  data.val.x = gather(table, tasks, border, tasks.size(), points, x);
  data.val.y = gather(table, tasks, border, tasks.size(), points, y);
  return data;
}

}  // namespace tenfold::prequential_icl
