// What MEG and EEG sensors see of dipoles in a sphere, and the way back to parcels (specification,
// section 2.4.5). Lengths in m, moments in Am.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/geometry.h"
#include "tools/samba-align/matrix.h"

namespace tenfold::samba_align {

constexpr double kHeadRadius = 0.09;    // m
constexpr double kConductivity = 0.33;  // S/m

struct Dipoles {
  Points positions;     // m
  Points orientations;  // unit vectors
};

// One dipole a parcel (positions in mm on 70 mm): at 0.7 to 0.9 of the head's radius in the
// parcel's direction, with a random tangential orientation.
Dipoles draw_dipoles(const Points& parcels, uint64_t seed);

Points meg_sensors();     // 100 magnetometers on the upper half of 110 mm
Points eeg_electrodes();  // 64 on the upper half of the head

// All sensors turned about one random axis by an angle of N(0, 5 degrees).
Points turned(Points sensors, uint64_t seed, const std::string& name);

// Sarvas' field in T at r, outside a conducting sphere around the origin.
Eigen::Vector3d magnetic_field(const Eigen::Vector3d& moment, const Eigen::Vector3d& position,
                               const Eigen::Vector3d& r);

// The potential in V at an electrode on a homogeneous sphere, 60 terms, without a reference.
double electric_potential(const Eigen::Vector3d& moment, const Eigen::Vector3d& position,
                          const Eigen::Vector3d& electrode, double radius, double conductivity);

// Radial field in T (MEG), potential in V against the average of the electrodes (EEG), of 1 Am
// [sensors, dipoles].
Matrix meg_leadfield(const Dipoles& dipoles, const Points& sensors);
Matrix eeg_leadfield(const Dipoles& dipoles, const Points& electrodes);

// A lead field of vertices [sensors, vertices] as one of regions [kept sensors, parcels]: the mean
// over the finite entries of a region's vertices; `regions` [vertices] holds numbers of
// 0 .. parcels - 1, others belong to none. A sensor without a finite entry for some region is
// dropped. Throws DataError where sizes differ, a region has no vertex or no sensor is left.
Matrix region_leadfield(const Matrix& leadfield, const std::vector<int64_t>& regions,
                        int64_t parcels);

// Regularised minimum norm, L' (L L' + tr(L L') / (9 M) I)^-1 [parcels, sensors].
Matrix minimum_norm_inverse(const Matrix& leadfield);

struct SensorRecording {
  FloatMatrix sensors;  // [sensors, samples] T or V
  FloatMatrix sources;  // [parcels, samples] nAm, by the inverse
};

// `moment` [parcels, samples at fs] without its means, scaled to an rms of 10 nAm over all, through
// the lead field; plus noise, half white and half AR(1, 0.9), drawn at `noise_rate` and resampled
// to fs, with a total rms of the signal's over `snr`. Streams begin with `name`.
SensorRecording record(FloatMatrix moment, const Matrix& leadfield, const Matrix& inverse,
                       double snr, double noise_rate, double fs, uint64_t seed,
                       const std::string& name);

}  // namespace tenfold::samba_align
