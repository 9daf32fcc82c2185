#include "engine/component/component.hpp"
#include "engine/component/interruption.hpp"
#include "engine/notify/channels.hpp"
#include "engine/notify/subscriber.hpp"
#include "engine/notify/wording.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

extern char** environ;

namespace sluice {

namespace {

using clock = std::chrono::steady_clock;
constexpr std::size_t kept_output = 1024;

/// One run of the program: its standard input gets the notice, what it prints is the answer.
class program_run {
 public:
  ~program_run() {
    if (channel_ >= 0) ::close(channel_);
  }

  bool start(const std::vector<std::string>& words, const std::vector<std::string>& more) {
    int ends[2] = {-1, -1};
    // A socket, not a pipe: writing to a program that has ended must not raise a signal.
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::vector<char*> variables;
    for (char** one = environ; *one != nullptr; ++one)
      if (std::strncmp(*one, "SLUICE_SECRET_", 14) != 0) variables.push_back(*one);
    for (const auto& one : more) variables.push_back(const_cast<char*>(one.c_str()));
    variables.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int number = 0; number <= 2; ++number) posix_spawn_file_actions_adddup2(&actions, ends[1], number);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    problem_ = ::posix_spawnp(&pid_, arguments[0], &actions, &attributes, arguments.data(), variables.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    channel_ = ends[0];
    ::fcntl(channel_, F_SETFL, O_NONBLOCK);
    return problem_ == 0;
  }
  [[nodiscard]] std::string problem() const { return std::strerror(problem_); }

  /// Feeds and reads until the program has ended; false where it was stopped.
  bool finish(const std::string& input, clock::time_point deadline, const std::atomic<bool>& stopped) {
    std::size_t sent = 0;
    bool open = true;
    while (open) {
      if (stopped || clock::now() >= deadline) return kill();
      pollfd look = {channel_, static_cast<short>(POLLIN | (sent < input.size() ? POLLOUT : 0)), 0};
      if (::poll(&look, 1, 50) < 0 && errno != EINTR) return kill();
      if ((look.revents & POLLOUT) != 0 && sent < input.size()) {
        const auto wrote = ::send(channel_, input.data() + sent, input.size() - sent, MSG_NOSIGNAL);
        if (wrote > 0) sent += static_cast<std::size_t>(wrote);
        if (wrote < 0 && errno != EAGAIN && errno != EINTR) sent = input.size();
        if (sent == input.size()) ::shutdown(channel_, SHUT_WR);
      }
      if ((look.revents & (POLLIN | POLLHUP)) != 0) open = read_some();
    }
    // It has closed its output; it may still be at work.
    while (::waitpid(pid_, &how_, WNOHANG) == 0) {
      if (stopped || clock::now() >= deadline) return kill();
      ::poll(nullptr, 0, 5);
    }
    pid_ = -1;
    return true;
  }

  [[nodiscard]] int how() const { return how_; }
  [[nodiscard]] const std::string& output() const { return output_; }

 private:
  bool read_some() {
    char piece[4096];
    const auto got = ::recv(channel_, piece, sizeof piece, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    output_.append(piece, std::min(static_cast<std::size_t>(got), kept_output - std::min(kept_output, output_.size())));
    return true;
  }

  /// With all that it has started.
  bool kill() {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, &how_, 0);
    return false;
  }

  pid_t pid_ = -1;
  int channel_ = -1;
  int problem_ = 0;
  int how_ = 0;
  std::string output_;
};

class command final : public subscriber {
 public:
  explicit command(std::vector<std::string> words) : words_(std::move(words)) {}

  delivery_attempt deliver(const notice& what) override {
    delivery_attempt made;
    const auto& last = what.events.back();
    const std::vector<std::string> more = {
        "SLUICE_NOTICE_ID=" + what.id,      "SLUICE_EVENT_TYPE=" + last.type,
        "SLUICE_EVENT_RUN=" + last.run,     "SLUICE_NOTICE_KIND=" + what.kind,
        "SLUICE_PIPELINE=" + what.pipeline, "SLUICE_TITLE=" + notify::title_of(what)};
    program_run run;
    if (!run.start(words_, more)) {
      made.answer = "can't start " + words_.front() + ": " + run.problem();
      return made;
    }
    if (!run.finish(notify::to_json(what).dump() + "\n", clock::now() + delivery_limit, stopped_)) {
      made.answer = "stopped: it did not end within 15 s";
      return made;
    }
    const auto how = run.how();
    if (WIFEXITED(how) && WEXITSTATUS(how) == 0) made.what = delivery_attempt::outcome::delivered;
    made.answer = WIFEXITED(how) ? "exit code " + std::to_string(WEXITSTATUS(how))
                                 : "ended by signal " + std::to_string(WTERMSIG(how));
    if (!run.output().empty()) made.answer += ": " + run.output();
    return made;
  }

  void interrupt() noexcept override { stopped_ = true; }

 private:
  std::vector<std::string> words_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace

std::unique_ptr<subscriber> make_command_subscriber(const subscriber_request& request, diagnostics& faults) {
  std::vector<std::string> words;
  for (const auto& word : request.own) words.push_back(word.text());
  if (words.empty() || words.front().empty()) {
    faults.push_back(user_error("invalid_option", "command must name a program", "command: [./tell.sh, oncall]"));
    faults.back().path = "/command";
    return nullptr;
  }
  // A path is that of the folder where the pipeline was started; a bare name is looked up in PATH.
  if (words.front().find('/') != std::string::npos && words.front().front() != '/')
    words.front() = request.base_folder + "/" + words.front();
  return std::make_unique<command>(std::move(words));
}

namespace {

component_spec spec() {
  return {
      .name = "command",
      .kind = component_kind::subscriber,
      .summary = "Runs a program for each notification",
      .description =
          "The program gets the notification as a CloudEvents 1.0 object on its standard input, and "
          "SLUICE_TITLE, SLUICE_EVENT_TYPE, SLUICE_EVENT_RUN, SLUICE_PIPELINE, SLUICE_NOTICE_ID and "
          "SLUICE_NOTICE_KIND in its environment. Exit code 0 is success; any other one, or 15 seconds "
          "without an end, is tried again later. Nothing is passed through a shell.",
      .value = {.form = shape::list, .help = "the program and its arguments", .elements = {{.help = "a word"}}},
      .example = R"yaml(version: 1
pipeline: command-example
extract:
  numbers:
    generate: { rows: 10, columns: { id: sequence } }
load:
  nowhere: { from: numbers, blackhole: {} }
channels:
  syslog: { command: [logger, -t, sluice] }
notify:
  - { name: failures, when: "type = 'run.failed'", to: [syslog] }
)yaml",
      .promise = delivery::at_least_once,
  };
}

}  // namespace

const component& command_subscriber() {
  static const component made = {.spec = spec()};
  return made;
}

}  // namespace sluice
