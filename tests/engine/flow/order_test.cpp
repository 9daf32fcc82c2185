#include "engine/flow/order.hpp"

#include <arrow/api.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

using namespace sluice;
using flow::order_stamper;
using flow::outgoing_batch;
using flow::reorder_buffer;

namespace {

batch of_rows(std::int64_t rows) {
  arrow::Int64Builder builder;
  for (std::int64_t n = 0; n < rows; ++n) (void)builder.Append(n);
  batch made;
  made.data = arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), rows,
                                       {builder.Finish().ValueOrDie()});
  return made;
}

order_stamper row_wise(int ports = 1) {
  return {true, std::vector<batch>(static_cast<std::size_t>(ports), of_rows(0))};
}

std::string text(const outgoing_batch& out) {
  const auto& key = out.rows.order;
  return std::to_string(out.port) + ":" + std::to_string(key.split) + "." + std::to_string(key.sequence) + "." +
         std::to_string(key.chunk) + (key.last_chunk ? "" : "+") + (key.last_in_split ? "!" : "") +
         (out.rows.rows() == 0 ? " marker" : "");
}

std::vector<std::string> texts(const std::vector<outgoing_batch>& out) {
  std::vector<std::string> all;
  for (const auto& one : out) all.push_back(text(one));
  return all;
}

}  // namespace

TEST_CASE("a batch that gives one keeps its place") {
  auto stamper = row_wise();
  std::vector<outgoing_batch> out;
  stamper.taken({.split = 3, .sequence = 5, .last_in_split = true});
  stamper.made(0, of_rows(2), true, out);
  CHECK(out.empty());
  stamper.settled(out);
  CHECK(texts(out) == std::vector<std::string>{"0:3.5.0!"});
}

TEST_CASE("several batches of one are its chunks, none leaves a marker") {
  auto stamper = row_wise();
  std::vector<outgoing_batch> out;
  stamper.taken({.split = 1, .sequence = 0});
  for (int i = 0; i < 3; ++i) stamper.made(0, of_rows(1), true, out);
  stamper.settled(out);
  stamper.taken({.split = 1, .sequence = 1, .last_in_split = true});
  stamper.settled(out);
  CHECK(texts(out) == std::vector<std::string>{"0:1.0.0+", "0:1.0.1+", "0:1.0.2", "0:1.1.0! marker"});
}

TEST_CASE("chunks of chunks are numbered through, and a dropped middle one leaves no gap") {
  auto stamper = row_wise();
  std::vector<outgoing_batch> out;
  stamper.taken({.chunk = 0, .last_chunk = false});
  stamper.made(0, of_rows(1), true, out);
  stamper.made(0, of_rows(1), true, out);
  stamper.settled(out);
  stamper.taken({.chunk = 1, .last_chunk = false});
  stamper.settled(out);
  stamper.taken({.chunk = 2, .last_chunk = true});
  stamper.made(0, of_rows(1), true, out);
  stamper.settled(out);
  CHECK(texts(out) == std::vector<std::string>{"0:0.0.0+", "0:0.0.1+", "0:0.0.2"});
}

TEST_CASE("each port is a stream of its own") {
  auto stamper = row_wise(2);
  std::vector<outgoing_batch> out;
  stamper.taken({.sequence = 0});
  stamper.made(1, of_rows(1), true, out);
  stamper.made(1, of_rows(1), true, out);
  stamper.settled(out);
  CHECK(texts(out) == std::vector<std::string>{"1:0.0.0+", "0:0.0.0 marker", "1:0.0.1"});
}

TEST_CASE("a unit that answers late passes on the keys that its batches carry") {
  auto stamper = row_wise();
  std::vector<outgoing_batch> out;
  for (std::uint32_t n = 0; n < 4; ++n) stamper.taken({.sequence = n});
  for (const std::uint32_t n : {1U, 1U, 3U}) {
    auto rows = of_rows(1);
    rows.order = {.sequence = n};
    stamper.made(0, rows, false, out);
  }
  stamper.settled(out);
  CHECK(texts(out) == std::vector<std::string>{"0:0.0.0 marker", "0:0.1.0+", "0:0.1.1", "0:0.2.0 marker", "0:0.3.0"});
}

TEST_CASE("a unit that does not keep order numbers afresh") {
  order_stamper stamper(false, {of_rows(0)});
  std::vector<outgoing_batch> out;
  stamper.taken({.split = 7, .sequence = 7});
  stamper.made(0, of_rows(1), true, out);
  stamper.made(0, of_rows(1), true, out);
  stamper.settled(out);
  CHECK(texts(out) == std::vector<std::string>{"0:0.0.0", "0:0.1.0"});
}

TEST_CASE("what a row-wise unit makes when its input has ended follows all that came") {
  auto stamper = row_wise();
  reorder_buffer<int> below;
  std::vector<outgoing_batch> out;
  stamper.taken({.split = 0, .sequence = 0, .last_in_split = true});
  stamper.made(0, of_rows(2), true, out);
  stamper.settled(out);
  stamper.taken({.split = 1, .sequence = 0, .last_in_split = true});
  stamper.settled(out);
  stamper.made(0, of_rows(1), true, out);
  stamper.made(0, of_rows(1), true, out);
  CHECK(texts(out) == std::vector<std::string>{"0:0.0.0!", "0:1.0.0! marker", "0:2.0.0", "0:2.1.0"});
  for (std::size_t i = out.size(); i-- > 0;) below.put(out[i].rows.order, static_cast<int>(i));
  for (int i = 0; i < 4; ++i) CHECK(below.pop() == i);
}

TEST_CASE("a reorder buffer gives any order back as the right one") {
  std::vector<order_key> keys;
  for (std::uint32_t split = 0; split < 5; ++split)
    for (std::uint32_t sequence = 0; sequence < 4; ++sequence)
      for (std::uint32_t chunk = 0; chunk < 3; ++chunk)
        keys.push_back({split, sequence, chunk, chunk == 2, chunk == 2 && sequence == 3});
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    auto shuffled = keys;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    reorder_buffer<order_key> buffer;
    std::vector<order_key> out;
    for (const auto& key : shuffled) {
      const bool next = buffer.is_next(key);
      buffer.put(key, key);
      const auto before = out.size();
      while (auto one = buffer.pop()) out.push_back(*one);
      CHECK(next == (out.size() > before));
    }
    CHECK(out == keys);
    CHECK(buffer.held() == 0);
  }
}
