// A run's device as torch names it.
#pragma once

#include <c10/core/Device.h>

#include "common/core/device.h"

namespace tenfold::nn {

inline c10::Device torch_device(const Device& device) {
  return device.cuda ? c10::Device(c10::kCUDA, c10::DeviceIndex(device.index))
                     : c10::Device(c10::kCPU);
}

}  // namespace tenfold::nn
