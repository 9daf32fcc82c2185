"""Stands between a client and a node: slow, and as unreliable as a test says."""

import asyncio


class Proxy:
    """Forwards bytes to a node in small pieces, each after `delay` seconds. `cut_after`: closes a connection when so many bytes
    of answers have passed; 0: before the first one, so that the request arrives and its answer is lost. `cuts`: how often."""

    def __init__(self, port, delay=0.0, cut_after=None, cuts=None):
        self.port = port
        self.delay = delay
        self.cut_after = cut_after
        self.cuts_left = cuts
        self.connections = 0
        self.open = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for task in self.open:
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)

    @property
    def address(self):
        return "127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            node_reader, node_writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        tasks = [asyncio.create_task(self.forward(reader, node_writer, None)),
                 asyncio.create_task(self.forward(node_reader, writer, self.cut_after))]
        self.open.update(tasks)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        self.open.difference_update(tasks)
        for each in (writer, node_writer):
            each.close()

    async def forward(self, reader, writer, most):
        passed = 0
        while chunk := await reader.read(1000):
            await asyncio.sleep(self.delay)  # what makes it slow
            if most is not None and self.cuts_left != 0 and passed + len(chunk) > most:
                if self.cuts_left is not None:
                    self.cuts_left -= 1
                writer.write(chunk[:most - passed])
                return
            passed += len(chunk)
            writer.write(chunk)
            await writer.drain()
