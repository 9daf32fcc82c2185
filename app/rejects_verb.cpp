#include "app/engine_process.hpp"
#include "app/planning.hpp"
#include "app/rejects_replay.hpp"
#include "app/run_records.hpp"
#include "app/run_source.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"

#include <cerrno>
#include <fstream>
#include <map>
#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::vector<std::string> words;  ///< [list|export|replay] [RUN]
  std::string unit;
  std::string code;
  std::string format;
  std::string output = "-";
  std::string input;
  std::string config;
  std::int64_t rows = 20;
};

std::string text_of(const options& of, const char* name) {
  const auto found = of.find(name);
  if (found == of.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

bool wanted(const options& reject, const chosen& what) {
  return (what.unit.empty() || text_of(reject, "unit") == what.unit) &&
         (what.code.empty() || text_of(reject, "code") == what.code);
}

/// "orders.csv:8", or the unit where a row has no place of its own.
std::string place_of(const options& reject) {
  const auto file = text_of(reject, "file");
  if (file.empty()) return "unit " + text_of(reject, "unit");
  const auto line = text_of(reject, "line");
  return line.empty() || line == "0" ? file : file + ":" + line;
}

/// The rejects of one run, wherever they lie.
class reject_reader {
 public:
  static result<reject_reader> open(const session& with, const std::string& reference) {
    SLUICE_ASSIGN(auto from, run_source::open(with));
    SLUICE_ASSIGN(auto seen, from.find(reference));
    auto path = seen.record.summary.is_object() ? seen.record.summary.value("rejects_path", "") : std::string{};
    if (path.empty()) path = with.rejects_path(seen.record.id);
    return reject_reader(std::move(from), std::move(seen.record), std::move(path));
  }

  [[nodiscard]] const store::run_record& run() const { return run_; }
  /// Calls `take` (giving whether to go on) with each reject and its line.
  template <class Take>
  status each(Take&& take) {
    return from_.rejects(run_, path_, [&](const std::string& line) {
      const auto reject = options::try_parse(line).value_or(options());
      // The last line of a run that was killed may be torn: what is whole is shown.
      return !reject.is_object() || take(reject, line);
    });
  }

 private:
  reject_reader(run_source from, store::run_record run, std::string path)
      : from_(std::move(from)), run_(std::move(run)), path_(std::move(path)) {}

  run_source from_;
  store::run_record run_;
  std::string path_;
};

status list(session& with, reject_reader& from, const chosen& what) {
  auto& terminal = with.terminal;
  const bool color = terminal.color_out();
  std::int64_t matching = 0;
  std::map<std::string, std::int64_t> by_code;
  SLUICE_TRY(from.each([&](const options& reject, const std::string& line) {
    if (!wanted(reject, what)) return true;
    ++by_code[text_of(reject, "code")];
    if (++matching > what.rows) return true;
    if (with.options.json) return terminal.out(line + "\n");
    const auto column = text_of(reject, "column");
    const auto said = printable(text_of(reject, "message"));
    const auto width = terminal.out_width() - 3;
    const auto record = reject.contains("record_base64") ? "(not UTF-8, base64) " + text_of(reject, "record_base64")
                                                         : printable(text_of(reject, "record"));
    return terminal.prose(paint(printable(place_of(reject)), style::bold, color) + "  " +
                          paint(text_of(reject, "code"), style::yellow, color) + "  unit " + text_of(reject, "unit") +
                          (column.empty() || said.starts_with("column ") ? "" : ", column " + printable(column)) +
                          ": " + said + "\n" +
                          paint("  " + fit(record, width, terminal.unicode()) + "\n", style::dim, color));
  }));
  if (with.options.json || with.options.quiet) return {};
  if (by_code.empty()) {
    terminal.note("run " + short_id(from.run().id) + " of " + from.run().pipeline + " has no " +
                  (what.unit.empty() && what.code.empty() ? "rejects\n" : "such rejects\n"));
    return {};
  }
  std::string total = thousands(static_cast<std::uint64_t>(matching)) + (matching == 1 ? " record" : " records");
  if (by_code.size() > 1)
    for (const auto& [code, count] : by_code) total += ", " + thousands(static_cast<std::uint64_t>(count)) + " " + code;
  if (matching > what.rows)
    total += "; the first " + std::to_string(what.rows) + " are shown; for all: sluice rejects export " +
             short_id(from.run().id);
  terminal.note(paint(total + "\n", style::dim, terminal.color_err()));
  return {};
}

/// A record that is not UTF-8 stands in the last one, so that the file stays text and no byte is lost.
constexpr const char* columns[] = {"file",    "line",   "unit",   "column", "code",
                                   "message", "record", "offset", "run",    "record_base64"};

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char letter : text) {
    if (letter == '"') quoted += '"';
    quoted += letter;
  }
  return quoted + '"';
}

std::string csv_line(const options& reject) {
  std::string line;
  for (const auto* column : columns) {
    if (column != columns[0]) line += ',';
    line += csv_field(text_of(reject, column));
  }
  return line + "\n";
}

/// Writes beside the file and renames, so that the export appears whole or not at all.
status export_to(session& with, reject_reader& from, const chosen& what) {
  const bool csv = what.format.empty() ? what.output.ends_with(".csv") : what.format == "csv";
  const bool to_stdout = what.output == "-";
  const auto temporary = what.output + ".sluice-part";
  std::ofstream file;
  if (!to_stdout) {
    file.open(temporary, std::ios::binary | std::ios::trunc);
    if (!file) return from_errno(errno, "write " + what.output);
  }
  const auto write = [&](const std::string& text) {
    if (to_stdout) return with.terminal.out(text);
    file << text;
    return file.good();
  };
  std::string header;
  for (const auto* column : columns) header += (header.empty() ? "" : ",") + std::string(column);
  std::uint64_t rows = 0;
  if (csv) write(header + "\n");
  auto outcome = from.each([&](const options& reject, const std::string& line) {
    if (!wanted(reject, what)) return true;
    ++rows;
    return write(csv ? csv_line(reject) : line + "\n");
  });
  if (to_stdout) return outcome;
  errno = 0;
  file.close();
  if (outcome.ok() && file.fail()) outcome = from_errno(errno == 0 ? ENOSPC : errno, "write " + what.output);
  if (outcome.ok() && std::rename(temporary.c_str(), what.output.c_str()) != 0)
    outcome = from_errno(errno, "write " + what.output);
  if (!outcome.ok()) {
    (void)std::remove(temporary.c_str());
    return outcome;
  }
  if (!with.options.quiet)
    with.terminal.note("wrote " + thousands(rows) + (rows == 1 ? " record" : " records") + " to " + what.output + "\n");
  return {};
}

result<int> replay(session& with, const chosen& what, const std::string& reference) {
  if (!with.options.to.empty())
    return user_error("bad_arguments", "rejects replay works on the state folder of this machine",
                      "run it where the node runs, with its --state");
  const replay_request request{
      .run = reference, .input = what.input, .unit = what.unit, .code = what.code, .config = what.config};
  const auto end = run_in_child([&] {
    const int code = replay_rejects(with, request);
    (void)with.terminal.flush();
    return code;
  });
  if (end.signal == 0) return end.exit_code;
  return external_error("engine_killed", "the engine (pid " + std::to_string(end.pid) + ") " + death_text(end),
                        "the same command replays what was not loaded");
}

result<int> rejects(session& with, chosen what) {
  std::string action = "list";
  if (!what.words.empty() && (what.words[0] == "list" || what.words[0] == "export" || what.words[0] == "replay")) {
    action = what.words[0];
    what.words.erase(what.words.begin());
  }
  if (action != "replay" && !what.input.empty())
    return user_error("bad_arguments", "--input is for sluice rejects replay",
                      "sluice rejects replay RUN --input FILE");
  if (action == "export" && what.words.size() == 2) {
    what.output = what.words[1];
    what.words.pop_back();
  }
  if (what.words.size() > 1)
    return user_error("bad_arguments", "'" + what.words[1] + "' is not a valid argument for sluice rejects",
                      "see: sluice rejects --help");
  const auto reference = what.words.empty() ? std::string("last") : what.words[0];
  if (action == "replay") return replay(with, what, reference);
  SLUICE_ASSIGN(auto from, reject_reader::open(with, reference));
  SLUICE_TRY(action == "export" ? export_to(with, from, what) : list(with, from, what));
  return exit_succeeded;
}

}  // namespace

command rejects_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes =
          {.positionals = {{.name = "[export|replay] RUN [FILE]",
                            .help = "an id, a unique prefix, a pipeline or last (default: last); export writes all "
                                    "records to stdout or a file; replay loads them again",
                            .target = &what->words,
                            .required = false,
                            .offers = completes::run,
                            .choices = {}}},
           .options =
               {{.names = {"--unit"}, .value = "UNIT", .help = "only rejects of this unit", .target = &what->unit},
                {.names = {"--code"}, .value = "CODE", .help = "only rejects with this code", .target = &what->code},
                {.names = {"--rows", "-n"},
                 .value = "N",
                 .help = "maximum number of rejects to list (default 20)",
                 .target = &what->rows},
                {.names = {"--format"},
                 .value = "FORMAT",
                 .help = "export: csv or ndjson (default: by the file's extension, else ndjson)",
                 .target = &what->format,
                 .choices = {"csv", "ndjson"}},
                {.names = {"--output", "-o"},
                 .value = "FILE",
                 .help = "export: the file to write (default: stdout)",
                 .target = &what->output,
                 .offers = completes::file},
                {.names = {"--input"},
                 .value = "FILE",
                 .help = "replay: repaired records, as export --format ndjson writes them",
                 .target = &what->input,
                 .offers = completes::file},
                config_option(what->config)},
           .details = "  sluice rejects last\n  sluice rejects export last rejects.ndjson\n"
                      "  sluice rejects replay last --input rejects.ndjson\n"
                      "Replay loads each record at most once, from the unit that rejected it on. Everything\n"
                      "below must work row by row, into sinks with mode append or upsert.\n"},
      .run = [what](session& with) { return rejects(with, *what); }};
}

}  // namespace sluice::app
