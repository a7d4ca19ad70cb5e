// Internal to common/io: the lists of times and texts in the annotation signals of EDF+ and BDF+.
#pragma once

#include <string>
#include <vector>

#include "common/io/edf_header.h"
#include "common/io/signals.h"

namespace tenfold::io {

// The events of all records, from the first record's time on. Throws DataError for a list that is
// damaged and where the records of an EDF+D file do not follow each other without a gap.
std::vector<SignalEvent> parse_edf_annotations(const Bytes& file, const EdfHeader& header,
                                               const std::string& name);

}  // namespace tenfold::io
