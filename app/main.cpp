#include "app/allocator.hpp"
#include "app/verbs.hpp"

#include <sys/resource.h>

#include <csignal>

namespace {

/// A source may have more files than the usual limit of 1,024 allows to be open; the system's own limit stays.
void allow_many_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int count, char** words) {
  sluice::app::choose_allocator();
  // A reader that has gone is noticed by EPIPE, quietly.
  std::signal(SIGPIPE, SIG_IGN);
  // So is a limit on file sizes, by EFBIG.
  std::signal(SIGXFSZ, SIG_IGN);
  allow_many_open_files();
  return sluice::app::run_command_line({words + 1, words + count});
}
