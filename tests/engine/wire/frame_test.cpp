#include "engine/wire/frame.hpp"
#include "engine/wire/codec_choice.hpp"
#include "engine/wire/window_frame.hpp"

#include "tests/engine/wire/sample_batches.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::wire;
using sluice::test::same_batch;

namespace {

const header sample_head{.run = "0192f0c1-7f3e-7000-8000-000000000001", .edge = 1, .from = 2, .to = 3, .attempt = 4};

/// Encodes and decodes; every frame but the last must give nothing.
message travel(const batch& rows, codec compression = codec::none, std::size_t* frame_count = nullptr) {
  const auto frames = encode({sample_head, rows}, compression);
  REQUIRE(frames.ok());
  if (frame_count != nullptr) *frame_count = frames->size();
  decoder to;
  for (std::size_t i = 0; i < frames->size(); ++i) {
    CHECK((*frames)[i].size() <= max_frame_bytes);
    auto got = to.take(std::span<const char>((*frames)[i]));
    INFO((got.ok() ? std::string() : got.problem().to_string()));
    REQUIRE(got.ok());
    REQUIRE(got->size() == (i + 1 == frames->size() ? 1 : 0));
    if (i + 1 == frames->size()) return got->front();
  }
  FAIL("no frame");
  return {};
}

}  // namespace

TEST_CASE("a batch of every type survives the wire, sliced, empty and compressed") {
  for (const auto compression : {codec::none, codec::lz4, codec::zstd}) {
    for (const auto& sample : test::sample_batches()) {
      INFO(sample.name);
      const auto back = travel(sample.rows, compression);
      CHECK(back.head.run == sample_head.run);
      CHECK(back.head.edge == 1);
      CHECK(back.head.from == 2);
      CHECK(back.head.to == 3);
      CHECK(back.head.attempt == 4);
      CHECK(same_batch(std::get<batch>(back.body), sample.rows));
    }
  }
}

TEST_CASE("a slice sends only the bytes that its rows use") {
  const auto whole = test::wide_batch(1000, 100);
  const auto frames = encode({sample_head, whole.slice(500, 10)}, codec::none);
  REQUIRE(frames.ok());
  REQUIRE(frames->size() == 1);
  CHECK(frames->front().size() < 10 * (8 + 100 + 4 + 8) + 1500);
}

TEST_CASE("a dictionary sends only the values that are used") {
  arrow::StringBuilder words;
  for (int i = 0; i < 10000; ++i) REQUIRE(words.Append("word number " + std::to_string(i)).ok());
  arrow::Int32Builder indices;
  REQUIRE(indices.AppendValues({9999, 5, 5}).ok());
  const auto type = arrow::dictionary(arrow::int32(), arrow::utf8());
  const auto column =
      std::make_shared<arrow::DictionaryArray>(type, indices.Finish().ValueOrDie(), words.Finish().ValueOrDie());
  const batch rows{.data = arrow::RecordBatch::Make(arrow::schema({arrow::field("word", type)}), 3, {column}),
                   .positions = nullptr,
                   .order = {}};
  CHECK(encode({sample_head, rows}, codec::none)->front().size() < 2000);
  const auto back = travel(rows);
  CHECK(same_batch(std::get<batch>(back.body), rows));
  const auto& coded = static_cast<const arrow::DictionaryArray&>(*std::get<batch>(back.body).data->column(0));
  CHECK(coded.dictionary()->length() == 2);
}

TEST_CASE("a batch above 4 MiB is split by rows and comes out whole") {
  const auto rows = test::wide_batch(100000, 100);
  for (const auto compression : {codec::none, codec::lz4}) {
    std::size_t frames = 0;
    CHECK(same_batch(std::get<batch>(travel(rows, compression, &frames).body), rows));
    CHECK(frames >= 3);
    CHECK(frames <= 5);
  }
}

TEST_CASE("a row above 4 MiB travels as numbered fragments") {
  std::size_t frames = 0;
  const auto rows = test::wide_batch(1, 9 * 1024 * 1024);
  CHECK(same_batch(std::get<batch>(travel(rows, codec::zstd, &frames).body), rows));
  CHECK(frames == 3);
}

TEST_CASE("large and small rows of one batch come out together and in order") {
  auto rows = test::wide_batch(3, 6 * 1024 * 1024);
  const auto small = test::wide_batch(1000, 10);
  rows.data = arrow::ConcatenateRecordBatches({small.data, rows.data, small.data}).ValueOrDie();
  rows.positions = nullptr;
  CHECK(same_batch(std::get<batch>(travel(rows).body), rows));
}

TEST_CASE("markers survive the wire") {
  decoder to;
  auto head = sample_head;
  const auto send = [&](const payload& body) {
    const auto frames = encode({head, body}, codec::none);
    REQUIRE(frames->size() == 1);
    const auto got = to.take(std::span<const char>(frames->front()));
    REQUIRE(got.ok());
    REQUIRE(got->size() == 1);
    ++head.sequence;
    return got->front().body;
  };
  CHECK(std::get<barrier>(send(barrier{12})).epoch == 12);
  CHECK(std::get<watermark>(send(watermark{-5})).time == -5);
  CHECK(std::get<watermark>(send(watermark{INT64_MAX})).time == INT64_MAX);
  CHECK(std::get<end_of_data>(send(end_of_data{UINT32_MAX})).rows == UINT32_MAX);
}

TEST_CASE("a lost or repeated frame is noticed") {
  const auto rows = test::wide_batch(10, 10);
  const auto frame_number = [&](std::uint64_t number) {
    auto head = sample_head;
    head.sequence = number;
    return encode({head, rows}, codec::none)->front();
  };
  decoder to;
  REQUIRE(to.take(std::span<const char>(frame_number(0))).ok());
  REQUIRE(to.take(std::span<const char>(frame_number(1))).ok());
  SECTION("lost") { CHECK(to.take(std::span<const char>(frame_number(3))).problem().code == "frame_lost"); }
  SECTION("repeated") { CHECK(to.take(std::span<const char>(frame_number(1))).problem().code == "frame_lost"); }
  SECTION("passed over where its run is over") {
    to.forget(sample_head.run);
    const auto late = to.take(std::span<const char>(frame_number(7)));
    REQUIRE(late.ok());
    CHECK(late->empty());
  }
}

TEST_CASE("a fragment without its beginning is refused") {
  const auto frames = encode({sample_head, test::wide_batch(1, 9 * 1024 * 1024)}, codec::none);
  decoder to;
  REQUIRE(to.take(std::span<const char>((*frames)[0])).ok());
  decoder other;
  CHECK_FALSE(other.take(std::span<const char>((*frames)[1])).ok());
}

TEST_CASE("types that do not travel are refused by name") {
  const auto column = arrow::MakeArrayOfNull(arrow::utf8_view(), 2).ValueOrDie();
  const batch rows{
      .data = arrow::RecordBatch::Make(arrow::schema({arrow::field("v", arrow::utf8_view())}), 2, {column}),
      .positions = nullptr,
      .order = {}};
  const auto frames = encode({sample_head, rows}, codec::none);
  REQUIRE_FALSE(frames.ok());
  CHECK(frames.problem().code == "not_supported_yet");
  CHECK(frames.problem().message.find("string_view") != std::string::npos);
}

TEST_CASE("compression is used where the link is slow enough to gain by it, and left where it is not") {
  constexpr std::int64_t mebibyte = 1024 * 1024;
  constexpr double lz4_speed = 500e6, zstd_speed = 250e6;
  const auto settled = [&](double link, double lz4_left, double zstd_left) {
    codec_choice choice(compression::automatic);
    auto last = codec::none;
    for (int i = 0; i < 100; ++i) {
      last = choice.next(mebibyte, link);
      const auto left = last == codec::lz4 ? lz4_left : zstd_left;
      choice.measured(last, mebibyte, static_cast<std::int64_t>(mebibyte * left),
                      mebibyte / (last == codec::lz4 ? lz4_speed : zstd_speed));
    }
    return last;
  };
  CHECK(settled(0, 0.5, 0.3) == codec::none);       // it was never full
  CHECK(settled(2e9, 0.5, 0.3) == codec::none);     // loopback
  CHECK(settled(125e6, 0.5, 0.4) == codec::lz4);    // 1 Gbit/s
  CHECK(settled(12.5e6, 0.5, 0.3) == codec::zstd);  // 100 Mbit/s
  CHECK(settled(12.5e6, 1, 0.98) == codec::none);   // nothing to gain
  codec_choice small(compression::automatic);
  CHECK(small.next(100, 12.5e6) == codec::none);
  codec_choice told(compression::lz4);
  CHECK(told.next(100, 0) == codec::lz4);
  CHECK_FALSE(parse_compression("gzip"));
}

TEST_CASE("a window frame says what it was given, and other frames are none") {
  const window_frame given{.of = sample_head, .rows = 1'234'567, .bytes = 4'194'304};
  const auto frame = encode_window(given);
  CHECK(frame.size() <= max_window_frame_bytes);
  const auto got = parse_window(std::span<const char>(frame));
  REQUIRE(got.ok());
  CHECK(got->of.run == sample_head.run);
  CHECK(got->of.to == sample_head.to);
  CHECK(got->of.attempt == sample_head.attempt);
  CHECK(got->rows == 1'234'567);
  CHECK(got->bytes == 4'194'304);
  decoder rows;
  CHECK_FALSE(rows.take(std::span<const char>(frame)).ok());
  const auto end = encode({sample_head, end_of_data{5}}, codec::none).value();
  CHECK_FALSE(parse_window(std::span<const char>(end[0])).ok());
  for (std::size_t cut = 0; cut < frame.size(); ++cut)
    CHECK_FALSE(parse_window(std::span<const char>(frame).first(cut)).ok());
}
