// What proof.hpp declares, for the program `sluice_proof`. No other program is linked with it.
#include "engine/runs/proof.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

namespace sluice::proof {

namespace {

/// The words of the page: see tests/chaos/page.py.
int* page() {
  static int* const mapped = [] {
    const auto* const path = std::getenv("SLUICE_PROOF_PAGE");
    if (path == nullptr) return static_cast<int*>(nullptr);
    const int file = ::open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return static_cast<int*>(nullptr);
    void* const at = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    return at == MAP_FAILED ? nullptr : static_cast<int*>(at);
  }();
  return mapped;
}

constexpr const char* names[] = {"none",
                                 "commit_forgotten",
                                 "position_ahead",
                                 "position_behind",
                                 "visible_too_early",
                                 "state_forgotten",
                                 "barrier_not_aligned",
                                 "commit_repeated",
                                 "rejects_not_cut",
                                 "acknowledged_too_early",
                                 "failed_rename_ignored"};

}  // namespace

void enter(phase what) {
  int* const words = page();
  if (words == nullptr) return;
  const auto now = static_cast<phase>(__atomic_load_n(&words[0], __ATOMIC_SEQ_CST));
  // Sinks prepare and commit one after the other: the first one counts.
  if (what == phase::pre_commit && now != phase::aligning && now != phase::reading) return;
  if (what == phase::commit && now != phase::decided) return;
  __atomic_store_n(&words[0], static_cast<int>(what), __ATOMIC_SEQ_CST);
  if (words[1] != static_cast<int>(what) || words[1] == 0) return;
  if (__atomic_sub_fetch(&words[2], 1, __ATOMIC_SEQ_CST) > 0) return;
  ::kill(::getpid(), SIGKILL);
  ::pause();
}

bool planted(bug which) {
  static const char* const chosen = std::getenv("SLUICE_PROOF_BUG");
  return chosen != nullptr && std::strcmp(chosen, names[static_cast<int>(which)]) == 0;
}

}  // namespace sluice::proof
