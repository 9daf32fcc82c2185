#!/usr/bin/env python3
"""A table of cases, and the examples of all functions, through Sluice and through a real PostgreSQL 15: the same texts,
the same errors."""

import json
import subprocess
import sys

import both
import nested_cases
import typed
from command_line import BINARY
from postgres_server import Server

# Spelled the same in both. A list is shown with array_to_string, bytes with encode.
CASES = r"""
ascii('ä')
ascii('🙂')
ascii('')
chr(8364)
chr(128578)
chr(0)
chr(-1)
chr(1114112)
chr(55296)
translate('12345', '143', 'ax')
translate('äöü', 'öä', 'oa')
translate('aab', 'aa', 'xy')
translate('abc', '', 'x')
translate('abc', 'abc', '')
btrim('xyxtrimyyx', 'xyz')
btrim('  a ')
char_length('日本')
character_length('')
bit_length('é')
overlay('Txxxxas' placing 'hom' from 2 for 4)
overlay('abcdef' placing 'XY' from 3)
overlay('abcdef' placing 'XY' from 3 for 0)
overlay('abcdef' placing '' from 1 for 2)
overlay('abcdef' placing 'Z' from 20 for 2)
overlay('abcdef' placing 'Z' from 0 for 2)
overlay('äöü' placing 'Z' from 2 for -1)
format('Hello %s', 'World')
format('%s, %s, %%', 1, true)
format('%2$s %1$s', 'a', 'b')
format('%2$s %s', 'a', 'b', 'c')
format('|%10s|', 'foo')
format('|%-10s|', 'foo')
format('|%2$-5s|', 'a', 'é')
format('%s', null::text)
format('%L', null::text)
format('%L', 'O''Reilly')
format('%L', E'a\\b')
format('|%6L|', 'a')
format('insert into %I values(%L)', 'Foo bar', 1)
format('%I', 'select')
format('%I', 'abc_1')
format('%I', null::text)
format('plain')
quote_ident('Foo bar')
quote_ident('foo')
quote_ident('table')
quote_ident('a"b')
quote_ident('1a')
quote_literal('O''Reilly')
quote_literal(E'a\\b')
quote_literal('')
encode('\x616263'::bytea, 'base64')
encode('\x00ff5c27'::bytea, 'escape')
encode('\x00ff'::bytea, 'hex')
encode(decode(repeat('YWJj', 30), 'base64'), 'base64')
encode(decode('YWI', 'base64'), 'hex')
encode(decode(E'Y W\nI=', 'base64'), 'hex')
encode(decode('YWI=YWI=', 'base64'), 'hex')
encode(decode('YW!=', 'base64'), 'hex')
encode(decode('=YWI', 'base64'), 'hex')
encode(decode('0aFf', 'hex'), 'hex')
encode(decode('0a Ff', 'hex'), 'hex')
encode(decode('0', 'hex'), 'hex')
encode(decode('zz', 'hex'), 'hex')
encode(decode('a\000\\', 'escape'), 'hex')
encode(decode('a\8', 'escape'), 'hex')
convert_from('\xc3a4'::bytea, 'UTF8')
convert_from('\xff'::bytea, 'UTF8')
convert_from('\xeda080'::bytea, 'UTF8')
encode(convert_to('ä', 'UTF8'), 'hex')
(string_to_array('a,b,c', ','))[2]
array_to_string(string_to_array('xx~^~yy~^~zz', '~^~', 'yy'), '|', 'NULL')
array_to_string(string_to_array('abc', null), '|')
array_to_string(string_to_array('a,b', ''), '|')
array_to_string(string_to_array('', ','), '|')
array_to_string(string_to_array(',', ','), '|')
array_to_string(string_to_array('a,,b', ',', ''), '|')
array_to_string(string_to_array('a,,b', ',', ''), '|', '*')
array_length(string_to_array('a,b,c', ','), 1)
array_length(string_to_array('a,b,c', ','), 2)
array_length(string_to_array('', ','), 1)
cardinality(string_to_array('', ','))
cardinality(string_to_array(null, ','))
substring('foobar' from 'o.b')
substring('foobar' from 'o(.)b')
substring('foobar' from 'x')
substring('foobar' from '(x)?oo')
substring('2024-05-01' from '(\d+)-(\d+)')
array_to_string(regexp_match('foobarbequebaz', 'bar.*que'), '|')
array_to_string(regexp_match('foobarbequebaz', '(bar)(beque)'), '|')
array_to_string(regexp_match('abc', '(x)?(b)'), '|', 'NULL')
array_to_string(regexp_match('ABC', '(b)', 'i'), '|')
array_to_string(regexp_match('abc', 'x'), '|')
regexp_like('Hello', 'h', 'i')
regexp_like('Hello', 'h')
regexp_count('ABCABCAXYaxy', 'A.')
regexp_count('ABCABCAXYaxy', 'A.', 1, 'i')
regexp_count('ABCABCAXYaxy', 'A.', 5)
regexp_count('abc', '')
regexp_count('äöü', 'x*')
regexp_count('abc', 'b', 0)
regexp_count('abc', 'b', 9)
regexp_instr('number of your street, town zip, FR', '[^,]+', 1, 2)
regexp_instr('ABCDEFGHI', '(c..)(...)', 1, 1, 0, 'i', 2)
regexp_instr('ABCDEFGHI', 'c..', 1, 1, 1, 'i')
regexp_instr('äbäb', 'b', 1, 2)
regexp_instr('abc', 'x')
regexp_instr('abc', 'b', 1, 0)
regexp_instr('abc', 'b', 1, 1, 2)
regexp_substr('number of your street, town zip, FR', '[^,]+', 1, 2)
regexp_substr('ABCDEFGHI', '(c..)(...)', 1, 1, 'i', 2)
regexp_substr('ABC', 'x')
regexp_substr('abcabc', 'b.', 3)
regexp_substr('abc', '(b)(x)?', 1, 1, '', 2)
array_to_string(regexp_split_to_array('hello world', '\s+'), '|')
array_to_string(regexp_split_to_array('the quick', '\s*'), '|')
array_to_string(regexp_split_to_array('', 'x'), '|')
array_to_string(regexp_split_to_array(',a,', ','), '|')
array_to_string(regexp_split_to_array('aXbxc', 'x', 'i'), '|')
age(timestamp '2001-04-10', timestamp '1957-06-13')
age(timestamp '1957-06-13', timestamp '2001-04-10')
age(timestamp '2024-03-31', timestamp '2024-02-29')
age(timestamp '2024-02-29', timestamp '2024-03-31')
age(timestamp '2024-03-01 01:00', timestamp '2024-01-31 23:00')
age(timestamp '2024-01-31 23:00', timestamp '2024-03-01 01:00')
age(date '2024-12-31', date '2023-12-31')
age(timestamptz '2024-03-01 00:00+00', timestamptz '2024-01-31 00:00+00')
date_bin('15 minutes', timestamp '2020-02-11 15:44:17', timestamp '2001-01-01')
date_bin('15 minutes', timestamp '2020-02-11 15:44:17', timestamp '2001-01-01 00:02:30')
date_bin('1 day', timestamp '1999-02-11 15:44:17', timestamp '2001-01-01 12:00')
date_bin('1 month', timestamp '2020-02-11', timestamp '2001-01-01')
date_bin('-1 day', timestamp '2020-02-11', timestamp '2001-01-01')
date_bin('1 hour', timestamptz '2020-02-11 15:44:17+00', timestamptz '2001-01-01 00:00+00')
justify_days(interval '35 days')
justify_days(interval '-35 days')
justify_days(interval '1 mon -40 days')
justify_hours(interval '27 hours')
justify_hours(interval '-1 day 30 hours')
justify_interval(interval '1 mon -1 hour')
justify_interval(interval '-1 mon 35 days 25 hours')
justify_interval(interval '1 mon -31 days 2 hours')
timestamp '2024-07-01 12:00' at time zone 'Europe/Berlin'
timestamptz '2024-07-01 12:00+00' at time zone 'America/New_York'
timestamptz '2024-07-01 12:00+00' at time zone interval '-05:30'
date '2024-05-01' + interval '1' month
make_interval(days => 10, secs => 1.5)
make_time(8, 15, 59.9999999)
div(9, 4)
div(-9, 4)
div(7.5, 2)
div(1, 0)
gcd(1071, 462)
gcd(0, 0)
gcd(-9223372036854775808, 0)
lcm(1071, 462)
lcm(0, 5)
lcm(9223372036854775807, 2)
factorial(20)
factorial(0)
factorial(-1)
width_bucket(5.35, 0.024, 10.06, 5)
width_bucket(0.29, 0, 1, 100)
width_bucket(0, 0, 1, 100)
width_bucket(1, 0, 1, 100)
width_bucket(-1, 0, 1, 100)
width_bucket(5, 10, 0, 4)
width_bucket(5, 1, 1, 4)
width_bucket(5, 1, 2, 0)
91 & 15
32 | 3
17 # 5
1 << 4
1 << 33
(-8) >> 1
8::bigint << 40
1::smallint << 20
91 & 15 = 11
2 + 3 & 4
cbrt(27)
degrees(0.5)
radians(45)
asin(2)
acosh(0.5)
atanh(1)
sin('infinity'::double precision)
pi()
log10(1000)
log10(0)
"""
# Those of kinds and functions that PostgreSQL does not have, or that differ on purpose (tests/postgres/differences.py).
OURS = {"contains", "ends_with", "strftime", "strptime", "regexp_matches", "error", "hmac", "md5", "sha1", "sha224", "sha256", "sha384", "sha512",
        "encode", "localtime", "localtimestamp", "median", "first", "last", "date_trunc", "to_hex", "uuid",
        # Lists are written as JSON.
        "regexp_match", "regexp_split_to_array", "string_to_array", "array_append", "array_cat", "array_fill", "array_positions", "array_prepend",
        "array_remove", "array_replace", "trim_array",
        # PostgreSQL 15 does not have them, or has them as functions that return rows.
        "array_distinct", "array_reverse", "array_sort", "json_valid", "json_array_elements", "json_array_elements_text", "json_object_keys",
        "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_object_keys", "jsonb_path_query", "row_to_json"}


def examples():
    made = json.loads(subprocess.run([BINARY, "functions", "--json"], capture_output=True, text=True, check=True).stdout)
    return [each["example"] for each in made
            if each["kind"] not in ("aggregate", "window", "random") and each["name"] not in OURS and "::double" not in each["example"]]


def main():
    texts = CASES + nested_cases.LISTS + nested_cases.JSON + nested_cases.OTHERS + nested_cases.NUMBERS
    cases = [line for line in texts.splitlines() if line.strip()] + examples()
    wrong, compared = [], 0
    with Server() as server:
        connection = server.connect()
        connection.run(both.FUNCTIONS + both.EVALUATE + "; set timezone = 'UTC'")
        sluice = both.Sluice()
        rows, types = {"id": [0]}, {"id": typed.INTEGER}
        sluice.table("t", rows, types)
        sluice.rows = 1
        both.create_table(connection, "t", rows, types)
        made = [typed.Expression(typed.TEXT, f"({each})::text", f"({each})::text") for each in cases]
        failed = set()
        # Constants that fail are refused when they are bound: such cases are errors on both sides.
        while True:
            good = [(number, each) for number, each in enumerate(made) if number not in failed]
            try:
                results, messages = both.evaluate_in_sluice(sluice, [each for _, each in good])
                break
            except both.Refused as refused:
                named = both.refused_unit(str(refused))
                if not named:
                    raise
                failed.update(good[number][0] for number in named if number < len(good))
        values = dict(zip((number for number, _ in good), results))
        for number, each in enumerate(made):
            (kind, text), = [tuple(answer) + ("",) * (2 - len(answer)) for answer in _answer(connection, each.postgres)]
            given = both.FAILED if kind == "e" else None if kind == "n" else text
            mine = both.FAILED if number in failed else values[number][1][0]
            compared += 1
            if mine != given:
                wrong.append(f"{cases[number]}\n    PostgreSQL {given!r} {text if kind == 'e' else ''}\n    Sluice     {mine!r} "
                             f"{[message for (unit, _), message in messages.items() if good[unit][0] == number]}")
    print(*wrong, sep="\n")
    print(f"{compared} cases, {len(wrong)} differ")
    return 1 if wrong or compared < 150 else 0


def _answer(connection, expression):
    try:
        return both.evaluate_in_postgres(connection, expression)
    except AssertionError as refused:
        return [("e", str(refused))]


if __name__ == "__main__":
    sys.exit(main())
