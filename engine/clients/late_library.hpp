#pragma once

#include <cstddef>

namespace sluice {

/// A shared library that is loaded when the first of its functions is called (cmake/LateLibrary.cmake).
struct late_library {
  const char* soname;
  const char* package;  ///< Debian's package, for the message where the library is missing
  const char* const* names;
  void** slots;  ///< where the function of each name is, once it is known
};

}  // namespace sluice

/// Loads `library` unless it is loaded, finds the function `names[index]`, and writes it to its slot. Ends the process
/// with a message where that fails: the caller is a C function that can't say so.
extern "C" void* sluice_late_function(const sluice::late_library* library, std::size_t index);
