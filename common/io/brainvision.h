// BrainVision recordings: a header (.vhdr), the samples (.eeg) and markers (.vmrk) beside it
// (specification of samba-align, section 2.2.2). Values are stored * resolution, in volts where the
// unit is uV, mV, nV or V; markers become events labelled "type/description", but for the first
// "New Segment", which is the recording's begin.
#pragma once

#include <string>

#include "common/io/file.h"
#include "common/io/signals.h"

namespace tenfold::io {

// The contents of the three files; `markers` is null where there are none.
struct BrainVisionFiles {
  const std::string& header;
  const std::string* markers;
  const Bytes& data;
};

// `name` is the header's path and stands in messages.
Signals parse_brainvision(const BrainVisionFiles& files, const std::string& name);

// By the header's path; the files that it names lie in the same folder.
Signals read_brainvision(const std::string& path);

}  // namespace tenfold::io
