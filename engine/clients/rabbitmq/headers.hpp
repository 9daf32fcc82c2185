#pragma once

#include <string>

struct amqp_table_t_;

namespace sluice::rabbitmq {

/// A table of headers as a JSON object. Bytes that are no UTF-8 become U+FFFD, decimals and times numbers.
std::string headers_as_json(const amqp_table_t_& headers);

}  // namespace sluice::rabbitmq
