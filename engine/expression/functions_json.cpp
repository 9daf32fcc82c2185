#include "engine/expression/functions_json.hpp"

#include "engine/expression/functions.hpp"

namespace sluice::expression {

options function_json(const function_spec& of) {
  options made = {{"name", of.name},       {"kind", of.kind},       {"signature", of.signature},
                  {"summary", of.summary}, {"example", of.example}, {"result", of.result}};
  if (of.kind == "aggregate" || of.kind == "window") made["over"] = expression::aggregate_example_rows();
  return made;
}

}  // namespace sluice::expression
