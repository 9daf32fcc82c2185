#include "actors/run/rejects_desk.hpp"

#include "engine/secrets/mask.hpp"

#include <caf/event_based_actor.hpp>

namespace sluice::actors {

void rejects_desk::open(const wiring& links, located_function located) {
  enumerators_ = links.enumerators;
  writer_ = links.rejects;
  located_ = std::move(located);
}

void rejects_desk::follow(caf::actor writer) {
  writer_ = std::move(writer);
  if (passed_ > 0) self_->send(writer_, epoch_passed{passed_});
  for (const auto& [ticket, rows] : storing_) self_->send(writer_, store_rejects{ticket, rows});
}

void rejects_desk::close() {
  enumerators_.clear();
  writer_ = nullptr;
  located_ = nullptr;
}

void rejects_desk::add(rejected_row row) {
  ++on_the_way_;
  // The record is data, and stays what it was.
  for (auto* text : {&row.message, &row.column}) *text = secrets::mask(std::move(*text));
  added_.push_back(std::move(row));
  if (added_.size() >= most_in_message) send();
}

std::uint64_t rejects_desk::next_ticket(std::size_t rows) {
  tickets_[++last_ticket_] = rows;
  return last_ticket_;
}

void rejects_desk::send() {
  if (added_.empty()) return;
  std::map<std::uint32_t, std::vector<rejected_row>> by_source;
  std::vector<rejected_row> nowhere;
  for (auto& row : added_) {
    const auto source = row.position.source;
    const bool known = row.position != position::unknown && source < enumerators_.size() && enumerators_[source];
    (known ? by_source[source] : nowhere).push_back(std::move(row));
  }
  added_.clear();
  for (auto& [source, rows] : by_source) {
    const auto ticket = next_ticket(rows.size());
    self_->send(enumerators_[source], locate_rejects{ticket, std::move(rows)});
  }
  if (!nowhere.empty()) pass_on(std::move(nowhere));
}

void rejects_desk::pass_on(std::vector<rejected_row> rows) {
  located_(rows);
  const auto ticket = next_ticket(rows.size());
  storing_[ticket] = rows;
  self_->send(writer_, store_rejects{ticket, std::move(rows)});
}

void rejects_desk::located(rejects_located& answer) {
  if (tickets_.erase(answer.ticket) > 0) pass_on(std::move(answer.rows));
}

void rejects_desk::stored(std::uint64_t ticket) {
  const auto found = tickets_.find(ticket);
  if (found == tickets_.end()) return;
  on_the_way_ -= found->second;
  storing_.erase(ticket);
  tickets_.erase(found);
}

void rejects_desk::passed(std::uint64_t epoch) {
  passed_ = epoch;
  self_->send(writer_, epoch_passed{epoch});
}

}  // namespace sluice::actors
