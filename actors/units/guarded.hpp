#pragma once

#include "engine/error/error.hpp"

#include <exception>
#include <new>
#include <string>

namespace sluice::actors {

/// Calls a component; an exception that leaves it all the same (a library's, or no memory) becomes its error.
template <class Call>
auto guarded(const char* doing, Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return external_error("out_of_memory", std::string("not enough memory to ") + doing,
                          "free memory or lower run.memory");
  } catch (const std::exception& problem) {
    return internal_error("component_threw", std::string("cannot ") + doing + ": " + problem.what());
  }
}

}  // namespace sluice::actors
