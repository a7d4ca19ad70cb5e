#include "common/io/xml.h"

#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "common/core/error.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr size_t kDeepest = 32;
constexpr size_t kPiece = size_t{1} << 26;  // expat counts in int

struct Builder {
  XML_Parser parser;
  std::unique_ptr<XmlNode> root;
  std::vector<XmlNode*> open;
  std::string fault;

  void stop(const std::string& why) {
    if (fault.empty()) fault = why;
    XML_StopParser(parser, XML_FALSE);
  }
};

// A C library calls these: no exception may leave them.
template <class Action>
void guarded(void* user, const Action& action) {
  auto& builder = *static_cast<Builder*>(user);
  if (!builder.fault.empty()) return;
  try {
    action(builder);
  } catch (const std::bad_alloc&) {
    builder.stop("needs more memory than there is");
  }
}

void on_start(void* user, const XML_Char* name, const XML_Char** attributes) {
  guarded(user, [&](Builder& b) {
    if (b.open.size() == kDeepest) return b.stop("elements are nested deeper than 32");
    auto node = std::make_unique<XmlNode>();
    node->name = name;
    for (; attributes[0] != nullptr; attributes += 2)
      node->attributes[attributes[0]] = attributes[1];
    XmlNode* const raw = node.get();
    if (b.open.empty()) {
      b.root = std::move(node);
    } else {
      b.open.back()->children.push_back(std::move(node));
    }
    b.open.push_back(raw);
  });
}

void on_end(void* user, const XML_Char*) {
  guarded(user, [](Builder& b) { b.open.pop_back(); });
}

void on_text(void* user, const XML_Char* text, int size) {
  guarded(user, [&](Builder& b) { b.open.back()->text.append(text, size_t(size)); });
}

void on_entity(void* user, const XML_Char*, int, const XML_Char*, int, const XML_Char*,
               const XML_Char*, const XML_Char*, const XML_Char*) {
  guarded(user, [](Builder& b) { b.stop("defines entities of its own, expected none"); });
}

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

}  // namespace

std::string XmlNode::attribute(const std::string& wanted) const {
  const auto found = attributes.find(wanted);
  return found == attributes.end() ? "" : found->second;
}

const XmlNode* XmlNode::child(std::string_view wanted) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const auto& c) { return c->name == wanted; });
  return found == children.end() ? nullptr : found->get();
}

std::vector<const XmlNode*> XmlNode::all(std::string_view wanted) const {
  std::vector<const XmlNode*> out;
  for (const auto& c : children) {
    if (c->name == wanted) out.push_back(c.get());
  }
  return out;
}

std::unique_ptr<XmlNode> parse_xml(std::string_view text, const std::string& name) {
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser> parser(
      XML_ParserCreate(nullptr));
  if (!parser) throw std::bad_alloc();
  Builder builder{parser.get(), nullptr, {}, ""};
  XML_SetUserData(parser.get(), &builder);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);
  XML_SetEntityDeclHandler(parser.get(), on_entity);
  bool last = false;
  while (!last) {
    const std::string_view piece = text.substr(0, kPiece);
    text.remove_prefix(piece.size());
    last = text.empty();
    if (XML_Parse(parser.get(), piece.data(), int(piece.size()), last) == XML_STATUS_OK) continue;
    const std::string fault =
        builder.fault.empty() ? XML_ErrorString(XML_GetErrorCode(parser.get())) : builder.fault;
    throw DataError(
        fmt::format("{}: XML, line {}: {}", name, XML_GetCurrentLineNumber(parser.get()), fault));
  }
  return std::move(builder.root);
}

std::map<std::string, std::string> xml_metadata(const XmlNode* meta) {
  std::map<std::string, std::string> out;
  if (meta == nullptr) return out;
  for (const XmlNode* md : meta->all("MD")) {
    const XmlNode *key = md->child("Name"), *value = md->child("Value");
    if (key != nullptr && value != nullptr)
      out[std::string(trimmed(key->text))] = std::string(trimmed(value->text));
  }
  return out;
}

}  // namespace tenfold::io
