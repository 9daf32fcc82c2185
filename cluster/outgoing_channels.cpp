#include "cluster/outgoing_channels.hpp"

#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>

#include <algorithm>

namespace sluice::cluster {

namespace {

/// Puts batches together; null where that can't be.
std::shared_ptr<arrow::RecordBatch> joined(const arrow::RecordBatchVector& parts) {
  auto made = arrow::ConcatenateRecordBatches(parts);
  return made.ok() ? std::move(made).ValueUnsafe() : nullptr;
}

}  // namespace

void outgoing_channels::add(outgoing_batch what) {
  const auto over = std::any_of(forgotten_.begin(), forgotten_.end(), [&](const auto& one) {
    return one.first == what.route.run && what.attempt <= one.second;
  });
  if (over) return;
  auto& to = channels_[what.route];
  if (to.attempt != what.attempt) {
    waiting_ -= static_cast<std::int64_t>(to.queue.size());
    to = channel();
    to.attempt = what.attempt;
  }
  to.ordered = what.ordered;
  to.queue.push_back(std::move(what.body));
  ++waiting_;
  list(what.route, to);
}

void outgoing_channels::list(const data_route& route, channel& one) {
  if (one.listed || one.queue.empty()) return;
  one.listed = true;
  turns_.push_back(route);
}

std::optional<outgoing_channels::item> outgoing_channels::next() {
  while (!turns_.empty()) {
    const auto route = std::move(turns_.front());
    turns_.pop_front();
    const auto found = channels_.find(route);
    if (found == channels_.end()) continue;
    auto& from = found->second;
    from.listed = false;
    auto body = take(from);
    if (!body) continue;  // until its window has room
    list(route, from);
    return item{.route = route, .attempt = from.attempt, .sequence = from.sequence, .body = std::move(*body)};
  }
  return {};
}

std::optional<wire::payload> outgoing_channels::take(channel& from) {
  if (from.queue.empty()) return {};
  auto& front = from.queue.front();
  auto* const rows = std::get_if<batch>(&front);
  const auto pop = [&] {
    auto body = std::move(front);
    from.queue.pop_front();
    --waiting_;
    return body;
  };
  if (rows == nullptr || rows->rows() == 0) return pop();
  const auto bytes = rows->bytes();
  const auto room = from.window - from.under_way.bytes();
  if (bytes > from.window && !from.ordered) {
    auto piece = piece_of(from, *rows, bytes);
    if (!piece) return {};
    from.under_way.sent(piece->rows(), piece->bytes());
    return wire::payload(std::move(*piece));
  }
  if (bytes > room && from.under_way.bytes() > 0) return {};
  auto body = std::get<batch>(pop());
  if (!from.ordered && bytes < small_batch) body = with_the_next(from, std::move(body), bytes);
  from.under_way.sent(body.rows(), body.bytes());
  return wire::payload(std::move(body));
}

/// Half a window of a batch that is larger than one.
std::optional<batch> outgoing_channels::piece_of(channel& from, batch& front, std::int64_t bytes) {
  const auto rows = front.rows();
  const auto wanted = static_cast<double>(from.window) / 2 / static_cast<double>(bytes);
  const auto cut = std::clamp(static_cast<std::int64_t>(static_cast<double>(rows) * wanted), std::int64_t{1}, rows);
  auto piece = front.slice(0, cut);
  if (from.under_way.bytes() > 0 && from.under_way.bytes() + piece.bytes() > from.window) return {};
  if (cut < rows) {
    front = front.slice(cut, rows - cut);
  } else {
    from.queue.pop_front();
    --waiting_;
  }
  return piece;
}

/// Each frame is some work for both sides, however few rows it has.
batch outgoing_channels::with_the_next(channel& from, batch first, std::int64_t bytes) {
  arrow::RecordBatchVector parts = {first.data};
  arrow::ArrayVector places;
  if (first.positions) places.push_back(first.positions);
  const auto most = std::min(together, from.window - from.under_way.bytes());
  for (const auto& each : from.queue) {
    const auto* const one = std::get_if<batch>(&each);
    if (one == nullptr || one->rows() == 0 || one->epoch != first.epoch || !one->positions != !first.positions) break;
    const auto more = one->bytes();
    if (more >= small_batch || bytes + more > most) break;
    bytes += more;
    parts.push_back(one->data);
    if (one->positions) places.push_back(one->positions);
  }
  if (parts.size() == 1) return first;
  auto made = first;
  made.data = joined(parts);
  if (!made.data) return first;
  if (!places.empty()) {
    auto whole = arrow::Concatenate(places);
    if (!whole.ok()) return first;
    made.positions = as_positions(std::move(whole).ValueUnsafe());
  }
  const auto taken = static_cast<std::ptrdiff_t>(parts.size() - 1);
  from.queue.erase(from.queue.begin(), from.queue.begin() + taken);
  waiting_ -= taken;
  return made;
}

void outgoing_channels::sent(const data_route& route, bool is_end, std::size_t frames) {
  const auto found = channels_.find(route);
  if (found == channels_.end()) return;
  found->second.sequence += frames;
  if (is_end) found->second.ended = true;
}

bool outgoing_channels::told(const wire::window_frame& window) {
  const auto found = channels_.find({window.of.run, window.of.edge, window.of.from, window.of.to});
  // Of a run that is over, or of an attempt that is.
  if (found == channels_.end() || found->second.attempt != window.of.attempt) return true;
  auto& one = found->second;
  if (window.rows < one.worked_off) return false;
  const auto rows = static_cast<std::int64_t>(window.rows - one.worked_off);
  if (!one.under_way.returned(rows, 0)) return false;
  one.worked_off = window.rows;
  one.window = std::max(window.bytes, first_window);
  list(found->first, one);
  return true;
}

void outgoing_channels::forget(const std::string& run) {
  constexpr std::size_t most_forgotten = 256;
  std::uint32_t attempt = 1;
  std::erase_if(channels_, [&](const auto& entry) {
    if (entry.first.run != run) return false;
    attempt = std::max(attempt, entry.second.attempt);
    waiting_ -= static_cast<std::int64_t>(entry.second.queue.size());
    return true;
  });
  forgotten_.emplace_back(run, attempt);
  if (forgotten_.size() > most_forgotten) forgotten_.pop_front();
}

void outgoing_channels::clear() {
  channels_.clear();
  turns_.clear();
  waiting_ = 0;
}

std::set<std::string> outgoing_channels::runs() const {
  std::set<std::string> names;
  // A channel whose end was sent and whose rows were worked off lost nothing if the connection breaks now.
  for (const auto& [route, one] : channels_)
    if (!one.ended || one.under_way.bytes() > 0) names.insert(route.run);
  return names;
}

}  // namespace sluice::cluster
