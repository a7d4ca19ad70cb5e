// Averages over parcels: which row (vertex or voxel) belongs to which parcel (specification,
// sections 2.1 and 2.2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/recording_file.h"

namespace tenfold::samba_align {

struct ParcelName {
  std::string name;
  std::string hemisphere, network;  // "" where the name does not tell ("17Networks_LH_VisCent_1")
};

struct Parcellation {
  std::string path;
  std::vector<int32_t> labels;      // of each row: 0 .. parcels - 1; -1: background
  std::vector<ParcelName> parcels;  // those that have a row; left hemisphere first
  std::vector<int64_t> grid;        // of a label image: its three dimensions
  io::Affine affine{};              // of a label image
};

// FreeSurfer's .annot or .label.gii, one file or one for each hemisphere (left first), a label
// image
// (.nii, .nii.gz), or a list of integers, one a row (.npy, .txt, .csv, ...). Label 0 is background.
// Throws MissingInput, DataError.
Parcellation read_parcellation(const std::vector<std::string>& paths);

// Rows become parcels: the plain mean over each one's rows. With --nan reference what is NaN or
// +inf counts as 0. Throws DataError where rows, grid or affine (1e-3) do not fit.
void average_parcels(FileRecording& recording, const Parcellation& parcels, const std::string& nan);

ParcelName parcel_name(const std::string& name);

}  // namespace tenfold::samba_align
