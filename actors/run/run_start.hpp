#pragma once

#include "actors/messages.hpp"
#include "actors/run/instance_table.hpp"
#include "actors/run/journal.hpp"
#include "actors/run/run_setup.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::actors {

/// The beginning of a try: which of its instances are ready, and what is told before all of them are. Part of the
/// supervisor.
class run_start {
 public:
  run_start(const run_setup& of, instance_table& instances, journal& told)
      : of_(of), instances_(instances), told_(told) {}

  /// The instances exist.
  void launched(std::vector<launched_instance> all);
  /// An instance is ready; true where all are. `ending`: nothing of it is told any more.
  bool started(const flow::instance_id& who, bool ending);
  /// A unit may be done before the last one is ready: what it tells comes behind run.started all the same.
  void tell(store::event what);
  /// The try has begun: what is to be told first, and what has waited for that.
  std::vector<store::event> begin();
  /// The same of a run that was taken over: that it was.
  std::vector<store::event> begin_adopted();
  /// What still waits when it ends without having begun.
  std::vector<store::event> left() { return std::exchange(waiting_, {}); }

 private:
  const run_setup& of_;
  instance_table& instances_;
  journal& told_;
  std::vector<store::event> waiting_;
  bool begun_ = false;
};

}  // namespace sluice::actors
