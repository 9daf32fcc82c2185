import json

from connectors.connector import Connector
from kafka_server import Broker

ADVERTISED = "a client connects to the address that the broker names, past any proxy; a restart cuts the connections as well"


class Kafka(Connector):
    name = "kafka"
    endless = True
    not_for = {("source", "reconnect"): ADVERTISED, ("sink", "reconnect"): ADVERTISED,
               ("sink", "duplicates"): "a topic keeps every message; keys merge nothing"}
    again = ""

    def __init__(self, stack):
        self.broker = stack.enter_context(Broker())

    def make(self, test, place, parts=1):
        self.broker.topic(place, parts)

    def put(self, test, place, rows):
        self.broker.produce(place, [json.dumps(row) for row in rows])

    def rows(self, test, place):
        return [json.loads(message.value()) for message in self.broker.read(place)]

    def source(self, place, once=False, **how):
        until = ", until: now" if once else ""
        return f'kafka: {{ brokers: "{self.broker.address}", topic: {place}{until} }}'

    def sink(self, place, **how):
        return f'kafka: {{ brokers: "{self.broker.address}", topic: {place} }}'

    def missing(self, role):
        return getattr(self, role)("no-such-topic"), "unknown_topic"

    def unreachable(self, role):
        return getattr(self, role)("any").replace(self.broker.address, "127.0.0.1:1"), "broker_unreachable"

    def restart(self):
        self.broker.restart()
