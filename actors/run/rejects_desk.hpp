#pragma once

#include "actors/messages.hpp"

#include <caf/fwd.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace sluice::actors {

/// Sees a unit's rejected rows off: asks the enumerators for their files and lines, gives them to the rejects writer
/// and to whoever reads the unit's rejects port. The unit makes nothing new while too many are on their way.
class rejects_desk {
 public:
  using located_function = std::function<void(const std::vector<rejected_row>&)>;

  explicit rejects_desk(caf::event_based_actor* self) : self_(self) {}

  /// `located` gets the rows once their places are known.
  void open(const wiring& links, located_function located);
  /// Another writer takes the place of one that has gone, and gets what that one has not answered.
  void follow(caf::actor writer);
  /// Rows that are not known to be stored.
  [[nodiscard]] std::size_t on_the_way() const { return on_the_way_; }
  /// Lets go of the other actors.
  void close();
  void add(rejected_row row);
  /// Sends off what was added.
  void send();
  void located(rejects_located& answer);
  void stored(std::uint64_t ticket);
  /// The unit has passed a checkpoint's barrier, and is idle: what is added from here on is written behind it.
  void passed(std::uint64_t epoch);

  [[nodiscard]] bool clear() const { return on_the_way_ < most_on_the_way; }
  [[nodiscard]] bool idle() const { return added_.empty() && tickets_.empty(); }

 private:
  static constexpr std::size_t most_on_the_way = 20'000;
  static constexpr std::size_t most_in_message = 2'000;

  void pass_on(std::vector<rejected_row> rows);
  std::uint64_t next_ticket(std::size_t rows);

  caf::event_based_actor* self_;
  std::vector<caf::actor> enumerators_;
  caf::actor writer_;
  located_function located_;
  std::vector<rejected_row> added_;
  std::map<std::uint64_t, std::size_t> tickets_;  ///< rows of each message not answered yet
  std::uint64_t last_ticket_ = 0;
  std::size_t on_the_way_ = 0;
  std::map<std::uint64_t, std::vector<rejected_row>> storing_;  ///< by ticket: what the writer has not answered
  std::uint64_t passed_ = 0;                                    ///< the last barrier; what is stored comes behind it
};

}  // namespace sluice::actors
