#pragma once

#include "engine/values/batch.hpp"

#include <string>
#include <vector>

namespace sluice::test {

struct sample_batch {
  std::string name;
  batch rows;
};

/// Batches that between them hold every type and every awkward form of one: nulls, NaN, slices that begin inside a
/// byte, unused dictionary values, empty ones.
std::vector<sample_batch> sample_batches();

/// `rows` rows of a bigint and a text of `text_bytes` bytes each.
batch wide_batch(std::int64_t rows, std::size_t text_bytes);

/// Same types, values (NaN equals NaN), nulls, positions, order key and epoch.
bool same_batch(const batch& one, const batch& other);

}  // namespace sluice::test
