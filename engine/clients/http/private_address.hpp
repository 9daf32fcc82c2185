#pragma once

#include <sys/socket.h>

#include <string>

namespace sluice::http {

/// Whether an address is no public one: loopback, private, link-local (the metadata service of clouds is there),
/// shared, multicast, reserved, or one of these inside an IPv6 address. What is neither IPv4 nor IPv6 counts as
/// private.
bool is_private(const sockaddr& address);

/// Whether a host's name leads to such an address: for requests through a proxy, which looks the name up itself. Names
/// of the local network (localhost, .local, .internal) count as private, others that can't be looked up here do not.
/// Blocks.
bool leads_to_private(const std::string& host);

}  // namespace sluice::http
