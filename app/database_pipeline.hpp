#pragma once

#include "app/database_tables.hpp"

#include <string>
#include <vector>

namespace sluice::app {

/// The text of a pipeline that copies tables into Parquet files, a source and a sink for each.
std::string pipeline_of_tables(const database_address& from, const std::vector<database_table>& tables);
/// The name of the secret that such a pipeline asks for; empty where the database needs none.
std::string secret_of(const database_address& from);

/// The tables that fit one of the patterns: `shop.*`, `shop.orders`, `orders`; * stands for any text. The error
/// (no_tables) names those that are there.
result<std::vector<database_table>> chosen_tables(const std::vector<database_table>& all,
                                                  const std::vector<std::string>& patterns);

}  // namespace sluice::app
