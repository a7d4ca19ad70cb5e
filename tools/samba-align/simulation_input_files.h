// What a user brings to `simulate` instead of drawn matrices: files of any array format
// (specification, sections 2.3 and 2.4).
#pragma once

#include <string>

#include "tools/samba-align/simulation_options.h"

namespace tenfold::samba_align {

struct SimulationInputFiles {
  std::string connectome, lengths;    // [P, P] streamline counts, [P, P] mm
  std::string leadfield, region_map;  // [M, P] per Am, or [M, vertices] and a region a vertex
  std::string fmri_noise_from;        // [Q, frames], frames along the longer axis
};

// Each file's only matrix. With a region map a region's column is the mean over its vertices'
// finite numbers, and sensors without any are left out. Throws MissingInput, DataError naming the
// option.
SimulationInputs read_simulation_inputs(const SimulationInputFiles& files, int64_t hemo_parcels);

// The mean column of each region 0 .. regions - 1 (the largest number in `regions` plus one).
Matrix region_leadfield(const Matrix& vertices, const std::vector<double>& regions,
                        const std::string& where);

}  // namespace tenfold::samba_align
