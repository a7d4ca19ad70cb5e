// Where simulated parcels lie, and what follows from their distances (specification, 2.4.1-2).
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/matrix.h"

namespace tenfold::samba_align {

using Points = std::vector<Eigen::Vector3d>;

constexpr double kParcelRadius = 70;  // mm

// `count` points of the Fibonacci lattice, z falling, on a sphere of that radius around the origin.
Points fibonacci_sphere(int64_t count, double radius);

// The lattice on 70 mm, ordered so that neighbours in number are neighbours in space: x < 0 first,
// within a half by the angle around the x axis, atan2(z, y), rising; ties by z.
Points parcel_positions(int64_t count);

// Points of N(0, I_3), without a unit.
Points normal_positions(int64_t count, uint64_t seed);

// [to, from], in the points' unit.
Matrix distances(const Points& to, const Points& from);

// exp(-d^2 / (2 (15 mm)^2)) of distances in mm [targets, sources]; rows sum to 1.
Matrix spatial_mixing(const Matrix& millimetres);

// One-hot [targets, sources]: target q is the child of source floor(q * sources / targets).
Matrix child_mixing(int64_t targets, int64_t sources);

// exp(-d / 30 mm) * exp(n / 2) with symmetric n of N(0, 1); no self-connection; of the unordered
// pairs the strongest 30 % stay, the lower index first among equals. Symmetric [parcels, parcels].
Matrix draw_connections(const Matrix& millimetres, uint64_t seed);

// log(1 + counts) without the diagonal. Throws DataError, naming the entry, for a matrix that is
// not [parcels, parcels] or holds a negative or non-finite number.
Matrix connections_of_counts(const Matrix& counts, int64_t parcels);

// Every connection times exp(0.1 n), symmetric n of N(0, 1) from the stream `name`.
Matrix with_individual_strengths(const Matrix& connections, uint64_t seed, const std::string& name);

// Every row divided by its sum; a row of zeros stays.
Matrix rows_summing_to_one(Matrix m);

// Conduction at 6 m/s over distances in mm, in whole milliseconds.
Matrix delays_ms(const Matrix& millimetres);

}  // namespace tenfold::samba_align
