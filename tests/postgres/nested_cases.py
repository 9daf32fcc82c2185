"""Cases of lists and JSON that are spelled the same in Sluice and in PostgreSQL. A list is shown with to_json."""

LISTS = r"""
to_json(array[1, 2, null])
to_json(array['a', 'b"c', null])
to_json(array[1.5, 2.5])
to_json(array[1::bigint, 2])
to_json(array[true, false])
to_json(array[date '2024-05-01', null])
to_json(array[timestamp '2024-05-01 12:00:00.5'])
to_json('{1,2,NULL}'::int[])
to_json('{ "a b" , c d , "x\"y", null, "null" }'::text[])
to_json('{}'::text[])
to_json('{1,x}'::int[])
to_json('{1,,2}'::int[])
to_json('{1'::int[])
to_json('{"a}'::text[])
to_json(array['1', '2']::int[])
to_json(array[1, 2]::text[])
to_json(array[1.25, 2.5]::int[])
2 = any(array[1, 2, 3])
4 = any(array[1, 2, 3])
4 = any(array[1, null])
1 = any(array[1, null])
null = any(array[1, 2])
1 = any('{}'::int[])
null::int = any('{}'::int[])
1 = any(null::int[])
1 = any('{1,2}')
'a' = any(array['a', 'b'])
1.5 = any(array[1, 2])
3 > all(array[1, 2])
3 > all(array[1, null])
1 > all(array[1, null])
3 > all('{}'::int[])
2 <> all(array[1, 3])
2 <> some(array[2, 3])
5 >= any(array[5, 9])
date '2024-05-01' < any(array[date '2024-05-02'])
array[1, 2] = array[1, 2]
array[1, 2] = array[2, 1]
array[1, null] = array[1, null]
array[1, 2] <> array[1, 3]
array[1, 2] is distinct from array[1, 2]
array[1, 2, 3] @> array[3, 1]
array[1, 2, 3] @> array[4]
array[1, null] @> array[null]::int[]
array[1, 2] @> '{}'
array[1] <@ array[1, 2]
array['a'] <@ array['b']
array[1, 2] && array[2, 5]
array[1, 2] && array[3]
array[1, null] && array[null, 2]
to_json(array[1, 2] || array[3])
to_json(array[1, 2] || 3)
to_json(1 || array[2, 3])
to_json(array[1] || null)
to_json(null || array[1])
to_json(array['a'] || 'b'::text)
to_json(array_append(array[1], 2))
to_json(array_append(null::int[], 2))
to_json(array_append(array[1], null))
to_json(array_prepend(0, array[1]))
to_json(array_prepend(null, array[1]))
to_json(array_cat(array[1], array[2, 3]))
to_json(array_cat(null::int[], array[2]))
to_json(array_remove(array[1, 2, 1, null], 1))
to_json(array_remove(array[1, null], null))
to_json(array_replace(array[1, 2, 1], 1, 7))
to_json(array_replace(array[1, null], null, 7))
array_position(array['a', 'b', 'a'], 'a')
array_position(array['a', 'b', 'a'], 'a', 2)
array_position(array['a', 'b'], 'c')
array_position(array[1, null], null)
to_json(array_positions(array[1, 2, 1], 1))
to_json(array_positions(array[1, 2, 1], 5))
array_length(array[1, 2, 3], 1)
array_length('{}'::int[], 1)
array_upper(array[5, 6], 1)
array_lower(array[5, 6], 1)
array_lower('{}'::int[], 1)
array_ndims(array[5, 6])
cardinality('{}'::int[])
to_json(trim_array(array[1, 2, 3], 2))
to_json(trim_array(array[1, 2, 3], 0))
to_json(trim_array(array[1, 2, 3], 4))
to_json(trim_array(array[1, 2, 3], -1))
to_json(array_fill(7, array[3]))
to_json(array_fill(null::int, array[2]))
to_json(array_fill('a'::text, array[0]))
(array[5, 6, 7])[2]
(array[5, 6, 7])[0]
(array[5, 6, 7])[4]
to_json((array[5, 6, 7])[2:3])
to_json((array[5, 6, 7])[:2])
to_json((array[5, 6, 7])[2:])
to_json((array[5, 6, 7])[3:2])
to_json((array[5, 6, 7])[-5:1])
to_json((array[5, 6, 7])[2:99])
array_to_string(array[1, 2, null, 3], ',')
array_to_string(array[1, 2, null, 3], ',', '*')
array_to_string(array[1.50, 2.25], '|')
array_to_string(array[true, false], ',')
"""

JSON = r"""
json '{"a": 1}'
json '{"a": 1'
json '[1, 2,]'
json '"\ud83d\ude00"'
json '01'
json '1.'
json 'nul'
json ''
'{"a":1}'::json::text
json '{"a":{"b": [1, 2]}}' -> 'a'
json '{"a":{"b": [1, 2]}}' -> 'a' -> 'b' -> 1
json '{"a":{"b": [1, 2]}}' -> 'x'
json '{"a":1,"a":2}' -> 'a'
json '[1,"two",null]' -> 0
json '[1,"two",null]' -> 1
json '[1,"two",null]' ->> 1
json '[1,"two",null]' -> 2
json '[1,"two",null]' ->> 2
json '[1,"two",null]' -> -1
json '[1,"two",null]' -> 3
json '[1,"two",null]' -> -4
json '[1,2]' -> 'a'
json '{"a":1}' -> 0
json '{"a":null}' -> 'a'
json '{"a":null}' ->> 'a'
json '{"a":"x\n\u00e4\"y"}' ->> 'a'
json '{"\u0061b": 5}' -> 'ab'
json '5' -> 'a'
json '"x"' #>> '{}'
json '{"a":[{"b":"c"}]}' #> '{a,0,b}'
json '{"a":[{"b":"c"}]}' #>> '{a,0,b}'
json '{"a":[{"b":"c"}]}' #>> array['a','-1','b']
json '{"a":[{"b":"c"}]}' #> '{a,x}'
json '{"a":1}' #> '{}'
(json '{"a":"5"}' ->> 'a')::int + 1
json_typeof('{"a":1}')
json_typeof('[1]')
json_typeof('"x"')
json_typeof('-1.5e3')
json_typeof('true')
json_typeof('null')
json_array_length('[1,[2,3],{"a":[1]}]')
json_array_length('[]')
json_array_length('{"a":1}')
json_array_length('5')
json_extract_path('{"a":{"b":[1,2]}}', 'a', 'b', '1')
json_extract_path('{"a":{"b":[1,2]}}', 'a', 'c')
json_extract_path_text('{"a":{"b":"x"}}', 'a', 'b')
json_extract_path_text('{"a":{"b":null}}', 'a', 'b')
to_json('a"b'::text)
to_json(5)
to_json(1.50)
to_json(null::int)
to_json(true)
to_json(date '2024-05-01')
to_json(timestamp '2024-05-01 12:00:00')
to_json(timestamptz '2024-05-01 12:00:00+00')
to_json(time '12:00:01.5')
to_json(interval '1 day 02:00')
to_json('\x00ff'::bytea)
to_json(E'a\tb\nc\\d\b\f\x01'::text)
to_json(json '{"a" : 1}')
array_to_json(array[1, 2])
array_to_json(array['a', null])
json_build_object('a', 1, 'b', 'x', 'c', null, 'd', array[1, 2])
json_build_object()
json_build_object(1, 2)
json_build_object(null, 2)
json_build_array(1, 'a', null, true, 1.5)
json_build_array()
json_build_array(json '{"a":1}', date '2024-05-01')
json_object('{a,1,b,"x y"}')
json_object('{a,b}', '{1,null}')
json_object('{a,b,c}')
json_object('{a}', '{1,2}')
jsonb_build_object('b', 1, 'a', array[1, 2])
jsonb_build_array(1, 'a', null)
jsonb_object('{b,1,a,2}')
json_strip_nulls('{"a":null,"b":[null,{"c":null,"d":1}]}')
jsonb_strip_nulls('{"a":null,"b":[null,{"c":null,"d":1}]}')
jsonb '{"b" : 1, "a":[1 ,2], "aa":3, "b":2}'
jsonb '[1.0, 1e2, 1.5e-3, -0, -0.0, 1E+2, 0.10, 12e-1]'
jsonb '"a\/b\u00e4\t"'
jsonb '{}'
jsonb '[]'
jsonb '{"a": {"c": 1, "b": []}}' -> 'a'
jsonb '{"a": 1, "b": 2}' @> '{"b":2}'
jsonb '{"a": {"b": 1, "c": 2}}' @> '{"a":{"c":2}}'
jsonb '{"a": 1}' @> '{"a":2}'
jsonb '[1,2,[3,4]]' @> '[2]'
jsonb '[1,2,[3,4]]' @> '[[4]]'
jsonb '[1,2]' @> '1'
jsonb '[1,2]' @> '"1"'
jsonb '{"a":[1,2]}' @> '{"a":1}'
jsonb '1.0' @> '1'
jsonb '{"a":1}' @> '{}'
jsonb '{"a":1}' @> '[]'
jsonb '[]' @> '{}'
jsonb '[{"a":1,"b":2}]' @> '[{"b":2}]'
jsonb '{"b":2}' <@ '{"a":1,"b":2}'
jsonb '{"a":1}' ? 'a'
jsonb '{"a":1}' ? 'b'
jsonb '["a","b"]' ? 'b'
jsonb '"a"' ? 'a'
jsonb '[1]' ? '1'
jsonb '{"a":1,"b":2}' ?| array['x','b']
jsonb '{"a":1,"b":2}' ?& array['a','b']
jsonb '{"a":1,"b":2}' ?& array['a','x']
jsonb '{"a":1,"b":2}' ?| '{}'
jsonb '{"a":1}' || '{"b":2,"a":3}'
jsonb '[1]' || '[2,3]'
jsonb '[1]' || '2'
jsonb '1' || '2'
jsonb '{"a":1}' || '[1]'
jsonb '{}' || '{"a":1}'
jsonb '[]' || '[]'
jsonb '{"a":[1,2,3]}' #- '{a,1}'
jsonb '{"a":[1,2,3]}' #- '{a,-1}'
jsonb '{"a":1,"b":2}' #- '{a}'
jsonb '{"a":1}' #- '{x}'
jsonb_set('{"a":1,"b":[1,2]}', '{b,0}', '9')
jsonb_set('{"a":1}', '{c}', '{"x":1}')
jsonb_set('{"a":1}', '{c}', '2', false)
jsonb_set('[1,2]', '{5}', '9')
jsonb_set('[1,2]', '{-5}', '9')
jsonb_set('[1,2]', '{-1}', '9')
jsonb_set('{"a":{"b":1}}', '{a,c}', '3')
jsonb_set('{"a":{"b":1}}', '{x,y}', '3')
jsonb_pretty('{"a":1,"b":[1,{"c":[]}],"d":{}}')
jsonb_typeof('[1]')
jsonb_array_length('[1,2]')
jsonb_extract_path('{"a":[7,8]}', 'a', '1')
jsonb_extract_path_text('{"a":["x"]}', 'a', '0')
to_jsonb(array[1, 2])
to_jsonb('a'::text)
jsonb_path_query_array('{"a":[1,2,3]}', '$.a[*]')
jsonb_path_query_array('{"a":[1,2,3]}', '$.a[0 to 1]')
jsonb_path_query_array('{"a":[1,2,3]}', '$.a[last]')
jsonb_path_query_array('{"a":[1,2,3]}', '$.a[last - 1]')
jsonb_path_query_array('{"a":[1,2,3]}', '$.a[*] ? (@ > 1)')
jsonb_path_query_array('{"a":[1,2,3]}', '$.a[*] ? (@ > 1 && @ < 3)')
jsonb_path_query_array('{"a":[1,2,3]}', '$.a[*] ? (!(@ == 2))')
jsonb_path_query_array('[{"p":5,"s":"tea"},{"p":15,"s":"cup"}]', '$[*] ? (@.p > 10).s')
jsonb_path_query_array('[{"p":5,"s":"tea"},{"p":15,"s":"cup"}]', '$ ? (@.s == "tea")')
jsonb_path_query_array('[{"p":5},{"s":1}]', '$[*] ? (exists(@.p))')
jsonb_path_query_array('["abc","xbc",1]', '$[*] ? (@ starts with "ab")')
jsonb_path_query_array('[{"a":[1,2]},{"a":3}]', '$.a')
jsonb_path_query_array('[{"a":[1,2]},{"a":3}]', '$[*].a[*]')
jsonb_path_query_array('{"b":1,"a":{"x":2}}', '$.*')
jsonb_path_query_array('{"a":[1,"x",null]}', '$.a[*].type()')
jsonb_path_query_array('{"a":[1,2]}', '$.a.size()')
jsonb_path_query_array('{"a b":1}', '$."a b"')
jsonb_path_query_array('{"a":null}', '$.a ? (@ == null)')
jsonb_path_query_array('{"a":1}', 'lax $.a[0]')
jsonb_path_query_array('{"a":1}', '$.x')
jsonb_path_query_array('{"a":1}', '$.')
jsonb_path_query_first('{"a":[1,2]}', '$.a[*]')
jsonb_path_query_first('{"a":[]}', '$.a[*]')
jsonb_path_exists('{"a":[1,2]}', '$.a[*] ? (@ == 2)')
jsonb_path_exists('{"a":[1,2]}', '$.b')
(jsonb '{"a":1.6}' -> 'a')::int
(jsonb '{"a":1.6}' -> 'a')::numeric(5,2)
(jsonb '{"a":1.5}' -> 'a')::float8
(jsonb '{"a":true}' -> 'a')::boolean
(jsonb '{"a":"1"}' -> 'a')::int
"""

OTHERS = r"""
uuid 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'
'{a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11}'::uuid
'a0eebc999c0b4ef8bb6d6bb9bd380a11'::uuid
'a0eebc999c0b4ef8bb6d6bb9bd380a1'::uuid
uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' = 'A0EEBC999C0B4EF8BB6D6BB9BD380A11'
uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' < 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
'abcdef'::varchar(3)
'äöü'::varchar(2)
123456::varchar(3)
'ab'::character varying(5) || 'c'
'1.50'::numeric
12::numeric
1.5::numeric
"""

NUMBERS = r"""
to_char(-0.1, '99.99')
to_char(-0.1, 'FM9.99')
to_char(-0.1, 'FM90.99')
to_char(0.1, '0.9')
to_char(0.1, '9.9')
to_char(0, '9.9')
to_char(0, 'FM9.9')
to_char(0, '999')
to_char(12, '9990999.9')
to_char(12, 'FM9990999.9')
to_char(485, '999')
to_char(-485, '999')
to_char(485, '9 9 9')
to_char(1485, '9,999')
to_char(1485, '9G999')
to_char(485, '9,999')
to_char(485, 'FM9,999')
to_char(148.5, '999.999')
to_char(148.5, 'FM999.999')
to_char(148.5, 'FM999.990')
to_char(148.5, '999D999')
to_char(3148.5, '9G999D999')
to_char(-485, '999S')
to_char(-485, '999MI')
to_char(485, '999MI')
to_char(485, 'FM999MI')
to_char(485, 'PL999')
to_char(-485, 'PL999')
to_char(485, 'SG999')
to_char(-485, 'SG999')
to_char(-485, '9SG99')
to_char(-485, '999PR')
to_char(485, '999PR')
to_char(485, 'FM999PR')
to_char(485, 'S999')
to_char(-485, 'S999')
to_char(5, 'S999')
to_char(485, 'RN')
to_char(485, 'FMRN')
to_char(5.2, 'FMRN')
to_char(485, 'fmrn')
to_char(4000, 'RN')
to_char(482, '999th')
to_char(11, '99TH')
to_char(1, '9th')
to_char(23, '99th')
to_char(485, '"Good number:"999')
to_char(485.8, '"Pre:"999" Post:" .999')
to_char(12, '99V999')
to_char(12.4, '99V999')
to_char(12.45, '99V9')
to_char(0.0004859, '9.99EEEE')
to_char(-12345, '9.999EEEE')
to_char(12345, '999')
to_char(-12345, '999.9')
to_char(12345.678, '99,999.99')
to_char(-12345.678, 'FM99,999.99')
to_char(0.5, '000.00')
to_char(-7, '000')
to_char(7, 'FM000')
to_char(1234567.891, 'FM999,999,999.00')
to_char(1234567.891, '9,999,999.99')
to_char(1.5::float8, '9.99')
to_char(-1.5::float8, 'FM9.99')
to_char(123456789012.345::float8, '999999999999.999')
to_char(2.5, '9')
to_char(-2.5, '9')
to_char(null::int, '9')
to_char(1, '9.9.9')
to_char(1, 'S9S')
to_number('12,454.8-', '99G999D9S')::float8
to_number('-34,338,492', '99G999G999')::float8
to_number('-34,338,492.654,878', '99G999G999D999G999')::float8
to_number('<564646.654564>', '999999.999999PR')::float8
to_number('0.00001-', '9.999999S')::float8
to_number('5.01-', 'FM9.999999S')::float8
to_number('5.01-', 'FM9.999999MI')::float8
to_number('5 4 4 4 4 8 . 7 8', '9 9 9 9 9 9 . 9 9')::float8
to_number('.01', 'FM9.99')::float8
to_number('.0', '99999999.99999999')::float8
to_number('0', '99.99')::float8
to_number('.-01', 'S99.99')::float8
to_number('.01-', '99.99S')::float8
to_number(' . 0 1-', ' 9 9 . 9 9 S')::float8
to_number('34,50', '999,99')::float8
to_number('123,000', '999G')::float8
to_number('123456', '999G999')::float8
to_number('$1234.56', 'L9,999.99')::float8
to_number('1234.56', 'L9,999.99')::float8
to_number('42nd', '99th')::float8
to_number('12', '99V9')::float8
to_number('1.234', '9.99')::float8
to_number('abc', '999')::float8
to_number('', '999')::float8
to_number('+12', 'S99')::float8
to_char(interval '27 hours 5 minutes 9.25 seconds', 'HH24:MI:SS.MS')
to_char(interval '-27 hours -5 minutes', 'HH24:MI:SS')
to_char(interval '3 years 2 mons 11 days 15:02:12', 'YYYY-MM-DD HH24:MI:SS')
to_char(interval '15h 2m 12s', 'HH12:MI:SS am')
to_char(interval '1 day 01:00', 'FMDD "days" FMHH24')
to_char(interval '2 mons 3 days', 'DDD')
to_char(interval '1 hour 0.000123 seconds', 'SSSS US')
to_char(interval '-1 day -2 mons', 'MM DD')
"""
