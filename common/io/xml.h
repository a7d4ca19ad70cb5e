// Internal to common/io: a small XML document in memory, by expat. Document types are skipped;
// entities that a document defines itself are refused.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::io {

struct XmlNode {
  std::string name, text;  // all characters directly inside
  std::map<std::string, std::string> attributes;
  std::vector<std::unique_ptr<XmlNode>> children;

  // "" where the attribute is not there.
  std::string attribute(const std::string& name) const;
  // The first child of that name, or null.
  const XmlNode* child(std::string_view name) const;
  std::vector<const XmlNode*> all(std::string_view name) const;
};

// The root. `name` stands in messages. Throws DataError, with the line, for what is not well
// formed or nested deeper than 32.
std::unique_ptr<XmlNode> parse_xml(std::string_view text, const std::string& name);

// Name -> Value of the <MD> elements below `meta`, which may be null.
std::map<std::string, std::string> xml_metadata(const XmlNode* meta);

}  // namespace tenfold::io
