// For tests: GIFTI files as text.
#pragma once

#include <string>

#include "common/io/file.h"

namespace tenfold::io {

struct GiftiArrayForTest {
  std::string data, dims = "Dimensionality=\"1\" Dim0=\"3\"", encoding = "ASCII",
                    type = "NIFTI_TYPE_FLOAT32", intent = "NIFTI_INTENT_TIME_SERIES",
                    order = "RowMajorOrder", endian = "LittleEndian", metadata;
};

inline std::string gifti_array(const GiftiArrayForTest& a) {
  return "<DataArray Intent=\"" + a.intent + "\" DataType=\"" + a.type +
         "\" ArrayIndexingOrder=\"" + a.order + "\" " + a.dims + " Encoding=\"" + a.encoding +
         "\" Endian=\"" + a.endian + "\" ExternalFileName=\"\" ExternalFileOffset=\"\"><MetaData>" +
         a.metadata + "</MetaData><Data>" + a.data + "</Data></DataArray>";
}

inline Bytes gifti_file(const std::string& inside) {
  const std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE GIFTI SYSTEM "
      "\"http://www.nitrc.org/frs/download.php/115/gifti.dtd\">\n<GIFTI Version=\"1.0\" "
      "NumberOfDataArrays=\"1\">" +
      inside + "</GIFTI>";
  return Bytes(text.begin(), text.end());
}

inline std::string gifti_md(const std::string& name, const std::string& value) {
  return "<MD><Name><![CDATA[" + name + "]]></Name><Value><![CDATA[" + value + "]]></Value></MD>";
}

}  // namespace tenfold::io
