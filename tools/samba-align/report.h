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

// A seed's translator and how it translated the part that is reported.
struct SeedReport {
  int64_t seed = 0;
  const Model* model = nullptr;
  Translation translation;
};

log::Facts data_facts(const RecordingSet& recordings, const Dataset& dataset);
log::Facts model_facts(const Model& model);

// Metrics loss, pearson, ...; tables parcels, hrf (with the true times to peak where they are known)
// and bands; series example: some true and translated windows.
void add_translation(log::Result& result, const RecordingSet& recordings,
                     const std::vector<SeedReport>& reports);
// Series train_curve, and one a seed where there are several.
void add_history(log::Result& result, const std::vector<TranslatorMember>& members);

}  // namespace tenfold::samba_align
