#include "engine/wire/frame.hpp"

#include "tests/engine/wire/sample_batches.hpp"

#include <arrow/api.h>
#include <xxhash.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>

using namespace sluice;
using namespace sluice::wire;

namespace {

const header sample_head{.run = "run-1", .edge = 1, .from = 2, .to = 3};

result<std::vector<message>> take(const std::string& frame) { return decoder().take(std::span<const char>(frame)); }

/// Puts the right checksum under a changed frame, so that what lies behind that check is reached.
void mend_checksum(std::string& frame) {
  if (frame.size() < 9) return;
  const auto covered = frame.size() - 9;
  const std::uint64_t sum = XXH3_64bits(frame.data(), covered);
  frame[covered] = '\xcf';
  for (int i = 0; i < 8; ++i)
    frame[covered + 1 + static_cast<std::size_t>(i)] = static_cast<char>(sum >> (56 - 8 * i) & 0xff);
}

/// Uses every value of a batch that the decoder let through.
void touch(const std::vector<message>& all) {
  for (const auto& one : all) {
    if (const auto* rows = std::get_if<batch>(&one.body)) {
      REQUIRE(rows->data->ValidateFull().ok());
      if (rows->rows() < 1000) (void)rows->data->ToString();
    }
  }
}

}  // namespace

TEST_CASE("what is no frame is refused") {
  for (const auto& text :
       {std::string(), std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100, '\0'), std::string("\x80"),
        std::string("\x81\xa6sluice\x01"), std::string("\x81\xa6sluice\x02"), std::string(1000, '\x91'),
        std::string("\xdf\xff\xff\xff\xff"), std::string("\xdd\xff\xff\xff\xff"), std::string("\xc6\xff\xff\xff\xff"),
        std::string("\x81\xa6sluice\xdd\xff\xff\xff\xff")}) {
    const auto got = take(text);
    REQUIRE_FALSE(got.ok());
    CHECK(got.problem().code == "malformed_frame");
  }
}

TEST_CASE("a frame above 4 MiB is refused before it is read") {
  CHECK(take(std::string(max_frame_bytes + 1, '\0')).problem().message.find("4 MiB") != std::string::npos);
}

TEST_CASE("every cut of a frame is refused") {
  const auto frame = encode({sample_head, test::sample_batches()[0].rows}, codec::none)->front();
  for (std::size_t size = 0; size < frame.size(); ++size) {
    auto cut = frame.substr(0, size);
    CHECK_FALSE(take(cut).ok());
  }
}

TEST_CASE("a changed bit anywhere is noticed by the checksum") {
  const auto frame = encode({sample_head, test::sample_batches()[0].rows}, codec::none)->front();
  for (std::size_t i = 0; i < frame.size(); ++i) {
    auto changed = frame;
    changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
    if (take(changed).ok()) FAIL("byte " << i);
  }
}

TEST_CASE("a compressed body that claims gigabytes is refused before there is room for them") {
  arrow::Int64Builder zeros;
  REQUIRE(zeros.AppendEmptyValues(100'000).ok());
  const batch rows{.data = arrow::RecordBatch::Make(arrow::schema({arrow::field("id", arrow::int64())}), 100'000,
                                                    {zeros.Finish().ValueOrDie()}),
                   .positions = nullptr,
                   .order = {}};
  for (const auto compression : {codec::lz4, codec::zstd}) {
    auto frame = encode({sample_head, rows}, compression)->front();
    const std::string key = "body_bytes\xce";  // and four bytes
    const auto at = frame.find(key);
    REQUIRE(at != std::string::npos);
    frame.replace(at + key.size(), 4, 4, '\xff');
    mend_checksum(frame);
    const auto got = take(frame);
    REQUIRE_FALSE(got.ok());
    CHECK(got.problem().message.find("decompressed body is larger than 4 MiB") != std::string::npos);
    // One that claims less than there is, and one that claims more.
    for (const auto size : {char(0), char(0x3f)}) {
      frame.replace(at + key.size(), 4, std::string{0, size, 0, 0});
      mend_checksum(frame);
      CHECK_FALSE(take(frame).ok());
    }
  }
}

TEST_CASE("random frames with a right checksum never crash and never grow") {
  // SLUICE_FUZZ_ROUNDS=1000000 searches longer; the seed is fixed so that a failure can be repeated.
  const auto* wanted = std::getenv("SLUICE_FUZZ_ROUNDS");
  const int rounds = wanted != nullptr ? std::atoi(wanted) : 3000;
  std::mt19937_64 random(20240501);
  std::vector<std::string> frames;
  for (const auto compression : {codec::none, codec::lz4, codec::zstd})
    for (const auto& sample : test::sample_batches())
      frames.push_back(encode({sample_head, sample.rows}, compression)->front());
  const auto memory_before = arrow::default_memory_pool()->bytes_allocated();
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    auto frame = frames[random() % frames.size()];
    const auto changes = 1 + random() % 4;
    for (std::uint64_t i = 0; i < changes; ++i) {
      const auto at = random() % frame.size();
      switch (random() % 4) {
        case 0:
          frame[at] = static_cast<char>(random());
          break;
        case 1:
          frame[at] = static_cast<char>(frame[at] ^ (1 << (random() % 8)));
          break;
        case 2:
          frame[at] = "\xff\x7f\x80\x01\xc0\xc6\xdd\xdf"[random() % 8];
          break;
        default:
          std::swap(frame[at], frame[random() % frame.size()]);
          break;
      }
    }
    mend_checksum(frame);
    const auto got = take(frame);
    if (got.ok()) {
      touch(*got);
    } else {
      ++refused;
    }
  }
  CHECK(refused > rounds / 10);
  CHECK(arrow::default_memory_pool()->bytes_allocated() == memory_before);
}
