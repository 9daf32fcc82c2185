#include "actors/run/rejects_writer.hpp"

#include "actors/messages.hpp"
#include "actors/run/rejects_batch.hpp"
#include "actors/units/blocking_calls.hpp"
#include "engine/files/private_files.hpp"

#include <caf/all.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <utility>
#include <vector>

namespace sluice::actors {

namespace {

/// The file; used on the actor's strand only.
class rejects_file {
 public:
  rejects_file(std::string path, std::string run) : path_(std::move(path)), run_(std::move(run)) {}
  ~rejects_file() {
    if (file_ >= 0) ::close(file_);
  }
  rejects_file(const rejects_file&) = delete;
  rejects_file& operator=(const rejects_file&) = delete;

  status append(const std::vector<rejected_row>& rows) {
    SLUICE_TRY(open());
    std::string lines;
    for (const auto& row : rows) lines += rejects_line(row, run_);
    for (std::size_t at = 0; at < lines.size();) {
      const auto wrote = ::write(file_, lines.data() + at, lines.size() - at);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return from_errno(errno, "write the rejects to " + path_);
      at += static_cast<std::size_t>(wrote);
    }
    return {};
  }

  /// Makes durable what there is; gives its length.
  result<std::uint64_t> sync() {
    if (file_ < 0) {
      std::error_code none;
      const auto size = std::filesystem::file_size(path_, none);
      return none ? std::uint64_t{0} : static_cast<std::uint64_t>(size);
    }
    if (::fdatasync(file_) != 0) return from_errno(errno, "write the rejects to " + path_);
    const auto end = ::lseek(file_, 0, SEEK_END);
    if (end < 0) return from_errno(errno, "look at the rejects in " + path_);
    return static_cast<std::uint64_t>(end);
  }

  status close() {
    if (file_ < 0) return {};
    const auto synced = ::fdatasync(file_);
    const auto number = errno;
    ::close(file_);
    file_ = -1;
    if (synced != 0) return from_errno(number, "write the rejects to " + path_);
    return {};
  }

 private:
  status open() {
    if (file_ >= 0) return {};
    SLUICE_TRY(make_private_folder(std::filesystem::path(path_).parent_path().string()));
    SLUICE_ASSIGN(file_, open_private_file(path_, O_WRONLY | O_APPEND));
    return {};
  }

  std::string path_;
  std::string run_;
  int file_ = -1;
};

class rejects_writer : public caf::event_based_actor {
 public:
  rejects_writer(caf::actor_config& config, const std::string& path, const std::string& run, caf::actor supervisor,
                 const node_services& services, std::uint64_t rows, std::uint64_t synced)
      : caf::event_based_actor(config),
        path_(path),
        supervisor_(std::move(supervisor)),
        calls_(this, services.io),
        file_(std::make_shared<rejects_file>(path, run)),
        rows_(rows),
        synced_(synced) {}

  caf::behavior make_behavior() override {
    monitor(supervisor_);
    set_down_handler([this](const caf::down_msg&) { quit(); });
    return {
        [this](store_rejects& message) { take(std::move(message)); },
        [this](const epoch_passed& message) { passed_[current_sender()->address()] = message.epoch; },
        [this](const sync_rejects& message) {
          calls_.call([file = file_] { return file->sync(); },
                      [this, epoch = message.epoch, rows = rows_](const result<std::uint64_t>& synced) {
                        if (!synced.ok()) return fail(synced.problem());
                        send(supervisor_, rejects_synced{epoch, rows, *synced});
                      });
          synced_ = message.epoch;
          keep_those_behind();
        },
        [this](close_rejects) {
          keep_those_behind();
          closed_ = true;
          calls_.call([file = file_] { return file->close(); },
                      [this](const status& closed) {
                        if (!closed.ok()) fail(closed.problem());
                        send(supervisor_, rejects_closed{rows_, rows_ > 0 ? path_ : ""});
                      });
        },
        [this](const actors::leave&) { quit(); },
        resume_calls(),
    };
  }

  void on_exit() override {
    supervisor_ = nullptr;
    behind_.clear();
  }

 private:
  /// A successor takes over the file up to the checkpoint, and reads again what is behind it. So what comes from a unit
  /// that has passed the barrier waits until those that have not are done too, and the checkpoint has its length.
  void take(store_rejects message) {
    // Of a unit that was given up: the next try, which has the file by now, reads these rows again.
    if (closed_) return;
    const auto from = caf::actor_cast<caf::actor>(current_sender());
    const auto passed = from ? passed_.find(from.address()) : passed_.end();
    if (passed == passed_.end() || passed->second <= synced_) return keep(from, std::move(message));
    behind_.emplace_back(from, std::move(message));
  }

  void keep_those_behind() {
    for (auto& [from, message] : std::exchange(behind_, {})) keep(from, std::move(message));
  }

  void keep(const caf::actor& to, store_rejects message) {
    rows_ += message.rows.size();
    calls_.call([file = file_, rows = std::move(message.rows)] { return file->append(rows); },
                [this, to, ticket = message.ticket](const status& kept) {
                  if (!kept.ok()) return fail(kept.problem());
                  if (to) send(to, rejects_stored{ticket});
                });
  }

  void fail(error why) {
    why.where = "rejects";
    send(supervisor_, instance_failed{{}, std::move(why)});
  }

  std::string path_;
  caf::actor supervisor_;
  blocking_calls calls_;
  std::shared_ptr<rejects_file> file_;
  std::uint64_t rows_;
  bool closed_ = false;
  std::map<caf::actor_addr, std::uint64_t> passed_;           ///< the last barrier of each unit instance
  std::uint64_t synced_;                                      ///< the last checkpoint whose length is known
  std::vector<std::pair<caf::actor, store_rejects>> behind_;  ///< of units that have passed the next one's barrier
};

}  // namespace

caf::actor spawn_rejects_writer(caf::actor_system& system, std::string path, std::string run, caf::actor supervisor,
                                const node_services& services, std::uint64_t rows, std::uint64_t synced) {
  return system.spawn<rejects_writer>(std::move(path), std::move(run), std::move(supervisor), services, rows, synced);
}

}  // namespace sluice::actors
