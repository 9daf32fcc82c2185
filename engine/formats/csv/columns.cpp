#include "engine/formats/csv/columns.hpp"

#include "engine/formats/csv/column_base.hpp"
#include "engine/values/types.hpp"

#include <cstring>

namespace sluice::csv {

field_text unquoter::content(const std::uint8_t* begin, const std::uint8_t* end) {
  const auto size = static_cast<std::size_t>(end - begin);
  const bool quoted = size > 0 && rules_.quote && *begin == *rules_.quote;
  const bool plain = !rules_.escape || std::memchr(begin, *rules_.escape, size) == nullptr;
  if (!quoted && plain) return {.text = {reinterpret_cast<const char*>(begin), size}};
  if (quoted && plain && size > 1 && end[-1] == *rules_.quote &&
      std::memchr(begin + 1, *rules_.quote, size - 2) == nullptr)
    return {.text = {reinterpret_cast<const char*>(begin) + 1, size - 2}, .quoted = true};
  return unescape(begin, end);
}

field_text unquoter::unescape(const std::uint8_t* begin, const std::uint8_t* end) {
  const int quote = rules_.quote ? *rules_.quote : -1;
  const int escape = rules_.escape ? *rules_.escape : -1;
  const bool quoted = *begin == quote;
  bool open = quoted;
  bool broken = false;
  scratch_.clear();
  for (const auto* at = begin + (quoted ? 1 : 0); at != end; ++at) {
    if (*at == escape) {
      if (++at == end) {
        broken = true;  // nothing stands behind the escape
        break;
      }
      scratch_ += static_cast<char>(*at);
    } else if (quoted && *at == quote) {
      if (open && at + 1 != end && at[1] == quote) {
        scratch_ += static_cast<char>(quote);
        ++at;
      } else {
        broken = broken || !open || at + 1 != end;
        open = false;
      }
    } else {
      scratch_ += static_cast<char>(*at);
    }
  }
  return {.text = scratch_, .quoted = quoted, .broken = broken || open};
}

result<std::unique_ptr<column_builder>> make_builder(builder_request what) {
  SLUICE_ASSIGN(auto into, typed::make_column(what.plan));
  if (into.kind == typed::value_kind::text || into.kind == typed::value_kind::marked ||
      into.kind == typed::value_kind::bytea)
    return make_text_builder(std::move(what), std::move(into));
  zone_clock zone;
  if (into.kind == typed::value_kind::timestamptz) {
    SLUICE_ASSIGN(zone, zone_clock::find(what.timezone));
  }
  const auto name = what.plan.name;
  const auto type = what.plan.type;
  auto builder = make_fixed_builder(std::move(what), std::move(into), zone);
  if (builder) return builder;
  return user_error("not_supported_yet",
                    "a CSV column of type " + type_name(*type) + " is not supported yet (" + name + ")",
                    "read it as text and cast it in a transform");
}

}  // namespace sluice::csv
