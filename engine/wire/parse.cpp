#include "engine/wire/fields.hpp"

#include <xxhash.h>

#include <msgpack.hpp>
#include <optional>

namespace sluice::wire {

error malformed(const std::string& message) {
  return external_error("malformed_frame", "not a message of Sluice: " + message,
                        "only `sluice node` processes of the same release can connect to a node's data port");
}

namespace {

enum class key {
  sluice,
  kind,
  run,
  edge,
  from,
  to,
  attempt,
  sequence,
  epoch,
  rows,
  order,
  part,
  fragment,
  schema,
  positions,
  nodes,
  buffers,
  codec,
  body_bytes,
  pad,
  body,
  time,
  window,
  xxh3,
};

constexpr std::string_view key_names[] = {"sluice",     "kind",     "run",       "edge",  "from",    "to",
                                          "attempt",    "sequence", "epoch",     "rows",  "order",   "part",
                                          "fragment",   "schema",   "positions", "nodes", "buffers", "codec",
                                          "body_bytes", "pad",      "body",      "time",  "window",  "xxh3"};

std::optional<key> find_key(std::string_view name) {
  for (std::size_t i = 0; i < std::size(key_names); ++i)
    if (key_names[i] == name) return static_cast<key>(i);
  return {};
}

/// Gets msgpack-c's parse events. Returning false stops the parser; `problem` then says why.
class frame_visitor : public msgpack::null_visitor {
 public:
  explicit frame_visitor(fields& into) : into_(into) {}

  std::string problem = "it is not MessagePack";
  bool whole = false;

  bool start_map(std::uint32_t) { return depth_++ == 0 || fail("it contains a map"); }
  bool start_map_key() { return in_key_ = true; }
  bool end_map_key() {
    in_key_ = false;
    return true;
  }
  bool end_map() {
    --depth_;
    return whole = true;
  }
  bool start_array(std::uint32_t) {
    if (depth_ == 0) return fail("it is not a map");
    const bool nested = key_ == key::nodes || key_ == key::buffers;
    const bool array_here = nested ? array_depth_ < 2 : array_depth_ < 1 && is_list();
    if (in_key_ || !array_here) return fail("an array is not allowed here");
    ++array_depth_;
    pair_size_ = 0;
    return true;
  }
  bool end_array() {
    if (array_depth_ == 2 && pair_size_ != 2) return fail("a node or buffer is not a pair");
    --array_depth_;
    return true;
  }
  bool visit_nil() {
    if (key_ != key::buffers || array_depth_ != 1) return fail("nil is not allowed here");
    into_.buffers.push_back({});
    return true;
  }
  bool visit_boolean(bool value) {
    if (depth_ == 0 || in_key_ || array_depth_ > 0 || key_ != key::positions) return fail("an unexpected boolean");
    into_.positions = value;
    return true;
  }
  bool visit_positive_integer(std::uint64_t value) { return integer(value, value <= INT64_MAX); }
  bool visit_negative_integer(std::int64_t value) {
    if (depth_ == 0 || in_key_ || key_ != key::time || array_depth_ > 0) return fail("an unexpected negative number");
    into_.time = value;
    return true;
  }
  bool visit_str(const char* text, std::uint32_t size) {
    const std::string_view value(text, size);
    if (in_key_) return take_key(value);
    if (depth_ == 0 || array_depth_ > 0) return fail("an unexpected text");
    switch (key_) {
      case key::kind:
        into_.kind = value;
        return true;
      case key::run:
        into_.run = value;
        return true;
      case key::codec:
        into_.codec = value;
        return true;
      default:
        return fail("an unexpected text");
    }
  }
  bool visit_bin(const char* bytes, std::uint32_t size) {
    if (depth_ == 0 || in_key_ || array_depth_ > 0) return fail("unexpected bytes");
    switch (key_) {
      case key::schema:
        into_.schema = {bytes, size};
        return true;
      case key::body:
        into_.body = {bytes, size};
        return true;
      case key::pad:
        return true;
      default:
        return fail("unexpected bytes");
    }
  }
  bool visit_float32(float) { return fail("an unexpected number"); }
  bool visit_float64(double) { return fail("an unexpected number"); }
  bool visit_ext(const char*, std::uint32_t) { return fail("an extension value"); }
  void parse_error(std::size_t, std::size_t) {}
  void insufficient_bytes(std::size_t, std::size_t) { problem = "it ends too early"; }

 private:
  bool fail(const char* why) {
    problem = why;
    return false;
  }
  [[nodiscard]] bool is_list() const { return key_ == key::order || key_ == key::part || key_ == key::fragment; }

  bool take_key(std::string_view name) {
    const auto found = find_key(name);
    if (!found) return fail("it has an unknown key");
    const auto bit = 1U << static_cast<unsigned>(*found);
    if ((seen_ & bit) != 0) return fail("it has a key twice");
    if ((seen_ == 0) != (*found == key::sluice)) return fail("its first key is not 'sluice'");
    seen_ |= bit;
    key_ = *found;
    return true;
  }

  bool integer(std::uint64_t value, bool fits) {
    if (depth_ == 0 || in_key_) return fail("it is not a map with text keys");
    if (key_ == key::xxh3 && array_depth_ == 0) return into_.checksum = value, true;
    if (!fits) return fail("a number is too large");
    const auto number = static_cast<std::int64_t>(value);
    if (array_depth_ == 2) return pair(number);
    if (array_depth_ == 1) return list_item(number);
    switch (key_) {
      case key::sluice:
        return value == format_version || fail("it has another version of the format");
      case key::edge:
        return into_.edge = value, true;
      case key::from:
        return into_.from = value, true;
      case key::to:
        return into_.to = value, true;
      case key::attempt:
        return into_.attempt = value, true;
      case key::sequence:
        return into_.sequence = value, true;
      case key::epoch:
        return into_.epoch = value, true;
      case key::rows:
        return into_.rows = value, true;
      case key::body_bytes:
        return into_.body_bytes = value, true;
      case key::time:
        return into_.time = number, true;
      case key::window:
        return into_.window = value, true;
      default:
        return fail("an unexpected number");
    }
  }

  bool pair(std::int64_t number) {
    if (pair_size_ == 2) return fail("a node or buffer is not a pair");
    if (pair_size_++ == 0) {
      first_ = number;
    } else if (key_ == key::nodes) {
      into_.nodes.push_back({first_, number});
    } else {
      into_.buffers.push_back({first_, number});
    }
    return true;
  }

  bool list_item(std::int64_t number) {
    if (!is_list()) return fail("an unexpected number in a list");
    auto& list = key_ == key::order ? into_.order : key_ == key::part ? into_.part : into_.fragment;
    if (list.size() == 5) return fail("a list is too long");
    list.push_back(number);
    return true;
  }

  fields& into_;
  key key_ = key::sluice;
  unsigned seen_ = 0;
  int depth_ = 0;
  int array_depth_ = 0;
  int pair_size_ = 0;
  std::int64_t first_ = 0;
  bool in_key_ = false;
};

/// The checksum is the last value, always written in nine bytes, over everything before them.
constexpr std::size_t checksum_bytes = 9;

}  // namespace

result<fields> parse(std::span<const char> frame) {
  if (frame.size() > max_frame_bytes) return malformed("it is larger than 4 MiB");
  fields found;
  frame_visitor visitor(found);
  std::size_t offset = 0;
  try {
    const bool parsed = msgpack::parse(frame.data(), frame.size(), offset, visitor);
    if (!parsed || !visitor.whole) return malformed(visitor.problem);
  } catch (const std::exception& problem) {
    return malformed(problem.what());
  }
  if (offset != frame.size()) return malformed("there are bytes after its map");
  const auto covered = frame.size() - std::min(frame.size(), checksum_bytes);
  if (XXH3_64bits(frame.data(), covered) != found.checksum) return malformed("its checksum is wrong");
  return found;
}

result<header> head_of(const fields& from) {
  if (from.run.empty() || from.run.size() > 64) return malformed("its run id is empty or too long");
  for (const auto number : {from.edge, from.from, from.to, from.attempt})
    if (number > UINT32_MAX) return malformed("a number in its head is too large");
  return header{.run = std::string(from.run),
                .edge = static_cast<std::uint32_t>(from.edge),
                .from = static_cast<std::uint32_t>(from.from),
                .to = static_cast<std::uint32_t>(from.to),
                .attempt = static_cast<std::uint32_t>(from.attempt),
                .sequence = from.sequence};
}

}  // namespace sluice::wire
