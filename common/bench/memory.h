// Peak resident memory of this process (Linux).
#pragma once

#include <cstdint>

namespace tenfold::bench {

// Lets the peak start anew from what is resident now. Returns false where the kernel refuses; the
// peak then is that since the start of the process.
bool restart_peak_memory();

// Bytes; 0 where the kernel does not tell.
int64_t peak_memory();

}  // namespace tenfold::bench
