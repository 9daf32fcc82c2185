#include "engine/wire/frame.hpp"
#include "engine/wire/window_frame.hpp"
#include "tests/fuzz/read_file.hpp"
#include "tests/fuzz/targets.hpp"

#include <arrow/api.h>
#include <xxhash.h>

#include <span>
#include <string>

namespace sluice::fuzz {

namespace {

/// Puts the right checksum under a frame, so that what lies behind that check is reached.
void mend_checksum(std::string& frame) {
  if (frame.size() < 9) return;
  const auto covered = frame.size() - 9;
  const std::uint64_t sum = XXH3_64bits(frame.data(), covered);
  frame[covered] = '\xcf';
  for (std::size_t i = 0; i < 8; ++i) frame[covered + 1 + i] = static_cast<char>(sum >> (56 - 8 * i) & 0xff);
}

void take(const std::string& frame) {
  if (const auto window = wire::parse_window(std::span<const char>(frame)); window.ok() && window->bytes < 0)
    broken_promise("a window below zero");
  wire::decoder decoder;
  // The second time the channel is known.
  for (int i = 0; i < 2; ++i) {
    const auto got = decoder.take(std::span<const char>(frame));
    if (!got.ok()) return;
    for (const auto& one : *got) {
      const auto* rows = std::get_if<batch>(&one.body);
      if (rows == nullptr) continue;
      if (const auto valid = rows->data->ValidateFull(); !valid.ok()) broken_promise(valid.ToString());
    }
  }
}

}  // namespace

void wire_decoder(const std::uint8_t* data, std::size_t size) {
  std::string frame(reinterpret_cast<const char*>(data), size);
  take(frame);
  mend_checksum(frame);
  take(frame);
}

}  // namespace sluice::fuzz
