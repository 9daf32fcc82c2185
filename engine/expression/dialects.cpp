// Names that people bring along from MySQL, SQL Server, Oracle, Spark, BigQuery, Snowflake, DuckDB and spreadsheets.
#include "engine/expression/dialects.hpp"

#include "engine/error/not_yet.hpp"
#include "engine/error/words.hpp"

#include <algorithm>
#include <iterator>

namespace sluice::expression {

namespace {

struct translation {
  std::string_view names;         // divided by blanks
  const char* hint;               // or, with a feature, what to do until then; may be empty
  const char* feature = nullptr;  // what is missing: a section of docs/not-yet.md
};

constexpr translation functions[] = {
    // null and conditions
    {"ifnull nvl isnull", "write coalesce(x, y)"},
    {"nvl2", "write case when x is not null then a else b end"},
    {"if iff iif", "write case when condition then a else b end"},
    {"choose field elt", "write case x when 1 then a when 2 then b else c end"},
    {"switch multiif", "write case when condition then a when other then b else c end"},
    {"nullifzero", "write nullif(x, 0)"},
    {"zeroifnull", "write coalesce(x, 0)"},
    {"isnan is_nan", "write x = 'NaN'::double"},
    {"assert raise", "write case when condition then x else error('why') end with on_error: reject"},
    // dates and times
    {"year month day hour minute second quarter week", "write extract(year from x), with the unit that you need"},
    {"dayofmonth day_of_month", "write extract(day from x)"},
    {"dayofweek weekday day_of_week", "write extract(dow from x), 0 is Sunday, or extract(isodow from x), 1 is Monday"},
    {"dayofyear day_of_year", "write extract(doy from x)"},
    {"weekofyear week_of_year isoweek yearweek", "write extract(week from x)"},
    {"datepart date_get", "write extract(year from x), with the unit that you need"},
    {"dayname day_name", "write to_char(x, 'FMDay')"},
    {"monthname month_name", "write to_char(x, 'FMMonth')"},
    {"datediff date_diff timestampdiff timestamp_diff days_between",
     "subtract dates: b - a gives days; for seconds between times write extract(epoch from b - a)"},
    {"dateadd date_add adddate timestampadd timestamp_add add_days",
     "write x + interval '1 day', with the interval that you need"},
    {"date_sub datesub subdate timestamp_sub", "write x - interval '1 day', with the interval that you need"},
    {"add_months", "write x + interval '1 month'"},
    {"months_between", "write extract(year from b) * 12 + extract(month from b) - the same of a"},
    {"last_day eomonth", "write (date_trunc('month', x) + interval '1 month')::date - 1"},
    {"date_format format_date format_timestamp format_datetime formatdatetime time_format",
     "write to_char(x, 'YYYY-MM-DD'), or strftime(x, '%Y-%m-%d')"},
    {"str_to_date parse_date todate cdate", "write to_date(x, 'DD.MM.YYYY'), or strptime(x, '%d.%m.%Y')"},
    {"parse_timestamp parse_datetime to_datetime",
     "write to_timestamp(x, 'DD.MM.YYYY HH24:MI'), or strptime(x, '%d.%m.%Y')"},
    {"from_unixtime epoch_ms timestamp_seconds", "write to_timestamp(seconds)"},
    {"unix_timestamp to_unixtime unix_seconds epoch", "write extract(epoch from x)"},
    {"getdate sysdate systimestamp current_datetime getutcdate sysdatetime localtimestamp", "write now()"},
    {"today curdate", "write current_date"},
    {"date_truncate datetrunc timestamp_trunc trunc_date datetime_trunc", "write date_trunc('month', x)"},
    {"date", "write x::date"},
    {"datetime timestamp to_timestamp_ntz", "write x::timestamp"},
    {"convert_tz from_utc_timestamp to_utc_timestamp convert_timezone at_timezone",
     "write x at time zone 'Europe/Berlin'"},
    {"datefromparts date_from_parts", "write make_date(2024, 5, 1)"},
    // texts
    {"len length_utf8", "write length(x)"},
    {"lengthb datalength byte_length", "write octet_length(x)"},
    {"lcase tolower to_lower", "write lower(x)"},
    {"ucase toupper to_upper", "write upper(x)"},
    {"mid substring_utf8", "write substring(x, from, count)"},
    {"instr locate charindex find indexof", "write position('part' in x), or strpos(x, 'part')"},
    {"substring_index split split_string strtok", "write split_part(x, ',', 1)"},
    {"startswith startwith begins_with", "write starts_with(x, 'start')"},
    {"endswith endwith", "write ends_with(x, 'end')"},
    {"includes str_contains contains_substr", "write contains(x, 'part')"},
    {"strip", "write trim(x), or trim(x, 'characters')"},
    {"lstrip", "write ltrim(x)"},
    {"rstrip", "write rtrim(x)"},
    {"proper capitalize", "write initcap(x)"},
    {"replicate", "write repeat(x, n)"},
    {"space", "write repeat(' ', n)"},
    {"strcmp", "write a < b, a = b or a > b"},
    {"printf sprintf", "write format('%s has %s', a, b)"},
    {"str to_string tostring cstr to_varchar text varchar string", "write x::text"},
    {"hex", "write to_hex(x)"},
    {"rlike regexp_contains regex_match regexp_full_match", "write regexp_like(x, 'pattern'), or x ~ 'pattern'"},
    {"regexp_extract regex_extract",
     "write regexp_substr(x, 'pattern'), or substring(x from 'pattern') for its first group"},
    {"regexp_extract_all regexp_split_to_table regexp_split", "write regexp_split_to_array(x, 'pattern'), then unnest"},
    {"json_extract json_value json_query json_get",
     "write x -> 'key', x ->> 'key' for text, x #> array['a', 'b'] for a path"},
    {"json_extract_scalar json_extract_string get_json_object",
     "write x ->> 'key', or x #>> array['a', 'b'] for a path"},
    {"parse_json try_parse_json", "write x::json, or try_cast(x as json) for null where it is not JSON"},
    {"json_array", "write json_build_array(a, b)"},
    {"array_size list_length", "write cardinality(x)"},
    {"array_join list_to_string", "write array_to_string(x, ',')"},
    {"split_to_array str_split string_split", "write string_to_array(x, ',')"},
    {"list_contains array_contains list_has", "write x = any(list)"},
    {"list_append list_concat array_concat array_push", "write list || x"},
    {"list_distinct array_unique", "write array_distinct(list)"},
    {"list_sort sort_array", "write array_sort(list)"},
    {"list_position array_indexof", "write array_position(list, x)"},
    {"map_keys map_values element_at", "write map['key']; unnest makes rows of keys and values"},
    {"unnest explode", "unnest is a transform: unnest: items makes a row of each element"},
    // numbers and casts
    {"convert safe_cast try_convert", "write x::bigint, or try_cast(x as bigint) for null where it does not fit"},
    {"tonumber to_decimal cdbl to_double todouble to_float float double numeric decimal",
     "write x::double or x::decimal(12,2)"},
    {"cint int integer bigint toint to_int to_integer toint64", "write x::integer or x::bigint"},
    {"to_boolean bool boolean cbool", "write x::boolean"},
    {"truncate", "write trunc(x, digits)"},
    {"rand randn", "write random()"},
    {"newid uuid_generate_v4 generate_uuid sys_guid uuid_string", "write uuid()"},
    {"log2", "write log(2, x)"},
    {"square sqr", "write x * x"},
    {"intdiv safe_divide", "/ between integers is integer division; for null where b is 0 write a / nullif(b, 0)"},
    {"remainder", "write a % b"},
    {"signum", "write sign(x)"},
    // hashes
    {"sha sha2 hash farm_fingerprint xxhash64 murmur_hash crc32 checksum hashbytes md5_hex",
     "write sha256(x), or md5(x) if it need not be secure"},
    {"base64 to_base64", "write encode(x, 'base64')"},
    {"from_base64 unbase64", "write decode(x, 'base64')"},
    {"unhex", "write decode(x, 'hex')"},
    // aggregates
    {"countif count_if", "write count(*) filter (where condition)"},
    {"sumif sum_if", "write sum(x) filter (where condition)"},
    {"avgif avg_if averageif", "write avg(x) filter (where condition)"},
    {"mean average", "write avg(x)"},
    {"nunique count_distinct uniq uniqexact countdistinct", "write count(distinct x)"},
    {"approx_distinct approxcountdistinct ndv hll uniqcombined", "write approx_count_distinct(x)"},
    {"std stdev stddevsamp", "write stddev(x)"},
    {"var", "write variance(x)"},
    {"arbitrary anyvalue", "write any_value(x)"},
    {"logical_and booland_agg", "write bool_and(x)"},
    {"logical_or boolor_agg", "write bool_or(x)"},
    {"argmax arg_max max_by argmin arg_min min_by", "deduplicate: { by: [key], order: [x desc] } keeps that row"},
    {"group_concat listagg", "write string_agg(x, ',' order by y)"},
    {"collect_list array_concat_agg grouparray", "write array_agg(x order by y)"},
    {"collect_set", "write array_agg(distinct x)"},
    {"quantile quantile_cont", "write percentile_cont(0.9) within group (order by x)"},
    {"quantile_disc", "write percentile_disc(0.9) within group (order by x)"},
};

constexpr translation operators[] = {
    {"div", "/ between integers is integer division"},
    {"mod", "write a % b"},
    {"rlike regexp similar glob", "write x ~ 'pattern' for a regular expression, x like 'a%' for a simple pattern"},
    {"xor", "write a <> b"},
    {"collate", "texts are compared byte by byte, as in the collation \"C\"; use lower(x) to ignore case"},
    {"over", "over (...) follows the call of a window function or an aggregate, in derive or select"},
};

template <std::size_t Count>
std::string find(const translation (&all)[Count], std::string_view name) {
  const auto* found =
      std::find_if(std::begin(all), std::end(all), [&](const auto& one) { return is_word_of(name, one.names); });
  if (found == std::end(all)) return {};
  return found->feature == nullptr ? std::string(found->hint) : not_yet_hint(found->feature, found->hint);
}

}  // namespace

std::string other_dialect_hint(std::string_view name) { return find(functions, name); }
std::string other_operator_hint(std::string_view word) { return find(operators, word); }

}  // namespace sluice::expression
