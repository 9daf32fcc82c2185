#include "engine/formats/parquet/encoding_threads.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace sluice::parquet_writing {

namespace {

constexpr std::size_t most_threads = 8;

std::size_t threads_here() { return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, most_threads); }

}  // namespace

encoding_threads::encoding_threads(std::size_t columns) : scratch_(threads_here()), lanes_(columns, scratch_.size()) {}

void encoding_threads::post(std::size_t column, job what) {
  lanes_.post(column, [this, what = std::move(what)](std::size_t thread) { what(scratch_[thread]); });
}

}  // namespace sluice::parquet_writing
