// Internal to common/io: base64 (RFC 4648) in XML, where it may be broken by white space.
#pragma once

#include <string>
#include <string_view>

#include "common/io/file.h"

namespace tenfold::io {

// `where` stands in messages. Throws DataError for other characters and for a length that is no
// multiple of 4.
Bytes decode_base64(std::string_view text, const std::string& where);

}  // namespace tenfold::io
