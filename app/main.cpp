#include "app/allocator.hpp"
#include "app/verbs.hpp"

#include <csignal>

int main(int count, char** words) {
  sluice::app::choose_allocator();
  // A reader that has gone is noticed by EPIPE, quietly.
  std::signal(SIGPIPE, SIG_IGN);
  // So is a limit on file sizes, by EFBIG.
  std::signal(SIGXFSZ, SIG_IGN);
  return sluice::app::run_command_line({words + 1, words + count});
}
