#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"
#include "cluster/access.hpp"

#include <ctime>
#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string action;
  std::string name;
  std::string role;
  std::int64_t days = 0;
};

constexpr std::int64_t micro = 1'000'000;

result<int> create(session& with, const chosen& what, const cluster::token_file& tokens) {
  const auto role = cluster::role_from(what.role);
  if (what.name.empty() || !role)
    return user_error("bad_arguments", "sluice tokens create needs a name and --role",
                      "for example: sluice tokens create ci --role operator");
  if (what.days < 0 || what.days > 36500)
    return user_error("bad_arguments", "--days must be between 0 and 36500, found " + std::to_string(what.days));
  SLUICE_ASSIGN(const auto token, tokens.create(what.name, *role, what.days));
  if (with.options.json) {
    with.terminal.out(options{{"name", what.name}, {"role", what.role}, {"token", token}}.dump() + "\n");
    return exit_succeeded;
  }
  // Alone on stdout, so that a script can keep it.
  with.terminal.out(token + "\n");
  if (!with.options.quiet)
    with.terminal.note("this is the only time that the token of " + what.name +
                       " is shown: set it as SLUICE_TOKEN where it is used\n");
  return exit_succeeded;
}

result<int> list(session& with, const cluster::token_file& tokens) {
  SLUICE_ASSIGN(const auto all, tokens.list());
  const std::int64_t now = std::time(nullptr);
  table shown({{.title = "name", .shrink_to = 8}, {.title = "role"}, {.title = "created"}, {.title = "expires"}});
  options json = options::array();
  for (const auto& one : all) {
    const bool over = one.expires != 0 && one.expires <= now;
    shown.add({{one.name},
               {cluster::to_string(one.role)},
               {time_text(one.created * micro)},
               {one.expires == 0 ? "never" : time_text(one.expires * micro), over ? style::red : style::plain}});
    json.push_back({{"name", one.name},
                    {"role", cluster::to_string(one.role)},
                    {"created", one.created},
                    {"expires", one.expires == 0 ? options(nullptr) : options(one.expires)},
                    {"expired", over}});
  }
  if (with.options.json) {
    with.terminal.out(json.dump(2) + "\n");
  } else if (!shown.empty()) {
    with.terminal.out(shown.render(with.terminal.out_width(), with.terminal.color_out(), with.terminal.unicode()));
  } else if (!with.options.quiet) {
    with.terminal.note("no tokens in " + with.options.state_folder + " but the one in its file 'token'\n");
  }
  return exit_succeeded;
}

result<int> run(session& with, const chosen& what) {
  if (!with.options.to.empty())
    return user_error("bad_arguments", "sluice tokens works on the state folder of a node, not with --to",
                      "run it on the node's machine, with its --state");
  if (with.options.state_folder.empty())
    return user_error("no_state_folder", "there is no home folder for the state",
                      "set the node's folder with --state or SLUICE_STATE");
  const cluster::token_file tokens(with.options.state_folder);
  if (what.action == "list") return list(with, tokens);
  if (what.action == "create") return create(with, what, tokens);
  if (what.name.empty())
    return user_error("bad_arguments", "sluice tokens revoke needs the name of a token",
                      "sluice tokens list shows them");
  SLUICE_TRY(tokens.revoke(what.name));
  if (!with.options.quiet && !with.options.json) with.terminal.note("the token " + what.name + " is revoked\n");
  if (with.options.json) with.terminal.out(options{{"name", what.name}, {"revoked", true}}.dump() + "\n");
  return exit_succeeded;
}

}  // namespace

command tokens_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {{.name = "ACTION",
                                     .help = "create: creates a token and shows it once; list; revoke: ends one",
                                     .target = &what->action,
                                     .choices = {"create", "list", "revoke"}},
                                    {.name = "NAME",
                                     .help = "of the token, as the audit log has it",
                                     .target = &what->name,
                                     .required = false}},
                    .options = {{.names = {"--role"},
                                 .value = "ROLE",
                                 .help = "viewer: looks; operator: also submits, cancels and resets; admin: everything",
                                 .target = &what->role,
                                 .choices = cluster::role_names()},
                                {.names = {"--days"},
                                 .value = "N",
                                 .help = "until it expires (default: never)",
                                 .target = &what->days}},
                    .details = "Tokens belong to the state folder of a node (--state), which keeps their hashes. A\n"
                               "revoked token is refused from the next request on. What is done with a token is in\n"
                               "the file audit.ndjson of that folder.\n"},
          .run = [what](session& with) { return run(with, *what); }};
}

}  // namespace sluice::app
