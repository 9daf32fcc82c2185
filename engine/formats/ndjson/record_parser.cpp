#include "engine/formats/ndjson/record_parser.hpp"

#include "engine/error/names.hpp"
#include "engine/values/map_type.hpp"
#include "engine/values/marked_text.hpp"

#include <cstring>
#include <unordered_set>

namespace sluice::ndjson {

namespace {

bool starts_number(char c) { return c == '-' || (c >= '0' && c <= '9'); }

std::string shortened(std::string_view text) { return sluice::shortened(text, 100); }

}  // namespace

const char* record_parser::fail(std::string code, std::string column, std::string message) {
  fault_ = {.code = std::move(code), .column = std::move(column), .message = std::move(message)};
  return nullptr;
}

const char* record_parser::broken(const char* at) {
  if (*at == '\n') return fail("invalid_json", "", "the record is truncated: its JSON object is not complete");
  const auto* const end = line_end(at);
  if (nested_too_deep({begin_, static_cast<std::size_t>(end - begin_)}))
    return fail("invalid_json", "",
                "the record is nested more than " + std::to_string(deepest_nesting) + " objects and lists deep");
  return fail("invalid_json", "",
              "not valid JSON from byte " + std::to_string(at - begin_ + 1) +
                  " on: " + sluice::shortened({at, static_cast<std::size_t>(end - at)}, 20));
}

const char* record_parser::read(const char* at) {
  begin_ = at;
  at = skip_blanks(at);
  const char* end = nullptr;
  if (*at != '{') {
    const char* value = skip_value(at, 0);
    end = value == nullptr ? broken(at)
                           : fail("invalid_json", "",
                                  "expected an object, found " + shortened({at, static_cast<std::size_t>(value - at)}));
  } else {
    end = read_object(at, keys_, rows_.columns(), rows_.count(), 0);
    if (end != nullptr) {
      end = skip_blanks(end);
      if (*end != '\n')
        end = fail("invalid_json", "",
                   "expected one object per line, found trailing text: " +
                       shortened({end, static_cast<std::size_t>(line_end(end) - end)}));
    }
  }
  if (end == nullptr) {
    rows_.take_back();
    return nullptr;
  }
  constexpr bool filled = true;
  rows_.keep(filled);
  return end;
}

/// Reads a key and finds its entry (-1: none), mostly the one that followed `before` (-1: the begin) in the last
/// object.
const char* record_parser::find_key(const char* at, key_table& keys, int before, int& found) {
  auto& guess = before < 0 ? keys.first : keys.entries[static_cast<std::size_t>(before)].follower;
  if (guess >= 0 && static_cast<std::size_t>(guess) < keys.entries.size()) {
    const auto& entry = keys.entries[static_cast<std::size_t>(guess)];
    if (entry.stands_at(at, keys.lead)) {
      found = guess;
      return at + entry.rest(keys.lead);
    }
  }
  found = -1;
  if (*at != '"') return broken(at);
  std::string_view name;
  const char* end = view_string(at, name);
  if (end == nullptr) return broken(at);
  if (const auto known = keys.by_name.find(name); known != keys.by_name.end()) {
    found = known->second;
  } else if (keys.ignore_unknown) {
    found = keys.learn(name);
    if (found < 0 && !keys.note_other(name)) return twice(name);
  } else {
    return fail("unknown_field", std::string(name),
                "the field " + shortened(name) +
                    " did not occur in the sample from which the columns were inferred: give its type (types:), or "
                    "list the columns that you need (columns:)");
  }
  if (found >= 0) (before < 0 ? keys.first : keys.entries[static_cast<std::size_t>(before)].follower) = found;
  end = skip_blanks(end);
  return *end == ':' ? end + 1 : broken(end);
}

const char* record_parser::read_object(const char* at, key_table& keys, std::vector<column>& columns, std::int64_t row,
                                       int depth) {
  std::size_t filled = 0;
  at = read_members<false>(at, keys, columns.data(), depth, filled);
  if (at != nullptr && filled < columns.size()) {
    for (auto& one : columns)
      if (one.length == row) one.append_null();
  }
  return at;
}

/// Reads an object's members into `columns` and counts them in `filled`; with Pass they are only checked.
template <bool Pass>
const char* record_parser::read_members(const char* at, key_table& keys, column* columns, int depth,
                                        std::size_t& filled) {
  const auto stamp = ++keys.objects;
  int place = -1;
  at = skip_blanks(at + 1);
  if (*at == '}') return at + 1;
  at = find_key(at, keys, place, place);
  for (;;) {
    if (at == nullptr) return nullptr;
    at = skip_blanks(at);
    column* into = nullptr;
    nested_keys* inner = nullptr;
    if (place >= 0) {
      auto& found = keys.entries[static_cast<std::size_t>(place)];
      if (found.seen == stamp) return twice(found.name);
      found.seen = stamp;
      if (!Pass && found.column >= 0) into = columns + found.column;
      if (found.nested) inner = found.inner.get();
    }
    if (into != nullptr) {
      at = read_value(at, *into, inner, depth + 1);
      ++filled;
    } else if (inner == nullptr) {
      // Without a call: most of what nobody reads is plain.
      const char* const end = skip_plain_value(at, depth + 1);
      if (end == nullptr) return broken(at);
      at = end;
    } else {
      at = pass_value(at, *inner, depth + 1);
    }
    if (at == nullptr) return nullptr;
    if (place >= 0) {
      // Mostly the key follows that followed in the last object.
      if (const int next = keys.entries[static_cast<std::size_t>(place)].follower; next >= 0) {
        const auto& entry = keys.entries[static_cast<std::size_t>(next)];
        if (entry.stands_at(at, 0)) {
          at += entry.size;
          place = next;
          continue;
        }
      }
    }
    at = skip_blanks(at);
    if (*at == '}') return at + 1;
    if (*at != ',') return broken(at);
    keys.note_lead(at);
    at = skip_blanks(at + 1);
    at = find_key(at, keys, place, place);
  }
}

/// Passes over a value that nobody reads. Objects inside whose keys are known are checked as if it were read.
const char* record_parser::pass_value(const char* at, nested_keys& inner, int depth) {
  if (*at != (inner.element ? '[' : '{')) {
    const char* end = skip_plain_value(at, depth);
    return end != nullptr ? end : broken(at);
  }
  if (depth > deepest_nesting) return broken(at);
  if (inner.element)
    return elements(at, [&](const char* value) { return pass_value(value, *inner.element, depth + 1); });
  std::size_t ignored = 0;
  return read_members<true>(at, inner.keys, nullptr, depth, ignored);
}

const char* record_parser::twice(std::string_view key) {
  return fail("duplicate_key", std::string(key), "the record has the key " + shortened(key) + " twice");
}

/// Calls `each` at the elements of the list that begins at `at`; it gives their ends.
template <class Each>
const char* record_parser::elements(const char* at, Each&& each) {
  at = skip_blanks(at + 1);
  if (*at == ']') return at + 1;
  for (;;) {
    at = each(at);
    if (at == nullptr) return nullptr;
    at = skip_blanks(at);
    if (*at == ']') return at + 1;
    if (*at != ',') return broken(at);
    at = skip_blanks(at + 1);
  }
}

const char* record_parser::read_value(const char* at, column& into, nested_keys* inner, int depth) {
  if (*at == 'n') {
    if (std::strncmp(at, "null", 4) != 0) return broken(at);
    into.append_null();
    return at + 4;
  }
  switch (into.kind) {
    case value_kind::text:
      return read_text(at, into);
    case value_kind::marked:
      if (is_json_type(*into.type)) {
        const char* end = skip_value(at, depth);
        if (end == nullptr) return broken(at);
        typed::append_bytes({at, static_cast<std::size_t>(end - at)}, into);
        return end;
      }
      if (*at == '"') {
        std::string_view text;
        const char* end = view_string(at, text);
        if (end == nullptr) return broken(at);
        if (typed::append_text(text, into, rows_.zone())) return end;
      }
      break;
    case value_kind::boolean:
      if (*at == 't' || *at == 'f') {
        const char* end = skip_value(at, depth);
        if (end == nullptr) return broken(at);
        typed::append_boolean(*at == 't', into);
        return end;
      }
      [[fallthrough]];
    default:
      if (starts_number(*at)) {
        number value;
        const char* end = read_number(at, value);
        if (end == nullptr) return broken(at);
        if (typed::append_number(value, into)) return end;
      } else if (*at == '"') {
        std::string_view text;
        const char* end = view_string(at, text);
        if (end == nullptr) return broken(at);
        if (typed::append_text(text, into, rows_.zone())) return end;
      }
      break;
    case value_kind::list:
      if (*at == '[') return read_list(at, into, inner, depth);
      if (*at == '{' && is_map_type(*into.type)) return read_map(at, into, inner, depth);
      break;
    case value_kind::structure:
      if (*at == '{') {
        if (depth > deepest_nesting) return broken(at);
        at = read_object(at, inner->keys, into.children, into.length, depth);
        if (at != nullptr) ++into.length;
        return at;
      }
      break;
  }
  return read_misfit(at, into, depth);
}

const char* record_parser::read_list(const char* at, column& into, nested_keys* inner, int depth) {
  if (depth > deepest_nesting) return broken(at);
  auto& element = into.children[0];
  auto* const inside = inner == nullptr ? nullptr : inner->element.get();
  at = elements(at, [&](const char* value) { return read_value(value, element, inside, depth + 1); });
  if (at == nullptr) return nullptr;
  into.offsets.append(static_cast<std::int32_t>(element.length));
  ++into.length;
  return at;
}

/// An object as a map: each member is an entry.
const char* record_parser::read_map(const char* at, column& into, nested_keys* inner, int depth) {
  if (depth > deepest_nesting) return broken(at);
  auto& entries = into.children[0];
  nested_keys* of_value = nullptr;
  if (inner != nullptr && inner->element != nullptr) of_value = inner->element->keys.entries[1].inner.get();
  std::unordered_set<std::string> seen;
  at = skip_blanks(at + 1);
  bool more = *at != '}';
  if (!more) ++at;
  while (more) {
    if (*at != '"') return broken(at);
    std::string_view key;
    const char* end = view_string(at, key);
    if (end == nullptr) return broken(at);
    if (!seen.emplace(key).second) return twice(key);
    auto& keys = entries.children[0];
    const auto shown = "\"" + shortened(key) + "\"";
    if (!typed::append_text(key, keys, rows_.zone()) && !rows_.misfit(keys, shown, shown)) {
      fault_ = rows_.fault();
      return nullptr;
    }
    at = skip_blanks(end);
    if (*at != ':') return broken(at);
    at = read_value(skip_blanks(at + 1), entries.children[1], of_value, depth + 1);
    if (at == nullptr) return nullptr;
    ++entries.length;
    at = skip_blanks(at);
    if (*at != ',' && *at != '}') return broken(at);
    more = *at == ',';
    at = more ? skip_blanks(at + 1) : at + 1;
  }
  into.offsets.append(static_cast<std::int32_t>(entries.length));
  ++into.length;
  return at;
}

const char* record_parser::read_text(const char* at, column& into) {
  if (*at != '"') {
    // A text column takes other values as they stand.
    const char* end = skip_value(at, 1);
    if (end == nullptr) return broken(at);
    typed::append_bytes({at, static_cast<std::size_t>(end - at)}, into);
    return end;
  }
  const char* from = at + 1;
  auto* out = into.values.room(32);
  for (;;) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
    const int run = plain_run(bytes);
    from += run;
    out += run;
    if (run < 16) {
      if (*from == '"') break;
      int length = 0;
      const char* next = *from == '\\' ? read_escape(from, reinterpret_cast<char*>(out), length) : nullptr;
      if (next == nullptr) return broken(from);
      from = next;
      out += length;
    }
    into.values.advance_to(out);
    out = into.values.room(32);
  }
  into.values.advance_to(out);
  into.offsets.append(static_cast<std::int32_t>(into.values.size()));
  ++into.length;
  return from + 1;
}

const char* record_parser::view_string(const char* at, std::string_view& out) {
  const char* stop = skip_plain(at + 1);
  if (*stop == '"') {
    out = {at + 1, static_cast<std::size_t>(stop - at - 1)};
    return stop + 1;
  }
  const char* end = read_string(at + 1, scratch_);
  out = scratch_;
  return end;
}

const char* record_parser::read_misfit(const char* at, column& into, int depth) {
  const char* end = skip_value(at, depth);
  if (end == nullptr) return broken(at);
  const auto value = shortened({at, static_cast<std::size_t>(end - at)});
  if (rows_.misfit(into, value, value)) return end;
  fault_ = rows_.fault();
  return nullptr;
}

}  // namespace sluice::ndjson
