// EDF, EDF+ and BDF (the European Data Format and BioSemi's 24-bit form of it; specification of
// samba-align, section 2.2.2): values in volts where the unit is uV, mV, nV or V, annotations as
// events.
#pragma once

#include <string>
#include <vector>

#include "common/io/file.h"
#include "common/io/signals.h"

namespace tenfold::io {

// One recording. Throws DataError where the signals have different rates, naming two of them, and
// where an EDF+D file has a gap.
Signals parse_edf(const Bytes& file, const std::string& name);
Signals read_edf(const std::string& path);

// The same for signals of different rates: one recording a rate, in the order of their first
// signals; every one has all events.
std::vector<Signals> parse_edf_by_rate(const Bytes& file, const std::string& name);
std::vector<Signals> read_edf_by_rate(const std::string& path);

}  // namespace tenfold::io
