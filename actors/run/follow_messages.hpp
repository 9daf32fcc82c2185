#pragma once

#include "actors/messages.hpp"

#include <caf/meta/type_name.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// The messages with which a run whose controller has gone is taken over by another one, while its units work on.
namespace sluice::actors {

/// control -> starter (local): do nodes still have all instances of this try? Answered by parts_found.
struct find_parts {
  std::shared_ptr<const run_setup> setup;
};
/// starter -> control (local)
struct parts_found {
  std::vector<launched_instance> instances;  ///< all of them, or none
};
/// supervisor -> starter (local): in the place of `launch`, and answered like it.
struct take_parts {
  std::shared_ptr<const run_setup> setup;
  caf::actor supervisor;
  caf::actor rejects;
};
/// control -> starter (local): the run is not taken over: what nodes have of it ends.
struct drop_parts {
  std::string run;
};
/// node -> instance (local): obey this supervisor from now on, and nobody else; your rejects go to this writer. Its
/// begin_work then asks what it has to know.
struct follow {
  caf::actor supervisor;
  caf::actor rejects;
};

/// instance -> the supervisor that has taken it over. What it has told the one before it comes behind it, once more.
struct instance_stands {
  instance_id who;
  std::uint64_t rejected = 0;  ///< rows that it knew to be in the file of the rejects when it was taken over
  bool drained = false;        ///< of a reader: it was told to read nothing more
  std::uint64_t ended_in = 0;  ///< of a sink that has ended: the epoch that what it prepared belongs to; 0: none
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, instance_stands& x) {
  return f(caf::meta::type_name("instance_stands"), x.who, x.rejected, x.drained, x.ended_in);
}

}  // namespace sluice::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::find_parts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::parts_found)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::take_parts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::drop_parts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::follow)

// Behind those of a node, and the rules'.
CAF_BEGIN_TYPE_ID_BLOCK(sluice_follow, caf::first_custom_type_id + 520)
CAF_ADD_TYPE_ID(sluice_follow, (sluice::actors::instance_stands))
CAF_END_TYPE_ID_BLOCK(sluice_follow)
