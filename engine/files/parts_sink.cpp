#include "engine/files/parts_sink.hpp"

#include "engine/component/interrupt_switch.hpp"
#include "engine/component/opaque.hpp"
#include "engine/files/file_sink_options.hpp"
#include "engine/files/file_target.hpp"
#include "engine/files/files.hpp"
#include "engine/files/hidden_file.hpp"
#include "engine/files/staged_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace sluice {

namespace fs = std::filesystem;

namespace {

using file_maker = std::unique_ptr<sink> (*)(const sink_request&, diagnostics&);

constexpr char part_token = 'P';
constexpr std::size_t run_digits = 16;

std::string folder_of(const sink_request& request) {
  return request.own.is_string() ? request.own.get<std::string>() : text_option(request.own, "path", "");
}

/// The same for one file of the folder.
sink_request of_file(sink_request request, const std::string& path) {
  if (request.own.is_string()) {
    request.own = path;
  } else {
    request.own["path"] = path;
  }
  request.mode = "replace";
  return request;
}

/// What is in a token: the token of the part, and whether parts of other runs than these go.
struct part {
  std::string file;  ///< empty: an epoch without rows
  bool replaces = false;
  std::string chain;
};

std::string token_of(const part& made) {
  return opaque_writer(part_token).text(made.file).number(made.replaces ? 1 : 0).text(made.chain).take();
}

result<part> read_token(const std::string& token) {
  opaque_reader from(token, part_token);
  part made;
  made.file = from.text();
  made.replaces = from.number() != 0;
  made.chain = from.text();
  SLUICE_TRY(from.done("the token of a part to publish"));
  return made;
}

class parts_sink final : public sink, public reads_back {
 public:
  parts_sink(const sink_request& request, std::string component, std::string extension, file_maker make_file)
      : request_(request),
        component_(std::move(component)),
        shown_(folder_of(request)),
        folder_(target_of(shown_, request.context ? request.context->base_folder : "")),
        extension_(std::move(extension)),
        make_file_(make_file),
        replaces_(request.mode.empty() || request.mode == "replace") {
    // Runs that continue after each other have the same now.
    chain_ = fmt::format("{:014x}", request.context ? request.context->now_microseconds : 0);
    for (const char digit : request.context ? request.context->run_id : "")
      if (digit != '-' && run_.size() < run_digits) run_ += digit;
    replaces_ = replaces_ && request.continues.empty();
  }
  ~parts_sink() override { stop_.connect(nullptr); }

  status open(std::uint32_t attempt) override {
    attempt_ = attempt;
    std::error_code problem;
    if (fs::exists(folder_, problem) && !fs::is_directory(folder_, problem))
      return user_error("not_a_folder", "the target " + folder_ + " is a file, but a folder is needed",
                        "remove the / at the end of its path to write one file");
    if (request_.mode != "error" || !request_.continues.empty()) return {};
    for (fs::directory_iterator at(folder_, problem), end; !problem && at != end; at.increment(problem))
      if (!at->path().filename().string().starts_with('.'))
        return user_error("target_exists", "the folder " + folder_ + " is not empty, and mode is error",
                          "remove its files, use another path, or set mode: replace or append");
    return {};
  }

  status write(const batch& rows, row_errors& refused) override {
    if (rows.rows() == 0) return {};
    if (!file_) {
      SLUICE_ASSIGN(file_, file(part_path(number_ + 1)));
      stop_.connect(file_.get());
      SLUICE_TRY(file_->open(attempt_));
    }
    return file_->write(rows, refused);
  }

  result<prepared_epoch> prepare(std::uint64_t epoch) override {
    ++number_;
    part made{.file = {}, .replaces = replaces_ && number_ == 1, .chain = chain_};
    prepared_epoch given{{.target = folder_}, {}};
    if (file_) {
      SLUICE_ASSIGN(given, file_->prepare(epoch));
      given.report.target = folder_;
      made.file = std::move(given.token);
      prepared_.push_back(part_path(number_));
      close_file();
    }
    given.token = token_of(made);
    return given;
  }

  status commit(const std::string& token) override {
    SLUICE_ASSIGN(const auto made, read_token(token));
    if (!made.file.empty()) {
      SLUICE_ASSIGN(const auto one, file(folder_ + "/part" + extension_));
      stop_.connect(one.get());
      auto done = one->commit(made.file);
      stop_.connect(file_.get());
      SLUICE_TRY(std::move(done));
    }
    // Epochs are committed in their order.
    if (!made.file.empty() && !prepared_.empty()) prepared_.erase(prepared_.begin());
    if (made.replaces) SLUICE_TRY(remove_parts_of_others(made.chain));
    return {};
  }

  status recover(const std::vector<std::string>& tokens) override {
    for (const auto& token : tokens) SLUICE_TRY(commit(token));
    return keep({});
  }

  status keep(const std::vector<std::string>& tokens) override {
    std::vector<std::string> kept;
    for (const auto& token : tokens) {
      SLUICE_ASSIGN(const auto made, read_token(token));
      if (made.file.empty()) continue;
      SLUICE_ASSIGN(kept.emplace_back(), file_target::hidden_of(made.file));
    }
    const auto mark = "." + (request_.context ? request_.context->run_id : "") + ".";
    std::error_code ignored;
    std::vector<fs::path> old;
    for (fs::directory_iterator at(folder_, ignored), end; !ignored && at != end; at.increment(ignored)) {
      const auto name = at->path().filename().string();
      if (name.starts_with(".part-") && name.ends_with(".part") && name.find(mark) != std::string::npos &&
          std::find(kept.begin(), kept.end(), at->path().string()) == kept.end())
        old.push_back(at->path());
    }
    for (const auto& path : old) fs::remove(path, ignored);
    return {};
  }

  void abort() noexcept override {
    if (file_) file_->abort();
    close_file();
    for (const auto& path : std::exchange(prepared_, {}))
      remove_hidden_files(path, request_.context ? request_.context->run_id : "", request_.unit, {});
  }
  void interrupt() noexcept override { stop_.interrupt(); }

  result<std::vector<staged_source>> staged(const std::string& token) override {
    SLUICE_ASSIGN(const auto made, read_token(token));
    if (made.file.empty()) return std::vector<staged_source>();
    return staged_file(component_, of_file(request_, part_path(number_)), made.file);
  }

 private:
  [[nodiscard]] std::string part_path(std::uint64_t number) const {
    return fmt::format("{}/part-{}-{}-{:04}-{:06}{}", folder_, chain_, run_, attempt_, number, extension_);
  }

  [[nodiscard]] result<std::unique_ptr<sink>> file(const std::string& path) const {
    diagnostics faults;
    auto made = make_file_(of_file(request_, path), faults);
    if (made == nullptr) return faults.front();
    return made;
  }

  void close_file() {
    stop_.connect(nullptr);
    file_.reset();
  }

  [[nodiscard]] status remove_parts_of_others(const std::string& chain) const {
    std::error_code problem;
    std::vector<fs::path> old;
    for (fs::directory_iterator at(folder_, problem), end; !problem && at != end; at.increment(problem)) {
      const auto name = at->path().filename().string();
      if (name.starts_with("part-") && name.find('-', 5) == 5 + chain.size() && !name.substr(5).starts_with(chain) &&
          name.ends_with(extension_))
        old.push_back(at->path());
    }
    for (const auto& path : old) {
      fs::remove(path, problem);
      if (problem) return from_errno(problem.value(), "remove the earlier part " + path.string());
    }
    const int number = old.empty() ? 0 : sync_folder(folder_);
    return number == 0 ? status{} : status(from_errno(number, "make durable the folder " + folder_));
  }

  sink_request request_;
  std::string component_;
  std::string shown_;
  std::string folder_;
  std::string extension_;
  file_maker make_file_;
  std::string run_;
  std::string chain_;
  bool replaces_;
  std::uint32_t attempt_ = 0;
  std::uint64_t number_ = 0;           ///< of the epochs that were prepared
  std::unique_ptr<sink> file_;         ///< of the epoch that is being written; null: no rows yet
  std::vector<std::string> prepared_;  ///< targets of parts
  interrupt_switch<sink> stop_;
};

std::string extension_of(const sink_request& request, const std::string& component) {
  const auto packed = text_option(request.own, "compression", "auto");
  std::string name = "." + (component == "ipc" ? std::string("arrow") : component);
  if (component != "csv" && component != "ndjson") return name;
  if (packed == "gzip") name += ".gz";
  if (packed == "zstd") name += ".zst";
  if (packed == "lz4") name += ".lz4";
  if (packed == "bz2") name += ".bz2";
  return name;
}

}  // namespace

bool names_folder(const sink_request& request) {
  const auto path = folder_of(request);
  return path.size() > 1 && path.back() == '/';
}

std::unique_ptr<sink> make_parts(const sink_request& request, const std::string& component, file_maker make_file,
                                 diagnostics& faults) {
  const auto before = faults.size();
  auto extension = extension_of(request, component);
  // Modes that a single file of the format can't have are refused there; a part is a whole file.
  const auto path = folder_of(request) + "part" + extension;
  (void)make_file(of_file(request, path), faults);
  if (const auto mode = parse_file_mode(request.mode); !mode.ok()) faults.push_back(mode.problem());
  if (faults.size() > before) return nullptr;
  return std::make_unique<parts_sink>(request, component, std::move(extension), make_file);
}

}  // namespace sluice
