#include "engine/flow/conservation.hpp"

#include <numeric>

namespace sluice::flow {

unit_counters& unit_counters::operator+=(const unit_counters& other) {
  in += other.in;
  added += other.added;
  out += other.out;
  filtered += other.filtered;
  merged += other.merged;
  rejected += other.rejected;
  set_null += other.set_null;
  skipped += other.skipped;
  bytes += other.bytes;
  batches += other.batches;
  waiting += other.waiting;
  return *this;
}

void balance::add(instance_report report, std::uint64_t held) {
  const auto who = report.who;
  held_[who] = held;
  reports_.insert_or_assign(who, std::move(report));
}

unit_counters balance::of_unit(std::uint32_t unit) const {
  unit_counters sum;
  for (const auto& [who, report] : reports_)
    if (who.unit == unit) sum += report.counters;
  return sum;
}

namespace {

error lost(const std::string& where, const std::string& message) {
  auto problem = internal_error("rows_lost", where + ": " + message);
  problem.where = where;
  return problem;
}

std::string instance_name(const plan& of, const instance_id& who) {
  const auto& unit = of.units[who.unit];
  auto name = "unit " + unit.definition.name;
  if (unit.parallelism > 1) name += "[" + std::to_string(who.instance) + "]";
  return name;
}

std::string count(std::uint64_t rows) { return std::to_string(rows) + (rows == 1 ? " row" : " rows"); }

}  // namespace

status balance::verify_unit(const plan& of, const instance_report& report) const {
  const auto& c = report.counters;
  const auto name = instance_name(of, report.who);
  const auto came = c.in + c.added;
  const auto held = held_.at(report.who);
  const auto went = c.out + c.filtered + c.merged + c.rejected + c.waiting + held;
  if (came < went || (came > went && !report.stopped_early)) {
    return lost(name, std::to_string(c.in) + " in + " + std::to_string(c.added) + " added = " + std::to_string(came) +
                          ", but " + std::to_string(c.out) + " out + " + std::to_string(c.filtered) + " filtered + " +
                          std::to_string(c.merged) + " merged + " + std::to_string(c.rejected) + " rejected" +
                          (c.waiting > 0 ? " + " + std::to_string(c.waiting) + " waiting" : "") +
                          (held > 0 ? " + " + std::to_string(held) + " held" : "") + " = " + std::to_string(went));
  }
  if (of.units[report.who.unit].definition.role != unit_role::extract) {
    std::uint64_t received = 0;
    for (const auto& channel : report.received) received += channel.rows;
    if (received != c.in + c.skipped)
      return lost(name, count(received) + " arrived, but " + std::to_string(c.in + c.skipped) + " were processed");
  }
  std::uint64_t made = 0;
  const auto rejects_port = of.units[report.who.unit].rejects_port;
  for (std::size_t port = 0; port < report.port_rows.size(); ++port)
    if (!rejects_port || static_cast<int>(port) != *rejects_port) made += report.port_rows[port];
  if (of.units[report.who.unit].definition.role != unit_role::load && made != c.out)
    return lost(name, count(made) + " left its ports, but " + std::to_string(c.out) + " were counted");
  return {};
}

status balance::verify_edges(const plan& of) const {
  std::map<channel_id, channel_counters> sent;
  std::map<channel_id, channel_counters> received;
  for (const auto& [who, report] : reports_) {
    for (const auto& channel : report.sent) sent[channel.channel] = channel;
    for (const auto& channel : report.received) received[channel.channel] = channel;
  }
  for (const auto& channel : channels_of(of)) {
    const auto from = sent.find(channel);
    const auto to = received.find(channel);
    const auto name = channel_name(of, channel);
    if (from == sent.end()) return lost(name, "the sender reported nothing");
    if (to == received.end()) return lost(name, "the receiver reported nothing");
    if (from->second.rows != to->second.rows)
      return lost(name, count(from->second.rows) + " sent, but " + std::to_string(to->second.rows) + " received");
  }
  for (std::uint32_t index = 0; index < of.edges.size(); ++index) {
    const auto& edge = of.edges[index];
    for (const auto& [who, report] : reports_) {
      if (static_cast<int>(who.unit) != edge.from_unit || who.instance == instance_id::enumerator) continue;
      const auto port = static_cast<std::size_t>(edge.from_port);
      const auto made = port < report.port_rows.size() ? report.port_rows[port] : 0;
      std::uint64_t gone = 0;
      for (const auto& channel : report.sent) {
        if (channel.channel.edge != index) continue;
        const auto rows = channel.rows + channel.dropped;
        if (edge.kind == edge_kind::broadcast && rows != made)
          return lost(channel_name(of, channel.channel), count(made) + " made, but " + std::to_string(rows) + " sent");
        gone += rows;
      }
      if (edge.kind != edge_kind::broadcast && gone != made)
        return lost(channel_name(of, {index, who.instance, 0}),
                    count(made) + " made, but " + std::to_string(gone) + " sent");
    }
  }
  return {};
}

status balance::verify(const plan& of) const {
  for (const auto& who : instances_of(of)) {
    if (who.instance == instance_id::enumerator) continue;
    const auto found = reports_.find(who);
    if (found == reports_.end()) return lost(instance_name(of, who), "it reported nothing at its end");
    SLUICE_TRY(verify_unit(of, found->second));
  }
  return verify_edges(of);
}

}  // namespace sluice::flow
