#include "engine/columns/contradiction.hpp"

#include "engine/component/json_pointer.hpp"
#include "engine/component/options.hpp"
#include "engine/error/names.hpp"

namespace sluice {

namespace {

std::string with_commas(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

}  // namespace

error contradicts_type(const contradiction& what) {
  const auto remedy = types_line(what.key, what.wider);
  auto message = "column " + what.column + " inferred " + what.type;
  if (what.sampled_rows > 0) message += " from " + with_commas(static_cast<std::uint64_t>(what.sampled_rows)) + " rows";
  message += "; value '" + shortened(what.value, 80) + "'";
  if (what.line > 0) message += " at line " + with_commas(what.line);
  message += " of " + what.file + " " + what.nature + ": " + remedy;
  auto problem = user_error("contradicts_type", message,
                            "write " + remedy + " beside the component; with the given type " + what.type +
                                " instead, values that do not fit are rejected");
  problem.path = pointer({"types", what.key});
  return problem;
}

}  // namespace sluice
