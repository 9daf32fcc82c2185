"""The connectors of tests/services/connectors_test.py: each file says in the words of the suite how its system is started,
filled, read, cut off and restarted, and which cases do not apply to it and why."""

from connectors.connector import COLUMNS, Connector, typed
from connectors.files import Files
from connectors.kafka import Kafka
from connectors.postgres import Postgres
from connectors.rabbitmq import Rabbitmq
from connectors.sqlite import Sqlite

ALL = [Files, Kafka, Postgres, Rabbitmq, Sqlite]

__all__ = ["ALL", "COLUMNS", "Connector", "typed"]
