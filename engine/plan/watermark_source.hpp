#pragma once

#include "engine/component/component.hpp"
#include "engine/plan/source_reading.hpp"

#include <memory>
#include <string>

namespace sluice {

/// True where values of a type have an order that a watermark can follow: integers, decimals, date, timestamps, text.
bool can_be_watermark(const arrow::DataType& type);

/// The value as people read it; empty where there is none.
std::string watermark_text(const watermark& mark);

/// Leaves out the rows of a source that are at or below the watermark (counted as filtered) and finds the highest value
/// of the others. A row whose value is null is rejected: nobody could tell later whether it was taken.
///
/// `reached` gives { value, at_or_below, taken }: the highest value taken, where there is one, and how many rows were
/// at or below the watermark and above it. `keeps_column`: the column stays in the batches, like the positions, which
/// the inner source must give in any case.
result<std::unique_ptr<source>> make_watermark_source(std::unique_ptr<source> inner, const watermark& mark,
                                                      bool keeps_column, bool keeps_positions);

/// Puts two answers of `reached` together; values are of the watermark's type.
options merge_reached(const watermark& mark, const options& a, const options& b);

/// The position to remember, after a run that has reached `reached` (null: nothing was read).
options next_position(const watermark& mark, const options& reached);

}  // namespace sluice
