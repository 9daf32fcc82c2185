#pragma once

#include "actors/run/run.hpp"
#include "cluster/http/api.hpp"

#include <memory>
#include <string>

namespace sluice::cluster {

class http_server;

/// The API of the runs that live in an actor system: cancel, progress, metrics and streams woken by subscriber actors.
/// `submit` and `nodes` are left to those who have them. The system must outlive the server that uses the handlers.
api_handlers handlers_of(caf::actor_system& system, const actors::engine_actors& actors,
                         std::shared_ptr<store::store> store, const std::string& state_folder);

/// What `sluice run` embeds: serves `of` on a free loopback port, with the state folder's token.
result<std::unique_ptr<http_server>> serve_engine(actors::engine& of, std::shared_ptr<store::store> store,
                                                  const std::string& state_folder);

/// A run's progress as the API shows it.
options progress_to_json(const actors::run_progress& progress);

}  // namespace sluice::cluster
