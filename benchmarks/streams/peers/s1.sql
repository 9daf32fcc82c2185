SET 'execution.runtime-mode'='streaming';
SET 'parallelism.default'='2';
@CHECKPOINTS@
CREATE TABLE src (id BIGINT, ts BIGINT, customer STRING, country STRING, sku STRING, qty INT, price DOUBLE) WITH ('connector'='kafka','topic'='@FROM@','properties.bootstrap.servers'='@BROKER@','properties.group.id'='@TO@','scan.startup.mode'='earliest-offset'@BOUNDED@,'format'='json');
CREATE TABLE dst (id BIGINT, ts BIGINT, customer STRING, country STRING, sku STRING, qty INT, price DOUBLE, total DOUBLE) WITH ('connector'='kafka','topic'='@TO@','properties.bootstrap.servers'='@BROKER@','format'='json',@SINK@);
INSERT INTO dst SELECT id, ts, customer, UPPER(country), sku, qty, price, qty * price FROM src WHERE qty > 2;
