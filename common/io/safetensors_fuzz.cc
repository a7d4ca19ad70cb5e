// libFuzzer: whatever the bytes, the parser gives a tenfold::Error or contents that it writes and
// reads back as the same bytes.
#include "common/core/error.h"
#include "common/io/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  io::SafeTensors contents;
  try {
    contents = io::parse_safetensors(io::Bytes(data, data + size), "x");
  } catch (const Error&) {
    return 0;
  }
  for (const auto& [name, tensor] : contents.tensors) {
    if (static_cast<uint64_t>(tensor.numel() * io::dtype_size(tensor.dtype)) !=
        tensor.data.size()) {
      __builtin_trap();
    }
    try {
      tensor.to_float32(name);
      tensor.to_int64(name);
    } catch (const Error&) {
    }
  }
  const io::Bytes written = io::serialize_safetensors(contents);
  if (io::serialize_safetensors(io::parse_safetensors(written, "x")) != written) __builtin_trap();
  return 0;
}
