#include "app/engine_process.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace sluice::app {

const int interrupt_signal = SIGUSR1;

namespace {

bool is_ignored(int signal) {
  struct sigaction now = {};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

/// What the parent waits for; what it was told to ignore (nohup, jobs in the background of a script) stays ignored.
sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGCHLD})
    if (!is_ignored(each)) sigaddset(&set, each);
  return set;
}

[[noreturn]] void be_child(pid_t parent, const sigset_t& before, const std::function<int()>& work) {
  // A parent that dies was killed: that is what its user has done to the run. Who asks for an end in order sends
  // SIGTERM, which the parent passes on.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) raise(SIGKILL);
  // The terminal sends these to both processes; the parent passes them on.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  sigset_t mask = before;
  for (const int each : {SIGTERM, interrupt_signal}) sigaddset(&mask, each);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  const int code = work();
  // Everything that matters is on disk or written: destructors of libraries would only cost time.
  std::_Exit(code);
}

/// Passes over a SIGINT that comes right behind another: `timeout -s INT` sends one to the process and one to its
/// group, and nobody presses Ctrl-C twice so fast.
void pass_over_twin() {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  constexpr timespec twin_time = {.tv_sec = 0, .tv_nsec = 50'000'000};
  (void)sigtimedwait(&interrupt, nullptr, &twin_time);
}

std::int64_t monotonic_microseconds() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Waits for the child, passing signals on.
engine_end watch(pid_t child, const sigset_t& watched) {
  engine_end end;
  end.pid = child;
  int interrupts = 0;
  while (true) {
    int status = 0;
    rusage used = {};
    const auto ended = wait4(child, &status, WNOHANG, &used);
    if (ended == child) {
      end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
      end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      end.peak_memory = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
      return end;
    }
    switch (sigwaitinfo(&watched, nullptr)) {
      case SIGINT:
        end.killed_by_user = ++interrupts > 1;
        kill(child, interrupts > 1 ? SIGKILL : interrupt_signal);
        pass_over_twin();
        break;
      case SIGTERM:
      case SIGHUP:
        kill(child, SIGTERM);
        break;
      default:
        break;
    }
  }
}

}  // namespace

engine_end run_in_child(const std::function<int()>& work) {
  const auto watched = watched_signals();
  sigset_t before;
  sigset_t block = watched;
  sigaddset(&block, interrupt_signal);
  sigprocmask(SIG_BLOCK, &block, &before);
  const auto parent = getpid();
  const auto kills = read_oom_kills();
  const auto begin = monotonic_microseconds();
  const auto child = fork();
  if (child == 0) be_child(parent, before, work);
  engine_end end;
  if (child < 0) {
    // Without a child the work is done here: only the report of a sudden death is lost.
    sigprocmask(SIG_SETMASK, &before, nullptr);
    end.exit_code = work();
    return end;
  }
  end = watch(child, watched);
  if (end.signal == SIGKILL && !end.killed_by_user)
    end.out_of_memory = judge_oom(kills, read_oom_kills(), read_kernel_log(begin), child);
  // A third Ctrl-C must not end the report of what the second one killed.
  if (!end.killed_by_user) sigprocmask(SIG_SETMASK, &before, nullptr);
  return end;
}

namespace {

const char* killer_text(oom_verdict verdict) {
  switch (verdict) {
    case oom_verdict::yes:
      return ": the kernel's OOM killer ended it, because memory ran out";
    case oom_verdict::likely:
      return ": most likely by the kernel's OOM killer, which has ended a process here meanwhile because memory ran "
             "out";
    case oom_verdict::no:
      return ": by another process or a person; the kernel's OOM killer has ended none meanwhile";
    default:
      return ": out of memory, or killed by someone";
  }
}

}  // namespace

std::string death_text(const engine_end& end) {
  const int signal = end.signal;
  const auto* name = sigabbrev_np(signal);
  std::string text = "was killed by signal " + std::to_string(signal);
  if (name != nullptr) text += " (SIG" + std::string(name) + ")";
  if (signal == SIGKILL) text += killer_text(end.out_of_memory);
  if (signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGFPE || signal == SIGILL)
    text += ": a bug in Sluice or in a library";
  return text;
}

}  // namespace sluice::app
