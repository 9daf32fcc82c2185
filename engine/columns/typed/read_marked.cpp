#include "engine/columns/typed/read_marked.hpp"

#include "engine/columns/typed/read_value.hpp"
#include "engine/values/ascii.hpp"
#include "engine/values/json_text.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/uuid_text.hpp"

#include <algorithm>

namespace sluice::typed {

bool read_marked(std::string_view text, const arrow::DataType& type, std::string& out) {
  switch (mark_of(type)) {
    case text_mark::json:
      out.assign(json::trimmed(text));
      return json::valid(out);
    case text_mark::uuid:
      return read_uuid(ascii::trimmed(text), out);
    default: {
      out.assign(text);
      const auto characters = std::count_if(text.begin(), text.end(),
                                            [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; });
      return characters <= most_characters(type);
    }
  }
}

}  // namespace sluice::typed
