"""A steady load on one address, and what became of it: sent, answered, failed, the longest time without an answer.

Half of the requests come over connections of their own, half over kept ones, as HTTP clients use them: a kept connection
is used again until the server says `Connection: close` or ends it. When a kept connection turns out to be closed before
a byte of the answer came, a client may send the request again (RFC 9112 §9.3.1): that is done once, on a new connection,
and counted, for not every client does it.

Also a program: load.py HOST PORT PER_SECOND SECONDS, which prints its report.
"""
import asyncio
import collections
import sys
import threading
import time

TIMEOUT = 5.0
NO_ANSWER = "no answer in 5 s"

# Seconds since the load's start: when it failed, and when it was sent.
Failure = collections.namedtuple("Failure", "at what sent")


class Report:
    def __init__(self):
        self.sent = self.answered = self.repeated = 0
        self.failures = []
        self.answer_times = []   # seconds since the start
        self.latencies = []

    @property
    def failed(self):
        return len(self.failures)

    def longest_gap(self):
        times = [0.0, *sorted(self.answer_times)]
        return max((later - earlier for earlier, later in zip(times, times[1:])), default=0.0)

    def rate_between(self, start, end):
        return sum(start <= at < end for at in self.answer_times) / max(end - start, 1e-9)

    def p99(self):
        ordered = sorted(self.latencies)
        return ordered[int(len(ordered) * 0.99)] if ordered else 0.0

    def line(self, name):
        kinds = collections.Counter(failure.what for failure in self.failures)
        return (f"{name}: {self.sent} requests, {self.failed} failed, longest gap {self.longest_gap() * 1000:.0f} ms, "
                f"p99 {self.p99() * 1000:.1f} ms, {self.repeated} sent again" +
                (f"; {dict(kinds)}" if kinds else ""))


class ClosedBeforeAnswer(Exception):
    pass


async def exchange(reader, writer, host):
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    await writer.drain()
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        raise ClosedBeforeAnswer from error
    except ConnectionError as error:
        raise ClosedBeforeAnswer from error
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    await reader.readexactly(int(headers.get("content-length", "0")))
    return int(lines[0].split()[1]), headers.get("connection", "").lower() != "close"


class Load:
    """Runs in a thread of its own from start() to stop()."""

    def __init__(self, host, port, per_second=100):
        self.host, self.port, self.per_second = host, port, per_second
        self.report = Report()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._kept = []

    def start(self):
        self.started = time.monotonic()
        self._thread.start()
        return self

    def now(self):
        return time.monotonic() - self.started

    def stop(self):
        self._stop.set()
        self._thread.join()
        return self.report

    async def _run(self):
        tasks = set()
        next_at = self.now()
        while not self._stop.is_set():
            task = asyncio.create_task(self._one(kept=self.report.sent % 2 == 0))
            self.report.sent += 1
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            next_at += 1 / self.per_second
            await asyncio.sleep(max(0, next_at - self.now()))
        await asyncio.gather(*tasks)
        for _, writer in self._kept:
            writer.close()

    async def _one(self, kept):
        begun = self.now()
        try:
            status = await asyncio.wait_for(self._request(kept), TIMEOUT)
        except asyncio.TimeoutError:
            self.report.failures.append(Failure(self.now(), NO_ANSWER, begun))
            return
        except (OSError, asyncio.IncompleteReadError, ClosedBeforeAnswer) as error:
            self.report.failures.append(Failure(self.now(), type(error).__name__, begun))
            return
        if status != 200:
            self.report.failures.append(Failure(self.now(), f"status {status}", begun))
            return
        self.report.answered += 1
        self.report.answer_times.append(self.now())
        self.report.latencies.append(self.now() - begun)

    async def _request(self, kept):
        if kept and self._kept:
            reader, writer = self._kept.pop()
            if not reader.at_eof():
                try:
                    return await self._over(reader, writer, keep=True)
                except (ClosedBeforeAnswer, ConnectionError):
                    self.report.repeated += 1
            writer.close()
        reader, writer = await asyncio.open_connection(self.host, self.port)
        return await self._over(reader, writer, keep=kept)

    async def _over(self, reader, writer, keep):
        again = False
        try:
            status, again = await exchange(reader, writer, self.host)
        finally:
            if again and keep and len(self._kept) < 8:
                self._kept.append((reader, writer))
            else:
                writer.close()
        return status


if __name__ == "__main__":
    load = Load(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])).start()
    time.sleep(float(sys.argv[4]))
    print(load.stop().line("load"))
