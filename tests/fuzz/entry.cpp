#include "tests/fuzz/targets.hpp"

/// libFuzzer's entry; SLUICE_FUZZ_TARGET is one of targets.hpp.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::fuzz::SLUICE_FUZZ_TARGET(data, size);
  return 0;
}
