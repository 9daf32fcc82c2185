import json

import rabbitmq_server
from connectors.connector import Connector


class Rabbitmq(Connector):
    name = "rabbitmq"
    endless = True
    at_least_once = True
    many = 5000  # each is confirmed by itself when the test publishes it
    not_for = {("source", "parallel"): "a queue is read through one connection: its messages are one sequence",
               ("sink", "duplicates"): "a queue keeps every message; ids merge nothing there"}
    again = ""

    def __init__(self, stack):
        self.broker = stack.enter_context(rabbitmq_server.Broker())
        self.published = {}

    def make(self, test, place, parts=1):
        self.broker.queue(place)

    def put(self, test, place, rows):
        rows, first = list(rows), self.published.get(place, 0)
        self.broker.publish(place, [json.dumps(row) for row in rows], first=first)
        self.published[place] = first + len(rows)

    def rows(self, test, place):
        # Reading takes them out of the queue.
        return [json.loads(body) for _, body in self.broker.read(place)]

    def source(self, place, **how):
        return f'rabbitmq: {{ url: "{self.broker.url}", queue: {place}, prefetch: 500 }}'

    def sink(self, place, **how):
        return f'rabbitmq: {{ url: "{self.broker.url}", routing_key: {place}, message_id_column: id }}'

    def missing(self, role):
        if role == "source":
            return self.source("no-such-queue"), "unknown_queue"
        return f'rabbitmq: {{ url: "{self.broker.url}", exchange: no-such-exchange }}', "unknown_exchange"

    def unreachable(self, role):
        return getattr(self, role)("any").replace(self.broker.url, "amqp://127.0.0.1:1"), "cannot_connect"

    def cut(self):
        self.broker.ctl("close_all_connections", "cut by a test")

    def restart(self):
        self.broker.restart()
