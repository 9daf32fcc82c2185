SET 'execution.runtime-mode'='streaming';
SET 'parallelism.default'='2';
@CHECKPOINTS@
CREATE TABLE src (id BIGINT, ts BIGINT, country STRING, qty INT, price DOUBLE, et AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR et AS et - INTERVAL '5' SECOND) WITH ('connector'='kafka','topic'='@FROM@','properties.bootstrap.servers'='@BROKER@','properties.group.id'='@TO@','scan.startup.mode'='earliest-offset'@BOUNDED@,'format'='json');
CREATE TABLE dst (w TIMESTAMP(3), country STRING, total DOUBLE, n BIGINT) WITH ('connector'='kafka','topic'='@TO@','properties.bootstrap.servers'='@BROKER@','format'='json',@SINK@);
INSERT INTO dst SELECT window_start, country, SUM(qty * price), COUNT(*) FROM TUMBLE(TABLE src, DESCRIPTOR(et), INTERVAL '10' SECOND) GROUP BY window_start, window_end, country;
