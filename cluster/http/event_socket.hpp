#pragma once

#include "cluster/http/api.hpp"
#include "cluster/http/event_follower.hpp"
#include "cluster/tls/network_stream.hpp"

#include <memory>

namespace sluice::cluster {

/// True where a request wants to speak WebSocket from now on.
bool wants_socket(const api_request& request);
/// Why it can't, in the words of an answer with status 400 or 426; none where it can.
std::optional<error> refusal_of_socket(const api_request& request);

/// Events over WebSocket (RFC 6455): each is one text message, the same CloudEvents object that the other streams have,
/// as the CloudEvents binding for WebSocket wants it (subprotocol cloudevents.json). What the client sends is not
/// looked at; it may close at any time. Closed with 1000 after the last event.
std::shared_ptr<event_follower> make_event_socket(network_stream connection, http_shared& shared, stream_request what,
                                                  const api_request& request);

}  // namespace sluice::cluster
