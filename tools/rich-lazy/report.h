// What trained networks are like, as results (specification, section 7).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/log/result.h"
#include "tools/rich-lazy/ensemble.h"

namespace tenfold::rich_lazy {

// Data and model of a result.
void add_facts(log::Result& result, const Setting& setting);

// Tables, metrics (means over seeds, of the chosen rates) and series of trained models.
// `fresh_trials`: a number of trials beside those of the measures, 0 for none.
void add_models(log::Result& result, const Setting& setting, const std::vector<Model>& models,
                int64_t fresh_trials);

// The columns of a spectrum in tables.
extern const std::vector<std::string> kSpectrumColumns;
std::vector<log::Value> spectrum_cells(const Spectrum& s);

}  // namespace tenfold::rich_lazy
