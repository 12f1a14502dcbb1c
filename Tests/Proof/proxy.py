"""A TCP proxy that is as bad as a test wants, for the lines that are open and those to come."""

import asyncio
import random
import threading


class Proxy:
    """Listens on 127.0.0.1 and passes on to a port there. Its `mode` is one of

    honest            every byte as it comes
    slow              every piece after `seconds`
    stalled           takes everything and passes nothing on, nor hangs up
    refusing          hangs up on whoever comes
    cut               hangs up after so many `bytes` of what the server says on a line
    cut off           hangs up after so many `bytes` of what the client says on a line
    garbled           what the server says is noise from so many `bytes` on
    flipping          one bit of each piece of what the server says is another
    """

    def __init__(self, port, seed=1):
        self.target, self.random = port, random.Random(seed)
        self.mode, self.seconds, self.bytes = "honest", 0, 0
        self.lines, self.harmed = set(), 0
        ready = threading.Event()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.run, args=(ready,), daemon=True).start()
        ready.wait()

    def run(self, ready):
        async def serve():
            server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()

        self.loop.run_until_complete(serve())
        self.loop.run_forever()

    def turn(self, mode, seconds=0.0, bytes=0):
        """From now on. Honest again, it hangs up on lines that were stalled, as a router does that was plugged in again."""
        was, self.seconds, self.bytes, self.mode = self.mode, seconds, bytes, mode
        if was == "stalled" or mode == "refusing":
            self.loop.call_soon_threadsafe(self.hang_up)

    def hang_up(self):
        for writer in list(self.lines):
            writer.transport.abort()

    async def accept(self, client_reader, client_writer):
        if self.mode == "refusing":
            self.harmed += 1
            return client_writer.transport.abort()
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return client_writer.transport.abort()
        ends = {client_writer, server_writer}
        self.lines |= ends
        await asyncio.gather(
            self.pump(client_reader, server_writer, ends, True), self.pump(server_reader, client_writer, ends, False)
        )
        self.lines -= ends

    async def pump(self, reader, writer, ends, is_client):
        seen, is_cut = 0, False
        try:
            while not is_cut and (data := await reader.read(1 << 16)):
                size = len(data)
                data, is_cut = await self.harm(data, seen, is_client)
                seen += size
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        # What has been written goes out; then both ends hear that it is over.
        for end in ends:
            end.close()

    async def harm(self, data, seen, is_client):
        """What becomes of a piece of a line of which so much has gone through, and whether it is the last."""
        if self.mode == "slow":
            await asyncio.sleep(self.seconds)
        while self.mode == "stalled":
            self.harmed += 1
            await asyncio.sleep(0.05)
        if self.mode == ("cut off" if is_client else "cut") and seen + len(data) > self.bytes:
            self.harmed += 1
            return data[: max(0, self.bytes - seen)], True
        if not is_client and self.mode == "garbled" and seen + len(data) > self.bytes:
            self.harmed += 1
            keep = max(0, self.bytes - seen)
            return data[:keep] + self.random.randbytes(len(data) - keep), False
        if not is_client and self.mode == "flipping":
            self.harmed += 1
            at = self.random.randrange(len(data))
            return data[:at] + bytes([data[at] ^ 1 << self.random.randrange(8)]) + data[at + 1:], False
        return data, False
