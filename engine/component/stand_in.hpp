#pragma once

#include "engine/component/transform.hpp"
#include "engine/values/unknown_columns.hpp"

namespace sluice {

/// Takes the place of a transform that has faults: it knows what columns come out, as far as that can be told
/// (engine/values/unknown_columns.hpp), so that the units below are checked all the same. It never runs.
std::unique_ptr<transform> make_stand_in(std::vector<output_port> outputs);
/// The same with one output.
std::unique_ptr<transform> make_stand_in(std::shared_ptr<arrow::Schema> output);

/// True where a fault above leaves open what columns an input has, or their types.
bool has_unknown_columns(const transform_request& request);

}  // namespace sluice
