#include "engine/flow/order.hpp"

#include "engine/component/opaque.hpp"
#include "engine/flow/streams.hpp"

#include <algorithm>

namespace sluice::flow {

namespace {

constexpr char stamper_state = 'o';

bool same_place(const order_key& a, const order_key& b) {
  return a.split == b.split && a.sequence == b.sequence && a.chunk == b.chunk;
}

}  // namespace

order_stamper::order_stamper(bool row_wise, std::vector<batch> markers)
    : row_wise_(row_wise), markers_(std::move(markers)), ports_(markers_.size()) {}

void order_stamper::taken(const order_key& key) {
  if (!row_wise_) return;
  open_.push_back(key);
  late_split_ = std::max(late_split_, key.split + 1);
}

std::uint32_t order_stamper::next_chunk(port_state& state, const order_key& key, bool last) {
  const auto place = std::pair(key.split, key.sequence);
  const auto found = state.chunks.find(place);
  const auto chunk = found == state.chunks.end() ? 0 : found->second;
  if (last) {
    if (found != state.chunks.end()) state.chunks.erase(found);
  } else {
    state.chunks[place] = chunk + 1;
  }
  return chunk;
}

void order_stamper::close(int port, const order_key& key, std::vector<outgoing_batch>& out) {
  auto& state = ports_[static_cast<std::size_t>(port)];
  if (!state.held && !key.last_chunk) return;
  auto rows = state.held ? std::move(*state.held) : markers_[static_cast<std::size_t>(port)];
  state.held.reset();
  rows.order = {.split = key.split,
                .sequence = key.sequence,
                .chunk = next_chunk(state, key, key.last_chunk),
                .last_chunk = key.last_chunk,
                .last_in_split = key.last_chunk && key.last_in_split};
  out.push_back({port, std::move(rows)});
}

void order_stamper::pass_held(int port, const order_key& key, std::vector<outgoing_batch>& out) {
  auto& state = ports_[static_cast<std::size_t>(port)];
  auto earlier = std::move(*state.held);
  state.held.reset();
  earlier.order = {.split = key.split,
                   .sequence = key.sequence,
                   .chunk = next_chunk(state, key, false),
                   .last_chunk = false,
                   .last_in_split = false};
  out.push_back({port, std::move(earlier)});
}

void order_stamper::let_pass(std::vector<outgoing_batch>& out) {
  for (std::size_t port = 0; port < ports_.size(); ++port)
    if (ports_[port].held) pass_held(static_cast<int>(port), open_[ports_[port].at], out);
}

void order_stamper::made(int port, batch rows, bool only_input, std::vector<outgoing_batch>& out) {
  auto& state = ports_[static_cast<std::size_t>(port)];
  if (!row_wise_ || open_.empty()) {
    rows.order = {.split = row_wise_ ? late_split_ : 0, .sequence = state.fresh++};
    out.push_back({port, std::move(rows)});
    return;
  }
  auto index = open_.size() - 1;
  if (!only_input) {
    const auto from = open_.begin() + static_cast<std::ptrdiff_t>(state.at);
    const auto found = std::find_if(from, open_.end(), [&](const auto& key) { return same_place(key, rows.order); });
    index = found == open_.end() ? state.at : static_cast<std::size_t>(found - open_.begin());
  }
  for (; state.at < index; ++state.at) close(port, open_[state.at], out);
  if (state.held) pass_held(port, open_[index], out);
  state.held = std::move(rows);
}

std::string order_stamper::state() const {
  opaque_writer to(stamper_state);
  to.number(late_split_).number(std::ssize(open_));
  for (const auto& key : open_)
    to.number(key.split)
        .number(static_cast<std::int64_t>(key.sequence))
        .number(key.chunk)
        .number(key.last_chunk)
        .number(key.last_in_split);
  for (const auto& port : ports_) {
    to.number(static_cast<std::int64_t>(port.at)).number(static_cast<std::int64_t>(port.fresh));
    to.number(std::ssize(port.chunks));
    for (const auto& [place, chunk] : port.chunks)
      to.number(place.first).number(static_cast<std::int64_t>(place.second)).number(chunk);
  }
  return to.take();
}

status order_stamper::restore(const std::string& state) {
  opaque_reader from(state, stamper_state);
  late_split_ = static_cast<std::uint32_t>(from.number());
  for (auto left = from.number(); left > 0 && !from.failed(); --left) {
    order_key key;
    key.split = static_cast<std::uint32_t>(from.number());
    key.sequence = static_cast<decltype(key.sequence)>(from.number());
    key.chunk = static_cast<std::uint32_t>(from.number());
    key.last_chunk = from.number() != 0;
    key.last_in_split = from.number() != 0;
    open_.push_back(key);
  }
  for (auto& port : ports_) {
    port.at = static_cast<std::size_t>(from.number());
    port.fresh = static_cast<decltype(port.fresh)>(from.number());
    for (auto left = from.number(); left > 0 && !from.failed(); --left) {
      const auto split = static_cast<std::uint32_t>(from.number());
      const auto sequence = static_cast<decltype(order_key::sequence)>(from.number());
      port.chunks[{split, sequence}] = static_cast<std::uint32_t>(from.number());
    }
  }
  return from.done("where the outputs of a unit stood");
}

result<std::string> together(const std::vector<std::string>& stampers) {
  struct port {
    std::int64_t fresh = 0;
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> chunks;
  };
  std::int64_t late_split = 0;
  std::vector<port> ports;
  for (const auto& state : stampers) {
    opaque_reader from(state, stamper_state);
    late_split = std::max(late_split, from.number());
    if (from.number() != 0)
      return user_error("not_scalable",
                        "the unit holds rows that it has not answered: it takes all of another input first",
                        "try again when that input has been read");
    for (std::size_t at = 0; !from.done("where the outputs of a unit stood").ok() && !from.failed(); ++at) {
      if (at == ports.size()) ports.emplace_back();
      (void)from.number();  // nothing is open
      ports[at].fresh = std::max(ports[at].fresh, from.number());
      for (auto left = from.number(); left > 0 && !from.failed(); --left) {
        const auto split = from.number();
        const auto sequence = from.number();
        auto& chunk = ports[at].chunks[{split, sequence}];
        chunk = std::max(chunk, from.number());
      }
    }
    SLUICE_TRY(from.done("where the outputs of a unit stood"));
  }
  opaque_writer to(stamper_state);
  to.number(late_split).number(0);
  for (const auto& one : ports) {
    to.number(0).number(one.fresh).number(std::ssize(one.chunks));
    for (const auto& [place, chunk] : one.chunks) to.number(place.first).number(place.second).number(chunk);
  }
  return to.take();
}

void order_stamper::settled(std::vector<outgoing_batch>& out) {
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    for (auto& at = ports_[port].at; at < open_.size(); ++at) close(static_cast<int>(port), open_[at], out);
    ports_[port].at = 0;
  }
  open_.clear();
}

}  // namespace sluice::flow
