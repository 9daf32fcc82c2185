#pragma once

#include "engine/files/files.hpp"

namespace sluice {

/// A stream whose bytes come over time: standard input, and what is around it. It can give what is there, instead of
/// waiting for all that was asked for.
class arriving_stream {
 public:
  virtual ~arriving_stream() = default;
  /// False where the bytes can only be had as `read` gives them (packed, or in another encoding).
  [[nodiscard]] virtual bool arrives() const = 0;
  /// Reads what is there, at least one byte; 0 at the end. Waits only for the first one.
  virtual result<std::int64_t> read_some(std::uint8_t* into, std::int64_t size) = 0;
  /// True where `read_some` would not wait.
  [[nodiscard]] virtual bool ready() = 0;
};

/// The stream as one whose bytes come over time; null where it is none.
inline arriving_stream* as_arriving(byte_stream& stream) {
  auto* const found = dynamic_cast<arriving_stream*>(&stream);
  return found != nullptr && found->arrives() ? found : nullptr;
}

/// Reads the next bytes, those that are there where the stream is an arriving one; 0 only at the end.
inline result<std::int64_t> read_arrived(byte_stream& stream, std::uint8_t* into, std::int64_t size) {
  if (auto* const live = as_arriving(stream)) return live->read_some(into, size);
  return stream.read(into, size);
}

/// Reads the first bytes, fewer than `most` at the end, and where `wants_more` is false for those that have come.
result<std::string> read_begin(byte_stream& stream, std::int64_t most, bool (*wants_more)(std::string_view begin));

/// From now on whoever peeks at standard input is content with the whole lines that are there when it pauses. For runs
/// that show their rows as they come: else types are inferred from a sample of a size that time has no part in.
void show_standard_input_as_it_comes();

}  // namespace sluice
