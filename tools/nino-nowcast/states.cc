#include "tools/nino-nowcast/states.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "common/core/error.h"
#include "common/data/tensor_io.h"
#include "common/train/checkpoint.h"

namespace tenfold::nino_nowcast {
namespace {

// The weights of one checkpoint; names without the member's prefix.
io::SafeTensors read_checkpoint(const std::string& folder, int64_t step,
                                const std::string& member) {
  std::string path = folder + "/" + train::step_name(step) + "/model.safetensors";
  if (!io::exists(path)) path = fmt::format("{}/step_{}.safetensors", folder, step);
  if (!io::exists(path)) {
    throw MissingInput(fmt::format(
        "{}/{}/model.safetensors: not found; the snapshots must be {} steps old or kept "
        "with train --keep-checkpoints all",
        folder, train::step_name(step), step));
  }
  const io::SafeTensors all = io::read_safetensors(path);
  io::SafeTensors out;
  std::set<std::string> members;
  for (const auto& [name, tensor] : all.tensors) {
    const size_t slash = name.rfind('/');
    const std::string owner = slash == std::string::npos ? "" : name.substr(0, slash);
    members.insert(owner);
    if (owner == member)
      out.tensors[slash == std::string::npos ? name : name.substr(slash + 1)] = tensor;
  }
  if (out.tensors.empty()) {
    throw UsageError(fmt::format("--member: found '{}', expected one of {} ({})", member,
                                 fmt::join(members, ", "), path));
  }
  return out;
}

void copy_flat(const io::SafeTensors& from, const Architecture& arch, const std::string& what,
               at::Tensor column) {
  int64_t offset = 0;
  for (const ParamSpec& p : arch.params) {
    const io::Tensor& stored = from.at(p.name, what);
    if (stored.shape != p.shape) {
      throw Mismatch(fmt::format("{}: '{}' has shape [{}], expected [{}]", what, p.name,
                                 fmt::join(stored.shape, ", "), fmt::join(p.shape, ", ")));
    }
    column.narrow(0, offset, p.numel()).copy_(data::to_torch_float(stored, p.name).reshape({-1}));
    offset += p.numel();
  }
}

}  // namespace

at::Tensor read_states(const io::SafeTensors& file, const std::string& name,
                       const Architecture& arch, int64_t ctx) {
  const io::Tensor& stored = file.at("states", name);
  const std::vector<int64_t> expected = {arch.num_params(), ctx};
  if (stored.shape != expected) {
    throw DataError(
        fmt::format("{}: 'states' has shape [{}], expected [{}] (parameters, snapshots)", name,
                    fmt::join(stored.shape, ", "), fmt::join(expected, ", ")));
  }
  return data::to_torch_float(stored, "states");
}

std::vector<at::Tensor> read_pos(const std::string& pos, const io::SafeTensors& file,
                                 const std::string& name, bool subgraph) {
  if (pos.empty()) return {};
  const bool in_states = file.has(pos) || (subgraph && file.has(pos + ".0"));
  const io::SafeTensors other = in_states ? io::SafeTensors() : io::read_safetensors(pos);
  const io::SafeTensors& from = in_states ? file : other;
  const std::string tensor = in_states ? pos : "pos";
  const std::string& source = in_states ? name : pos;
  if (!subgraph) return {data::to_torch_float(from.at(tensor, source), tensor)};
  std::vector<at::Tensor> out;
  for (int i = 0; from.has(fmt::format("{}.{}", tensor, i)); ++i) {
    const std::string piece = fmt::format("{}.{}", tensor, i);
    out.push_back(data::to_torch_float(from.at(piece, source), piece));
  }
  if (out.empty())
    throw DataError(
        fmt::format("{}: no tensor '{}.0' (--subgraph needs one a piece)", source, tensor));
  return out;
}

Snapshots read_snapshots(const std::string& folder, const std::string& arch_path,
                         const std::string& member, int64_t last, int64_t stride, int64_t ctx,
                         bool generic) {
  if (last < (ctx - 1) * stride) {
    throw UsageError(
        fmt::format("--last: found {}, expected at least {} ({} snapshots every {} steps)", last,
                    (ctx - 1) * stride, ctx, stride));
  }
  Snapshots out;
  const std::string newest = folder + "/" + train::step_name(last);
  out.arch = arch_path.empty() ? parse_architecture(train::manifest_arch(newest),
                                                    newest + "/manifest.json", generic)
                               : read_architecture(arch_path, generic);
  out.states = at::empty({out.arch.num_params(), ctx});
  for (int64_t t = 0; t < ctx; ++t) {
    const int64_t step = last - (ctx - 1 - t) * stride;
    out.last = read_checkpoint(folder, step, member);
    copy_flat(out.last, out.arch, fmt::format("{}/{}", folder, train::step_name(step)),
              out.states.select(1, t));
  }
  return out;
}

}  // namespace tenfold::nino_nowcast
