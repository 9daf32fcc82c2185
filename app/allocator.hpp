#pragma once

namespace sluice::app {

/// Chooses where buffers come from. Called first of all: Arrow asks once. docs/adr/0007-parquet-writing.md has why.
void choose_allocator();

}  // namespace sluice::app
