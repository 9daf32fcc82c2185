#include "engine/lineage/datasets.hpp"

#include "engine/clients/postgres/connection.hpp"
#include "engine/secrets/known_secrets.hpp"

#include <filesystem>

namespace sluice::lineage {

namespace {

std::string text_at(const options& of, const char* name) {
  if (!of.is_object()) return {};
  const auto found = of.find(name);
  return found != of.end() && found->is_string() ? found->text() : std::string();
}

std::vector<std::string> texts_at(const options& of, const char* name) {
  std::vector<std::string> made;
  if (!of.is_object()) return made;
  const auto found = of.find(name);
  if (found == of.end()) return made;
  if (found->is_string()) made.push_back(found->text());
  if (found->is_array())
    for (const auto& one : *found)
      if (one.is_string()) made.push_back(one.text());
  return made;
}

/// "${secret:shop_url}" names a place by its secret: "secret/shop_url".
std::string hidden(const std::string& reference) {
  std::string name;
  for (const char c : reference)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-') name += c;
  return "secret/" + (name.starts_with("secret") ? name.substr(6) : name);
}

std::string file_name(const std::string& path, const std::string& base_folder) {
  if (secrets::has_reference(path)) return hidden(path);
  const std::filesystem::path given(path);
  return (given.is_absolute() ? given : std::filesystem::path(base_folder) / given).lexically_normal().string();
}

std::vector<dataset> postgres_tables(const options& own) {
  const auto url = text_at(own, "url");
  std::string place = hidden(url);
  std::string database;
  if (!secrets::has_reference(url)) {
    place = postgres::place_of(url);  // host:port/database
    const auto slash = place.find('/');
    if (slash != std::string::npos) database = place.substr(slash + 1);
    place = place.substr(0, slash);
  }
  auto table = text_at(own, "table");
  if (table.empty()) return {};
  if (table.find('.') == std::string::npos) table = "public." + table;
  return {{"postgres://" + place, database.empty() ? table : database + "." + table}};
}

std::vector<dataset> kafka_topics(const options& own) {
  const auto brokers = text_at(own, "brokers");
  const auto first = secrets::has_reference(brokers) ? hidden(brokers) : brokers.substr(0, brokers.find(','));
  std::vector<dataset> made;
  for (const auto& topic : texts_at(own, "topic")) made.push_back({"kafka://" + first, topic});
  return made;
}

std::vector<dataset> rabbitmq_places(const options& own) {
  const auto url = text_at(own, "url");
  auto place = hidden(url);
  if (!secrets::has_reference(url)) {
    const auto begin = url.find("://");
    place = begin == std::string::npos ? url : url.substr(begin + 3);
    place = place.substr(0, place.find_first_of("/?"));
    if (const auto user = place.rfind('@'); user != std::string::npos) place = place.substr(user + 1);
    if (place.find(':') == std::string::npos) place += ":5672";
  }
  for (const auto* name : {"queue", "exchange"})
    if (const auto text = text_at(own, name); !text.empty()) return {{"rabbitmq://" + place, text}};
  return {};
}

}  // namespace

std::vector<dataset> datasets_of(const planned_unit& unit, const std::string& base_folder) {
  const auto& own = unit.definition.own;
  const auto& component = unit.definition.component;
  if (component == "postgres") return postgres_tables(own);
  if (component == "kafka") return kafka_topics(own);
  if (component == "rabbitmq") return rabbitmq_places(own);
  std::vector<dataset> made;
  for (const auto& path : texts_at(own, "path")) {
    if (path == "-") continue;
    const auto table = text_at(own, "table");
    if (component != "sqlite")
      made.push_back({"file", file_name(path, base_folder)});
    else if (!table.empty())
      made.push_back({"sqlite", file_name(path, base_folder) + "/" + table});
  }
  return made;
}

}  // namespace sluice::lineage
