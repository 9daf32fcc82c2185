#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>

namespace sluice::kafka {

/// What a sink hands out for an epoch: enough for any process to commit its transaction.
struct kafka_token {
  enum class kind : std::uint8_t {
    nothing,      ///< no message was written, or they were written without a transaction
    transaction,  ///< what follows
  };
  kind what = kind::nothing;
  std::string id;  ///< transactional.id
  std::int64_t producer = -1;
  std::int16_t epoch = -1;
  std::int64_t start = -1;    ///< when the transaction began, by the broker: another one of the same id has another
  std::int64_t protocol = 1;  ///< of transactions: the second one (KIP-890) is ended otherwise
  std::uint64_t messages = 0;
};

std::string to_bytes(const kafka_token& token);
result<kafka_token> read_token(const std::string& bytes);

}  // namespace sluice::kafka
