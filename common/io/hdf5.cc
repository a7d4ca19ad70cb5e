#include "common/io/hdf5.h"

#include <filesystem>

#include "common/io/hdf5_handle.h"
#include "common/io/hdf5_process.h"

namespace tenfold::io {

Hdf5File::Hdf5File(std::unique_ptr<Hdf5Process> process) : process_(std::move(process)) {}
Hdf5File::~Hdf5File() = default;
Hdf5File::Hdf5File(Hdf5File&& other) noexcept = default;

const std::string& Hdf5File::name() const { return process_->name(); }

Hdf5File Hdf5File::open(const std::string& path, uint64_t limit) {
  open_input(path);  // throws MissingInput
  std::error_code unknown;
  const uint64_t bytes = std::filesystem::file_size(path, unknown);
  quiet_hdf5();  // libhdf5 is set up once here instead of in every child
  return Hdf5File(std::make_unique<Hdf5Process>(path, limit,
                                                ample_cpu_seconds(unknown ? limit : bytes, limit),
                                                [&] { return Hdf5Reader::open(path, limit); }));
}

Hdf5File Hdf5File::parse(const Bytes& file, const std::string& name, uint64_t limit) {
  quiet_hdf5();
  return Hdf5File(
      std::make_unique<Hdf5Process>(name, limit, ample_cpu_seconds(file.size(), limit),
                                    [&] { return Hdf5Reader::parse(file, name, limit); }));
}

bool Hdf5File::has(const std::string& path) const {
  return process_->ask<bool>(Hdf5Call::kHas, path);
}

bool Hdf5File::has_group(const std::string& path) const {
  return process_->ask<bool>(Hdf5Call::kHasGroup, path);
}

bool Hdf5File::has_dataset(const std::string& path) const {
  return process_->ask<bool>(Hdf5Call::kHasDataset, path);
}

std::vector<Hdf5Child> Hdf5File::children(const std::string& path) const {
  return process_->ask<std::vector<Hdf5Child>>(Hdf5Call::kChildren, path);
}

std::vector<int64_t> Hdf5File::shape(const std::string& path) const {
  return process_->ask<std::vector<int64_t>>(Hdf5Call::kShape, path);
}

Hdf5Array<double> Hdf5File::doubles(const std::string& path) const {
  return process_->ask<Hdf5Array<double>>(Hdf5Call::kDoubles, path);
}

Hdf5Array<int64_t> Hdf5File::integers(const std::string& path) const {
  return process_->ask<Hdf5Array<int64_t>>(Hdf5Call::kIntegers, path);
}

Hdf5Array<std::string> Hdf5File::strings(const std::string& path) const {
  return process_->ask<Hdf5Array<std::string>>(Hdf5Call::kStrings, path);
}

bool Hdf5File::holds_strings(const std::string& path) const {
  return process_->ask<bool>(Hdf5Call::kHoldsStrings, path);
}

bool Hdf5File::holds_numbers(const std::string& path) const {
  return process_->ask<bool>(Hdf5Call::kHoldsNumbers, path);
}

Hdf5Array<std::vector<double>> Hdf5File::referenced(const std::string& path) const {
  return process_->ask<Hdf5Array<std::vector<double>>>(Hdf5Call::kReferenced, path);
}

bool Hdf5File::has_attribute(const std::string& path, const std::string& name) const {
  return process_->ask<bool>(Hdf5Call::kHasAttribute, path, name);
}

double Hdf5File::number_attribute(const std::string& path, const std::string& name) const {
  return process_->ask<double>(Hdf5Call::kNumberAttribute, path, name);
}

std::string Hdf5File::text_attribute(const std::string& path, const std::string& name) const {
  return process_->ask<std::string>(Hdf5Call::kTextAttribute, path, name);
}

std::vector<std::string> Hdf5File::texts_attribute(const std::string& path,
                                                   const std::string& name) const {
  return process_->ask<std::vector<std::string>>(Hdf5Call::kTextsAttribute, path, name);
}

}  // namespace tenfold::io
