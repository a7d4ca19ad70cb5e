// Metrics of several seeds in a result.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/log/result.h"

namespace tenfold::samba_align {

using Maybe = std::optional<double>;

log::Value value_of(const Maybe& v);  // null where there is none

// Of those that there are.
Maybe mean_of(const std::vector<Maybe>& values);

// The mean over seeds, with each one's value and the standard error where there are several;
// `reason` is given where no seed has a value.
void add_metric(log::Result& result, const std::string& name, const std::vector<Maybe>& per_seed,
                std::optional<bool> higher_is_better, const std::string& unit,
                const std::string& reason);

}  // namespace tenfold::samba_align
