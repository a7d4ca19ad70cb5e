// What results say of a translator.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/log/result.h"
#include "common/train/loop.h"
#include "tools/samba-align/dataset.h"
#include "tools/samba-align/translator_program.h"

namespace tenfold::samba_align {

// How a seed's translator translated the part that is reported.
struct SeedTranslation {
  int64_t seed = 0;
  Translation translation;
};
using SeedModel = std::pair<int64_t, const Model*>;

log::Facts data_facts(const RecordingSet& recordings, const Dataset& dataset);
log::Facts model_facts(const Model& model);

// Metrics loss, pearson, ...; table parcels; series example: true and translated windows. Frames
// before `first_frame` of a window are left out: the first may have been given.
void add_translation(log::Result& result, const std::vector<SeedTranslation>& translations,
                     int64_t first_frame = 1);
// Table target_regions: the means of the table parcels by hemisphere, network and lobe, where the
// recordings' manifest.json says where the translated parcels lie.
void add_target_regions(log::Result& result, const RecordingSet& recordings, const ModelSpec& spec);
// Table pairs: how well every pair of subjects was translated, where there are several.
void add_pairs(log::Result& result, const RecordingSet& recordings,
               const std::vector<SeedTranslation>& translations);
// What was learned: tables hrf (with the true times to peak where they are known) and bands, series
// responses (of the first seed); of hemo2ele metrics slow_r and spectrum_log_ratio, table
// band_power and series spectra. Models and translations in the same order.
void add_learned(log::Result& result, const RecordingSet& recordings,
                 const std::vector<SeedModel>& models,
                 const std::vector<SeedTranslation>& translations);
// Series train_curve, and one a seed where there are several.
void add_history(log::Result& result, const std::vector<TranslatorMember>& members);

}  // namespace tenfold::samba_align
