// Who listens to whom in the graph layers (specification, sections 3.4 and 5).
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "common/log/result.h"
#include "tools/samba-align/dataset.h"
#include "tools/samba-align/model.h"
#include "tools/samba-align/region_report.h"

namespace tenfold::samba_align {

// Attention, mean over windows and heads: row i says how much i hears of each j, and sums to 1.
struct MeanAttention {
  at::Tensor ele, hemo;  // [parcels, parcels], [targets, targets]; undefined where no layer is
};
MeanAttention mean_attention(const Model& model, const Dataset& dataset,
                             const std::vector<WindowPlace>& places);

// The regions of `nodes` parcels by name of what they are grouped by: hemisphere, network and lobe
// where `places` say them, else the model's patches.
struct Regions {
  std::string by;
  std::vector<std::string> of_node;
};
std::vector<Regions> regions_of(const std::vector<ParcelPlace>& places, int64_t nodes,
                                int64_t patches);

// Rows of a table graph_attention: the mean over the parcels of region `to` of what each hears of
// region `from` in all. Parcels without a region count among the senders of none.
void add_graph_regions(log::Table& table, int64_t seed, const std::string& modality,
                       const at::Tensor& attention, const std::vector<Regions>& regions);

extern const std::vector<std::string> kGraphAttentionColumns;

}  // namespace tenfold::samba_align
