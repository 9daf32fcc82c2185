#include "app/database_pipeline.hpp"
#include "app/verbs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>

namespace sluice::app {

namespace {

constexpr const char* starter_pipeline = R"yaml(# A starter: read orders, keep the paid ones, sum them up by country.
#
#   sluice run starter.yaml                      runs it
#   sluice validate starter.yaml                 checks it, without running anything
#   sluice preview starter.yaml --unit paid      shows the first rows of a unit
#   sluice rejects last                          shows the records that could not be read
#
# sluice components        what can be used under extract, transform and load
# sluice functions         what can be used in an expression
version: 1
pipeline: starter
description: Revenue of paid orders by country.

params:                                          # sluice run starter.yaml --set vat=1.07
  vat: { type: double, default: 1.19 }

# One record of orders.csv is bad on purpose. With more than 10 rejects a run ends as "partial".
rejects: { allow: 10 }

extract:
  orders:
    csv: { path: orders.csv }                    # a path, a list of them, a glob or a folder
    types: { order_id: bigint, ordered_at: date, amount: "decimal(12,2)" }     # others are inferred

transform:
  paid:
    from: orders
    steps:
      - filter: "status = 'paid'"
      - derive: { net: "round(amount::double / $vat, 2)" }    # $vat is a typed value, not inserted text
  by_country:
    from: paid
    aggregate:
      by: [country]
      compute: { orders: "count(*)", revenue: "sum(net)" }
  ranking:
    from: by_country
    sort: [revenue desc]

load:
  report:
    from: ranking
    csv: { path: out/revenue.csv }               # appears at the end of the run, when it is complete
  paid_orders:
    from: paid
    parquet: { path: out/paid_orders.parquet }
)yaml";

constexpr const char* sample_data = R"csv(order_id,ordered_at,country,status,amount
1,2024-05-01,DE,paid,119.00
2,2024-05-01,FR,paid,59.90
3,2024-05-01,DE,open,12.50
4,2024-05-02,NL,paid,240.00
5,2024-05-02,DE,paid,1190.00
6,2024-05-02,FR,cancelled,80.00
7,2024-05-03,NL,paid,twelve
8,2024-05-03,FR,paid,35.70
9,2024-05-03,DE,paid,9.99
10,2024-05-04,NL,paid,75.25
)csv";

/// Writes a new file; one that is there is never touched.
status write_new(const std::string& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0 && errno == EEXIST)
    return user_error("file_exists", path + " already exists, and init does not overwrite files",
                      "use another folder: sluice init FOLDER");
  if (file < 0) return from_errno(errno, "write " + path);
  const auto written = ::write(file, text.data(), text.size());
  const int failure = written == static_cast<ssize_t>(text.size()) ? 0 : errno == 0 ? ENOSPC : errno;
  if (::close(file) == 0 && failure == 0) return {};
  (void)::unlink(path.c_str());
  return from_errno(failure == 0 ? errno : failure, "write " + path);
}

/// `where` is the pipeline's file, or a folder for starter.yaml; the data lies beside it.
result<int> write_starter(session& with, const std::string& where) {
  const std::filesystem::path given(where);
  const bool names_file = given.extension() == ".yaml" || given.extension() == ".yml";
  auto folder = names_file ? given.parent_path() : given;
  if (folder.empty()) folder = ".";
  const auto file = (names_file ? given : folder / "starter.yaml").lexically_normal();
  const auto data = (folder / "orders.csv").lexically_normal();
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return from_errno(failure.value(), "make the folder " + folder.string());
  for (const auto& each : {file, data})
    if (std::filesystem::exists(each))
      return user_error("file_exists", each.string() + " already exists, and init does not overwrite files",
                        "use another folder: sluice init FOLDER");
  SLUICE_TRY(write_new(data.string(), sample_data));
  SLUICE_TRY(write_new(file.string(), starter_pipeline));
  if (with.options.json) {
    with.terminal.out(options{{"pipeline", file.string()}, {"data", data.string()}}.dump() + "\n");
  } else {
    const bool here = std::filesystem::equivalent(folder, ".", failure);
    with.terminal.prose("wrote " + file.string() + " and " + data.string() +
                        "\n\nNow:  " + (here ? "" : "cd " + folder.string() + " && ") + "sluice run " +
                        file.filename().string() + "\n");
  }
  return exit_succeeded;
}

struct chosen {
  std::string where = ".";
  std::string from;
  std::vector<std::string> tables;
};

/// Writes a pipeline that copies tables of a database; `where` is its file, or the folder.
result<int> write_copy(session& with, const chosen& what) {
  SLUICE_ASSIGN(const auto database, parse_database(what.from));
  SLUICE_ASSIGN(const auto all, tables_of(database));
  SLUICE_ASSIGN(const auto tables, chosen_tables(all, what.tables));
  const std::filesystem::path given(what.where);
  const bool names_file = given.extension() == ".yaml" || given.extension() == ".yml";
  const auto file = (names_file ? given : given / (database.name + ".yaml")).lexically_normal();
  std::error_code failure;
  if (const auto folder = file.parent_path(); !folder.empty()) std::filesystem::create_directories(folder, failure);
  if (failure) return from_errno(failure.value(), "make the folder " + file.parent_path().string());
  SLUICE_TRY(write_new(file.string(), pipeline_of_tables(database, tables)));
  const auto secret = secret_of(database);
  if (with.options.json) {
    options answer = {{"pipeline", file.string()}, {"tables", tables.size()}};
    if (!secret.empty()) answer["secret"] = secret;
    with.terminal.out(answer.dump() + "\n");
    return exit_succeeded;
  }
  with.terminal.prose(
      "wrote " + file.string() + " with " + std::to_string(tables.size()) +
      (tables.size() == 1 ? " table" : " tables") +
      (secret.empty() ? "" : "\n\nThe password is not in the file: export SLUICE_SECRET_" + secret + "=...") +
      "\n\nNow:  sluice run " + file.string() + "\n");
  return exit_succeeded;
}

}  // namespace

command init_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {{.name = "FILE|FOLDER",
                                     .help = "the file to write, or the folder for starter.yaml; sample data is "
                                             "written beside it (default: the current folder)",
                                     .target = &what->where,
                                     .required = false,
                                     .offers = completes::folder}},
                    .options = {{.names = {"--from"},
                                 .value = "DATABASE",
                                 .help = "write a pipeline that copies tables of postgres://user@host/database, or of "
                                         "sqlite:FILE",
                                 .target = &what->from},
                                {.names = {"--tables"},
                                 .value = "PATTERN",
                                 .help = "with --from: only these tables, for example 'shop.*'; can be repeated "
                                         "(default: all)",
                                 .target = &what->tables}},
                    .details = "  sluice init new\n"
                               "  sluice init --from postgres://etl@127.0.0.1/shop --tables 'shop.*'\n"
                               "  sluice init copy.yaml --from sqlite:shop.db\n"},
          .run = [what](session& with) -> result<int> {
            if (!what->from.empty()) return write_copy(with, *what);
            if (what->tables.empty()) return write_starter(with, what->where);
            return user_error("bad_arguments", "--tables needs --from: the database that has the tables",
                              "sluice init --from postgres://user@host/database --tables 'shop.*'");
          }};
}

}  // namespace sluice::app
