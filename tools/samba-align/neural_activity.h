// What either model of neural activity gives.
#pragma once

#include "tools/samba-align/matrix.h"

namespace tenfold::samba_align {

struct NeuralActivity {
  FloatMatrix moment;  // [parcels, samples] what sensors see: mV (neural mass), none (envelope)
  Matrix drive;        // [parcels, samples] what haemodynamics see: 1/s, none
};

}  // namespace tenfold::samba_align
