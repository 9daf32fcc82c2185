#pragma once

#include "engine/wire/fields.hpp"
#include "engine/wire/scattered_frame.hpp"

#include <xxhash.h>

#include <initializer_list>
#include <memory>
#include <msgpack/pack.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::wire {

/// Lets msgpack-c write into a string.
struct string_writer {
  std::string& text;
  void write(const char* bytes, std::size_t size) { text.append(bytes, size); }
};

/// Writes one frame, key by key, and closes it with its checksum.
class frame_writer {
 public:
  frame_writer(const header& head, std::string_view kind, std::uint32_t own_keys, std::size_t expected)
      : packer_(writer_) {
    frame_.reserve(expected);
    packer_.pack_map(own_keys + 9);
    number("sluice", format_version);
    text("kind", kind);
    text("run", head.run);
    number("edge", head.edge);
    number("from", head.from);
    number("to", head.to);
    number("attempt", head.attempt);
    number("sequence", head.sequence);
  }

  void number(std::string_view name, std::uint64_t value) { key(name), packer_.pack(value); }
  void signed_number(std::string_view name, std::int64_t value) { key(name), packer_.pack(value); }
  void text(std::string_view name, std::string_view value) { key(name), string(value); }
  void boolean(std::string_view name, bool value) { key(name), packer_.pack(value); }
  void bytes(std::string_view name, std::string_view value) {
    key(name);
    packer_.pack_bin(static_cast<std::uint32_t>(value.size()));
    frame_.append(value);
  }
  void list(std::string_view name, std::initializer_list<std::uint64_t> values) {
    key(name);
    packer_.pack_array(static_cast<std::uint32_t>(values.size()));
    for (const auto value : values) packer_.pack(value);
  }
  void pair(std::int64_t first, std::int64_t second) {
    packer_.pack_array(2);
    packer_.pack(first);
    packer_.pack(second);
  }
  void key(std::string_view name) { string(name); }
  msgpack::packer<string_writer>& packer() { return packer_; }
  std::string& frame() { return frame_; }

  /// Pads the frame so that the bytes of a `body` written next start at a multiple of 64: a receiver may use it in
  /// place.
  void align_body() {
    constexpr std::size_t alignment = 64;
    key("pad");
    const std::size_t before = frame_.size() + 2 + 5 + 5;  // bin 8 header; the key "body"; bin 32 header
    const auto pad = (alignment - before % alignment) % alignment;
    packer_.pack_bin(static_cast<std::uint32_t>(pad));
    frame_.append(pad, '\0');
    key("body");
  }
  /// Writes a bin 32 header whatever the size, as align_body expects.
  void begin_body(std::size_t size) {
    const auto length = static_cast<std::uint32_t>(size);
    frame_ += '\xc6';
    for (int shift = 24; shift >= 0; shift -= 8) frame_ += static_cast<char>(length >> shift & 0xff);
  }

  /// Closes the frame. `body`: what follows the header that begin_body has written, as long as that says.
  scattered_frame finish(std::vector<piece> body = {}) {
    scattered_frame made{.head = std::move(frame_), .body = std::move(body), .tail = {}};
    frame_.clear();
    key("xxh3");
    made.tail = std::move(frame_);
    const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> sum(::XXH3_createState(), ::XXH3_freeState);
    ::XXH3_64bits_reset(sum.get());
    const auto add = [&](const void* bytes, std::size_t size) { ::XXH3_64bits_update(sum.get(), bytes, size); };
    add(made.head.data(), made.head.size());
    for (const auto& one : made.body) add(one.bytes, static_cast<std::size_t>(one.size));
    add(made.tail.data(), made.tail.size());
    const std::uint64_t value = ::XXH3_64bits_digest(sum.get());
    made.tail += '\xcf';
    for (int shift = 56; shift >= 0; shift -= 8) made.tail += static_cast<char>(value >> shift & 0xff);
    return made;
  }

 private:
  void string(std::string_view value) {
    packer_.pack_str(static_cast<std::uint32_t>(value.size()));
    frame_.append(value);
  }

  std::string frame_;
  string_writer writer_{frame_};
  msgpack::packer<string_writer> packer_;
};

}  // namespace sluice::wire
