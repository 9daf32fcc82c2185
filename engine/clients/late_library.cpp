#include "engine/clients/late_library.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include <dlfcn.h>

namespace {

[[noreturn]] void fail(const sluice::late_library& library, const char* why) {
  std::fprintf(stderr,
               "error[missing_library] sluice needs %s, and it can't be loaded: %s\n"
               "  hint: install the package %s, or install sluice again: its packages bring the library\n",
               library.soname, why, library.package);
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

extern "C" void* sluice_late_function(const sluice::late_library* library, std::size_t index) {
  // The loader counts and locks: threads that come at the same time get the same library and the same function.
  void* loaded = ::dlopen(library->soname, RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr) fail(*library, ::dlerror());
  void* function = ::dlsym(loaded, library->names[index]);
  if (function == nullptr) fail(*library, ::dlerror());
  std::atomic_ref(library->slots[index]).store(function, std::memory_order_relaxed);
  return function;
}
