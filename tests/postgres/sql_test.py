#!/usr/bin/env python3
"""A table of statements through `sluice query` and through a real PostgreSQL 15: the same rows; those with ORDER BY in the
same order."""

import concurrent.futures
import csv
import decimal
import io
import pathlib
import re
import subprocess
import sys
import tempfile

from command_line import BINARY
from postgres_server import DatabaseError, Server

TABLES = {
    "c": ({"id": "bigint", "name": "text", "country": "text", "joined": "date"},
          [(1, "Ann", "DE", "2023-01-05"), (2, "Bob", "FR", "2023-02-01"), (3, "Cid", "DE", None), (4, "Dee", None, "2024-01-01"),
           (5, "Eve", "IT", "2024-02-29")]),
    "o": ({"id": "bigint", "customer": "bigint", "amount": "decimal(12,2)", "status": "text", "day": "date"},
          [(10, 1, "10.00", "paid", "2024-05-01"), (11, 1, "20.50", "open", "2024-05-02"), (12, 2, "5.25", "paid", "2024-05-01"),
           (13, 3, "100.00", "paid", "2024-05-03"), (14, None, "7.00", "paid", "2024-05-03"), (15, 9, "8.00", "open", None),
           (16, 3, None, "void", "2024-05-04"), (17, 2, "5.25", "paid", "2024-05-05")]),
    "n": ({"k": "bigint", "v": "bigint", "id": "bigint"}, [(1, 1, 100), (1, 2, 101), (2, None, 102), (None, 5, 103), (3, 3, 104)]),
    "m": ({"k": "bigint", "w": "bigint"}, [(1, 10), (2, 20), (2, 21), (4, 40)]),
    "e": ({"k": "bigint", "x": "text"}, []),
}

CASES = r"""
select * from c
select c.*, o.amount from c join o on c.id = o.customer
select id, name as who from c where country = 'DE' order by name desc
select "id" from c order by 1 desc limit 2
select id from o order by amount desc nulls last, id offset 2 limit 3
select id from o order by amount, id fetch first 3 rows only
select distinct country from c
select distinct status, customer from o order by status, customer
select distinct on (customer) customer, id, amount from o order by customer, amount desc, id
select upper(name) || '!' as x from c where length(name) = 3
select id, amount * 2 as twice, amount is null as missing from o
select case when amount > 10 then 'big' when amount is null then 'none' else 'small' end as size, count(*) as n from o group by 1
select count(*) as n, count(amount) as a, sum(amount) as s, min(day) as d, max(day) as e from o
select count(*) as n, sum(k) as s from e
select k, count(*) as n from e group by k
select customer, sum(amount) as s, count(*) filter (where status = 'paid') as p from o group by customer
select customer, sum(amount) as s from o group by customer having sum(amount) > 10
select sum(amount) as s from o having count(*) > 100
select status, count(distinct customer) as n from o group by status order by n desc, status
select extract(month from day)::integer as month, sum(amount) as s from o group by extract(month from day)::integer
select day + 1 as next, count(*) as n from o group by day + 1 having count(*) > 1 order by next
select upper(status) as st, max(amount) - min(amount) as spread from o group by status
select length(status) + 1 as l, sum(amount) + count(*) as t from o group by length(status) + 1
select status as s, count(*) as n from o group by s order by s
select status, customer, sum(amount) as s from o group by rollup(status, customer)
select status, customer, sum(amount) as s from o group by cube(status, customer)
select status, customer, count(*) as n from o group by grouping sets ((status), (customer), ())
select status, customer, count(*) as n, grouping(status, customer) as g from o group by rollup(status, customer)
select status, grouping(status) as g, sum(amount) as s from o group by rollup(status) order by g, status
select count(*) as n from e group by rollup(k)
select status, day, count(*) as n from o group by status, rollup(day)
select c.name, o.id from c left join o on c.id = o.customer
select c.name, o.id from c right join o on c.id = o.customer
select c.name, o.id from c full join o on c.id = o.customer
select c.name, o.id from c left join o on c.id = o.customer and o.status = 'paid'
select c.name, o.id from c left join o on c.id = o.customer where o.status = 'paid'
select c.name, o.id from c left join o on c.id = o.customer where o.id is null
select a.name, b.name as other from c a join c b on a.country = b.country and a.id < b.id
select a.id, b.id as b_id, x.id as c_id from c a join c b on a.country = b.country join c x on x.id = b.id
select a.k, a.v, b.w from n a cross join m b
select a.k, a.v, b.w from n a, m b where a.k = b.k
select a.k, b.w from n a, m b where a.k = b.k and a.v > 1 and b.w < 30
select k, v, w from n join m using (k)
select k, v, w from n left join m using (k)
select k, v, w from n right join m using (k)
select k, v, w from n full join m using (k)
select * from n full join m using (k)
select k, n.k as a, m.k as b from n full join m using (k)
select c.name, o.amount, n.v from c join o on o.customer = c.id join n on n.k = c.id where o.amount > 5
select c.name, o.amount, n.v from c, o, n where o.customer = c.id and n.k = c.id and o.amount > 5 and c.country is not null
select c.name, n.v from n, o, c where o.customer = c.id and n.k = c.id
select a.id from o a join o b on a.customer = b.customer and a.amount < b.amount
select x.country, x.n from (select country, count(*) as n from c group by country) x where x.n > 1
select t.a + 1 as b from (select id as a from c) as t where t.a > 2
select a, b from (select id, name from c) as t(a, b) where a < 3
select avg(n) as a from (select count(*) as n from o group by customer) x
with big as (select * from o where amount > 7) select status, count(*) as n from big group by status
with a as (select id from c), b as (select id from a where id > 2) select * from b order by id
with a(x) as (select id from c) select p.x, q.x as y from a p join a q on p.x = q.x + 1
with t as (select customer, sum(amount) as s from o group by customer) select * from t where s = (select max(s) from t)
select id from c union all select customer from o
select id from c union select customer from o
select country from c intersect select country from c where id > 2
select id from c except select customer from o
select id from c where id < 3 union all select id from o where id > 15 order by id desc
select id as a from c union select k from n union all select k from m order by 1
(select id from c order by id limit 2) union all (select id from o order by id desc limit 1)
select id from c union select k from n intersect select k from m
select name from c where id in (select customer from o where status = 'paid')
select name from c where id not in (select customer from o where customer is not null)
select name from c where id not in (select customer from o)
select k from n where k not in (select k from m)
select k from n where k not in (select k from e)
select k from n where k in (select k from n)
select name from c where id + 1 in (select k from m)
select name from c where not id in (select k from m)
select name from c where id in (select customer from o group by customer having count(*) > 1)
select name from c where id in (select max(customer) from o)
select name from c where exists (select 1 from o where o.customer = c.id and o.amount > 15)
select name from c where not exists (select * from o where o.customer = c.id)
select name from c where not exists (select * from o where o.customer = c.id and o.day > c.joined + 400)
select name from c where exists (select 1 from e)
select name from c where not exists (select 1 from e)
select name from c where exists (select 1 from o where status = 'void')
select name from c where id in (select o.customer from o where o.customer = c.id and o.status = 'open')
select name from c where id not in (select o.customer from o where o.day = c.joined)
select k, v from n where v not in (select w / 10 from m where m.k = n.k)
select name from c where exists (select 1 from o where o.customer = c.id) and country = 'DE' and id in (select k from n)
select a.id from o a where exists (select 1 from o b where b.customer = a.customer and b.id <> a.id)
select name from c where country = 'DE' or exists (select 1 from o where o.customer = c.id and o.amount > 15)
select name from c where not (country = 'DE' or exists (select * from o where o.customer = c.id))
select name, exists (select 1 from o where o.customer = c.id) as has, not exists (select 1 from o where o.customer = c.id and status = 'paid') as lacks from c
select name, case when exists (select 1 from e) then 1 else 2 end as n from c
select name from c where exists (select 1 from o where status = 'void') or id = 1
select id from o where exists (select 1 from c where c.id = o.customer and c.country is not null) = (amount > 5)
select country, count(*) as n from c group by country having exists (select 1 from o where id > 100) or count(*) > 1
select id from o where amount > (select avg(amount) from o)
select id from o where amount = (select max(amount) from o where status = 'paid')
select id, amount - (select min(amount) from o) as above from o
select id from c where id = (select k from n where v = 3)
select name, (select k from e) as nothing from c
select name, (select sum(amount) from o where o.customer = c.id) as s from c
select name, (select count(*) from o where o.customer = c.id) as n from c
select name, coalesce((select max(amount) from o where o.customer = c.id and status = 'paid'), 0) as m from c
select id from o where amount > (select avg(i.amount) from o i where i.status = o.status)
select name from c where (select count(*) from o where o.customer = c.id) = 2
select country, count(*) as n from c group by country having count(*) = (select max(k) - 1 from n)
select country, count(*) as n, (select count(*) from o) as all_orders from c group by country
select id, row_number() over (partition by customer order by id) as r from o
select id, sum(amount) over (order by id) as running, lag(id) over (order by id) as before from o order by id
select customer, sum(amount) as s, rank() over (order by sum(amount) desc nulls last) as r from o group by customer
select status, sum(sum(amount)) over () as total, sum(amount) as s from o group by status
select * from (select id, customer, row_number() over (partition by customer order by amount desc, id) as r from o) x where r = 1
select id, amount::text as t, cast(customer as text) as ct from o where day between date '2024-05-01' and date '2024-05-03'
select id from o where status in ('paid', 'open') and not (amount < 6 or amount is null)
select id from o where (customer = 1 or customer = 2) and (status like 'p%')
select string_agg(name, ', ' order by name) as names from c where country is not null
select o.status, c.country, count(*) as n from o join c on c.id = o.customer group by o.status, c.country order by 1, 2
select c.country, sum(o.amount) as revenue from o join c on c.id = o.customer group by c.country order by revenue desc nulls last limit 1
select max(id) as m from c where id < 0
select count(*) as n from c where id > 1 -- a comment
select /* inside */ id from c where name <> ';' order by id;
select -id as i, +id as j, - (id) as l from c where id between 2 and (1 + 2) * 1
select (id) as i, ((id + 1)) * 2 as j from c where ((id) = (1)) or (id = 5)
select count(*) as n from o group by customer, status having max(amount) is not null
select o.customer as cu from o group by o.customer order by o.customer nulls first
select id from c order by length(name) + id desc
select status from o group by status order by count(*) desc, status
select id % 2 = 0 as even, array_to_string(array_agg(id order by id), '-') as ids from c group by id % 2 = 0
""".strip().splitlines()

# Statements that PostgreSQL takes and Sluice refuses: by name, with what to write instead.
REFUSED = {
    "with recursive t as (select 1 as a) select a from t": "with recursive",
    "select id from c natural join o": "natural join",
    "select * from c, lateral (select 1 from o) x": "lateral",
    "select id from c union all (values (1))": "values",
    "select id from c intersect all select id from o": "intersect all",
    "select id from c for update": "for update",
    "select id from c where id in (select k from n) or id = 1": "in (select ...)",
    "select name, (select max(amount) from o where o.customer > c.id) as s from c": "subquery",
    "select name, (select amount from o where o.customer = c.id limit 1) as s from c": "query around",
    "delete from c": "delete",
    "insert into c select * from c": "insert",
}


def rows_of(text):
    rows = list(csv.reader(io.StringIO(text)))
    return rows[1:] if rows else []


def value(text):
    if text is None or text == "":
        return None
    if text in ("t", "true", "f", "false"):
        return text[0]
    try:
        return round(decimal.Decimal(text), 10).normalize()
    except decimal.InvalidOperation:
        return text


def ask(folder, statement):
    used = [name for name in TABLES if f" {name}" in statement or f"({name}" in statement]
    return subprocess.run([BINARY, "--state", str(folder / "state"), "query", statement, "--csv", "-q",
                           *[f"{name}={folder / name}.parquet" for name in used]],
                          capture_output=True, text=True, timeout=120, check=False)


def write_tables(connection, folder):
    import pyarrow as pa
    import pyarrow.parquet

    arrow = {"bigint": pa.int64(), "text": pa.string(), "date": pa.date32(), "decimal(12,2)": pa.decimal128(12, 2)}
    for name, (types, rows) in TABLES.items():
        connection.run(f"create table {name} ({', '.join(f'{column} {of}' for column, of in types.items())})")
        columns = {}
        for number, (column, of) in enumerate(types.items()):
            columns[column] = pa.array([None if row[number] is None else str(row[number]) for row in rows], pa.string()).cast(arrow[of])
        for row in rows:
            connection.run(f"insert into {name} values ({', '.join('null' if each is None else chr(39) + str(each) + chr(39) for each in row)})")
        pa.parquet.write_table(pa.table(columns), folder / f"{name}.parquet")


def is_ordered(statement):
    """Whether the statement itself has `order by`: that of a part in parentheses does not order the result."""
    while (outer := re.sub(r"\([^()]*\)", "", statement)) != statement:
        statement = outer
    return "order by" in statement


def compare(statement, wanted, answer):
    if isinstance(wanted, DatabaseError):
        return f"PostgreSQL refuses it: {wanted}"
    if answer.returncode != 0:
        return f"exit {answer.returncode}: {answer.stderr}"
    mine = [[value(each) for each in row] for row in rows_of(answer.stdout)]
    # A row of one null is an empty line.
    theirs = [[value(each) for each in row] for row in wanted]
    mine = [row or [None] for row in mine]
    if not is_ordered(statement):
        mine.sort(key=str)
        theirs.sort(key=str)
    return None if mine == theirs else f"\n    Sluice     {mine}\n    PostgreSQL {theirs}"


def main():
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    cases = [each for each in CASES if only in each]
    problems = []
    with Server() as server, tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        connection = server.connect()
        write_tables(connection, folder)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda each: ask(folder, each), cases))
        for statement, answer in zip(cases, answers):
            try:
                wanted = connection.run(statement)
            except DatabaseError as failure:
                wanted = failure
            if problem := compare(statement, wanted, answer):
                problems.append(f"{statement}\n  {problem}")
        for statement, named in REFUSED.items():
            if only not in statement:
                continue
            answer = ask(folder, statement)
            if answer.returncode != 2 or named not in answer.stderr or "hint:" not in answer.stderr:
                problems.append(f"{statement}\n  should be refused naming {named}, exit {answer.returncode}: {answer.stdout}{answer.stderr}")
    print("\n".join(problems))
    print(f"{len(cases)} statements, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
