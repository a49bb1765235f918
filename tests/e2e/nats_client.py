"""A NATS client of a screenful, enough to look at a lattice from outside: subscribe, publish, request."""
import json
import socket
import time


class NatsClient:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.sock.makefile("rb")
        self.info = json.loads(self._line()[5:])
        self.sids = 0
        self._send(b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"lang":"test"}\r\n')
        self.ping()

    def _send(self, data):
        self.sock.sendall(data)

    def _line(self):
        line = self.file.readline()
        if not line:
            raise EOFError("the server closed the connection")
        return line.rstrip(b"\r\n").decode()

    def ping(self):
        self._send(b"PING\r\n")
        while self._line() != "PONG":
            pass

    def subscribe(self, subject, queue=""):
        self.sids += 1
        self._send(f"SUB {subject} {queue} {self.sids}\r\n".replace("  ", " ").encode())
        return self.sids

    def publish(self, subject, data=b"", reply=""):
        self._send(f"PUB {subject} {reply} {len(data)}\r\n".replace("  ", " ").encode() + data + b"\r\n")

    def next_message(self, seconds=5):
        """(subject, headers, data); TimeoutError when none comes."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.sock.settimeout(left)
            words = self._line().split(" ")
            if words[0] == "PING":
                self._send(b"PONG\r\n")
            if words[0] == "MSG":
                data = self.file.read(int(words[-1]) + 2)[:-2]
                return words[1], b"", data
            if words[0] == "HMSG":
                head, total = int(words[-2]), int(words[-1])
                data = self.file.read(total + 2)[:-2]
                return words[1], data[:head], data[head:]

    def request(self, subject, data=b"", seconds=5):
        inbox = f"_INBOX.{self.sids}.{time.monotonic_ns()}"
        sid = self.subscribe(inbox)
        self.publish(subject, data, inbox)
        try:
            _, headers, body = self.next_message(seconds)
            if headers.startswith(b"NATS/1.0 503"):
                raise LookupError("no responders")
            return body
        finally:
            self._send(f"UNSUB {sid}\r\n".encode())

    def events(self, subject, kind, seconds=5):
        """The data of the next event of that kind on a subscribed subject."""
        end = time.monotonic() + seconds
        while True:
            got, _, data = self.next_message(end - time.monotonic())
            if got != subject:
                continue
            event = json.loads(data)
            if event["type"] == f"com.wasmcloud.lattice.{kind}":
                return event

    def close(self):
        self.file.close()
        self.sock.close()
