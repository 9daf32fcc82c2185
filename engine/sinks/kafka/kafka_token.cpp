#include "engine/sinks/kafka/kafka_token.hpp"

#include "engine/component/opaque.hpp"

namespace sluice::kafka {

namespace {
constexpr char token_of_kafka = 'K';
constexpr std::int64_t first_protocol = 1;
}  // namespace

std::string to_bytes(const kafka_token& token) {
  return opaque_writer(token_of_kafka)
      .number(static_cast<std::int64_t>(token.what))
      .text(token.id)
      .number(token.producer)
      .number(token.epoch)
      .number(token.start)
      .number(token.protocol)
      .number(static_cast<std::int64_t>(token.messages))
      .take();
}

result<kafka_token> read_token(const std::string& bytes) {
  opaque_reader in(bytes, token_of_kafka);
  kafka_token made;
  const auto kind = in.number();
  made.what = kind == 0 ? kafka_token::kind::nothing : kafka_token::kind::transaction;
  made.id = in.text();
  made.producer = in.number();
  made.epoch = static_cast<std::int16_t>(in.number());
  made.start = in.number();
  made.protocol = in.number();
  made.messages = static_cast<std::uint64_t>(in.number());
  SLUICE_TRY(in.done("what the kafka sink has prepared"));
  if (made.protocol != first_protocol)
    return internal_error("foreign_bytes", "the transaction " + made.id + " was prepared by a newer version of Sluice");
  return made;
}

}  // namespace sluice::kafka
