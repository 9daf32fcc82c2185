#include "engine/flow/outbox.hpp"

#include "engine/flow/inbox.hpp"

#include "engine/operators/keys/key_hash.hpp"

#include <algorithm>

namespace sluice::flow {

outbox::outbox(const plan& of, instance_id who, const std::vector<channel_id>& channels, credit_limits limits,
               send_function send, std::shared_ptr<memory::manager> memory)
    : plan_(&of), send_(std::move(send)), port_rows_(of.units[who.unit].outputs.size()), queued_(std::move(memory)) {
  for (const auto& name : channels) {
    if (edges_.empty() || edges_.back().edge != name.edge) edges_.push_back({.edge = name.edge, .channels = {}});
    edges_.back().channels.push_back(channels_.size());
    channels_.push_back({.name = name, .window = credit_window(limits)});
  }
}

status outbox::emit(int port, const batch& rows) {
  port_rows_[static_cast<std::size_t>(port)] += static_cast<std::uint64_t>(rows.rows());
  std::optional<std::int64_t> bytes;
  for (auto& edge : edges_) {
    const auto& planned = plan_->edges[edge.edge];
    if (planned.from_port != port || (rows.rows() == 0 && !planned.ordered)) continue;
    if (planned.kind == edge_kind::hash && edge.channels.size() > 1) {
      SLUICE_TRY(spread_by_keys(edge, rows));
    } else if (planned.kind == edge_kind::round_robin && edge.channels.size() > 1) {
      spread_evenly(edge, rows);
    } else {
      if (!bytes) bytes = rows.bytes();
      for (const auto index : edge.channels) enqueue(channels_[index], rows, *bytes);
    }
  }
  return {};
}

void outbox::spread_evenly(edge_state& edge, batch rows) {
  // The chunks of one place stay together, so that their receiver can number on what it makes of them.
  if (plan_->edges[edge.edge].ordered) edge.turn = (rows.order.split + rows.order.sequence) % edge.channels.size();
  for (std::size_t tried = 0; tried < edge.channels.size(); ++tried) {
    auto& channel = channels_[edge.channels[edge.turn]];
    edge.turn = (edge.turn + 1) % edge.channels.size();
    if (channel.stopped && tried + 1 < edge.channels.size()) continue;
    const auto bytes = rows.bytes();
    enqueue(channel, std::move(rows), bytes);
    return;
  }
}

status outbox::spread_by_keys(edge_state& edge, const batch& rows) {
  const auto& planned = plan_->edges[edge.edge];
  SLUICE_ASSIGN(auto parts, partition_by_keys(rows, planned.keys, planned.key_types,
                                              static_cast<std::uint32_t>(edge.channels.size())));
  for (std::size_t to = 0; to < parts.size(); ++to) {
    // A receiver that puts batches back in their order waits for each of them.
    if (parts[to].rows() == 0 && !planned.restore_order) continue;
    const auto bytes = parts[to].bytes();
    enqueue(channels_[edge.channels[to]], std::move(parts[to]), bytes);
  }
  return {};
}

void outbox::enqueue(channel_state& channel, batch rows, std::int64_t bytes) {
  if (channel.stopped || channel.ended) {
    channel.dropped += static_cast<std::uint64_t>(rows.rows());
    return;
  }
  if (rows.rows() == 0) bytes = 0;  // as credit counts it
  channel.waiting.emplace_back(std::move(rows), bytes);
  ++waiting_;
  queued_.add(bytes);
  flush(channel);
}

void outbox::flush(channel_state& channel) {
  while (!channel.waiting.empty()) {
    auto& [body, bytes] = channel.waiting.front();
    if (const auto* rows = std::get_if<batch>(&body)) {
      const auto count = rows->rows();
      if (!channel.window.accepts(count, bytes)) return;
      channel.window.sent(count, bytes);
      channel.sent += static_cast<std::uint64_t>(count);
      --waiting_;
    } else if (auto* end = std::get_if<wire::end_of_data>(&body)) {
      end->rows = channel.sent;
      channel.ended = true;
    }
    auto item = std::move(body);
    channel.waiting.pop_front();
    send_(channel.name, std::move(item));
  }
}

status outbox::credited(const channel_id& name, std::int64_t rows, std::int64_t markers) {
  const auto found =
      std::find_if(channels_.begin(), channels_.end(), [&](const auto& channel) { return channel.name == name; });
  if (found == channels_.end())
    return internal_error("protocol_error", "credit came for a channel that does not start here");
  const auto before = found->window.bytes();
  if (!found->window.returned(rows, markers))
    return internal_error("protocol_error", channel_name(*plan_, name) + ": more credit was returned than was used");
  queued_.add(found->window.bytes() - before);
  flush(*found);
  return {};
}

void outbox::stopped(const channel_id& name) {
  for (auto& channel : channels_) {
    if (channel.name != name || channel.stopped || channel.ended) continue;
    channel.stopped = true;
    for (const auto& [body, bytes] : channel.waiting) {
      if (const auto* rows = std::get_if<batch>(&body)) {
        channel.dropped += static_cast<std::uint64_t>(rows->rows());
        --waiting_;
        queued_.add(-bytes);
      }
    }
    channel.waiting.clear();
    channel.waiting.emplace_back(wire::end_of_data{}, 0);
    flush(channel);
  }
}

void outbox::end() {
  if (ending_) return;
  ending_ = true;
  for (auto& channel : channels_) {
    if (channel.ended) continue;
    channel.waiting.emplace_back(wire::end_of_data{}, 0);
    flush(channel);
  }
}

void outbox::barrier(std::uint64_t epoch) {
  for (auto& channel : channels_) {
    // The end goes before it where it is on its way, and counts as the barrier.
    if (channel.ended || ending_ || channel.stopped) continue;
    channel.waiting.emplace_back(wire::barrier{epoch}, 0);
    flush(channel);
  }
}

void outbox::watermark(std::int64_t time) {
  for (auto& channel : channels_) {
    // Behind the end nothing is sent: its end is the word that counts.
    if (channel.ended || ending_ || channel.stopped || !plan_->edges[channel.name.edge].timed) continue;
    // One that still waits behind the same rows has said less.
    auto* const last = channel.waiting.empty() ? nullptr : std::get_if<wire::watermark>(&channel.waiting.back().first);
    if (last != nullptr && (time != idle_mark || last->time == idle_mark)) {
      last->time = time;
    } else {
      channel.waiting.emplace_back(wire::watermark{time}, 0);
    }
    flush(channel);
  }
}

bool outbox::unwanted() const {
  return !channels_.empty() &&
         std::all_of(channels_.begin(), channels_.end(), [](const auto& channel) { return channel.stopped; });
}

bool outbox::ended() const {
  return std::all_of(channels_.begin(), channels_.end(), [](const auto& channel) { return channel.ended; });
}

bool outbox::any_ordered() const {
  return std::any_of(edges_.begin(), edges_.end(), [&](const auto& edge) { return plan_->edges[edge.edge].ordered; });
}

void outbox::fill(instance_report& report) const {
  report.port_rows = port_rows_;
  report.sent.clear();
  for (const auto& channel : channels_) {
    auto rows = channel.sent;
    for (const auto& [body, bytes] : channel.waiting)
      if (const auto* waits = std::get_if<batch>(&body)) rows += static_cast<std::uint64_t>(waits->rows());
    report.sent.push_back({.channel = channel.name, .rows = rows, .dropped = channel.dropped});
  }
}

void outbox::go_on(const instance_report& from) {
  if (from.port_rows.size() == port_rows_.size()) port_rows_ = from.port_rows;
  for (auto& channel : channels_)
    for (const auto& one : from.sent)
      if (one.channel == channel.name) {
        channel.sent = one.rows;
        channel.dropped = one.dropped;
      }
}

}  // namespace sluice::flow
