// One file of any format that users bring, as a plain matrix (specification, section 2.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/io/array_file.h"
#include "common/io/nifti.h"
#include "common/io/signals.h"

namespace tenfold::samba_align {

struct FileOptions {
  double fs = 0;  // Hz: of electrophysiology in files that do not say it; target of `resample`
  double tr = 0;  // s: of fMRI; 0: the sidecar's or the file's
  std::string layout = "auto";  // or "ct", "tc": see io::require_channels_first
  int64_t rows = 0;             // known number of parcels, vertices or channels; 0: unknown
  io::ArrayOptions arrays;
  std::string picks = "auto";  // of FIF: auto, meg, mag, grad, eeg, all
  bool keep_bads = false, allow_maxshield = false, resample = false;
  std::string fif_gaps = "refuse";  // or zero
  std::string nan = "error";        // or zero, interp, reference
  std::string inverse;              // .npy [parcels, channels] that electrophysiology goes through
};

enum class Modality { kElectrophysiology, kFmri };

// [rows, samples]; of a volume a row a voxel, the first axis fastest; [epochs, rows, samples] where
// there are epochs.
struct FileRecording {
  std::string path, format, unit;
  std::vector<std::string> names;  // of the rows; empty where the file has none
  int64_t rows = 0, samples = 0;
  int64_t epochs = 0;  // 0: one continuous recording
  std::vector<double> values;
  double rate_hz = 0;  // of fMRI 1 / TR; 0: not known
  double tr = 0;       // s, of fMRI
  std::vector<io::SignalEvent> events;
  std::vector<io::SignalFact> facts;
  std::vector<std::string> notes;
  std::optional<io::NiftiHeader> volume;  // of images, for atlases of the same grid
};

// As the file is: without missing-value rule, inverse and resampling, and with rate 0 where neither
// file nor options say it. "a+b" joins the rows of two files (left and right hemisphere). Throws
// MissingInput, DataError, UsageError naming the option.
FileRecording read_file_as_is(const std::string& path, const FileOptions& options,
                              Modality modality);

// Throws DataError for epochs.
void require_continuous(const FileRecording& recording);

// What follows averaging: a rate, every value finite, --inverse, --fs with --resample.
void finish_recording(FileRecording& recording, const FileOptions& options, Modality modality);
// Both.
FileRecording read_recording_file(const std::string& path, const FileOptions& options,
                                  Modality modality);

// Lower-case hexadecimal of the file's bytes; of "a+b" of both, joined by "+".
std::string sha256_of_file(const std::string& path);

// The rule of --nan: "zero" puts 0 for what is not finite, "interp" a line in time between finite
// neighbours (the nearest at the ends), "reference" 2 for NaN and 0 for +inf as the released code
// does, "error" throws. Throws DataError naming row and column for what is left.
// Returns how many numbers were mended.
int64_t mend_missing(std::vector<double>& values, int64_t rows, int64_t columns,
                     const std::string& rule, const std::string& where);

// Every row from one rate to another (stats::Resampler).
void resample(FileRecording& recording, double rate_hz);

}  // namespace tenfold::samba_align
