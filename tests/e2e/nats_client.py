"""A NATS client of a screenful, enough to look at a lattice from outside: subscribe, publish, request."""
import json
import socket
import time


class NatsClient:
    def __init__(self, port, host="127.0.0.1"):
        self.sock = socket.create_connection((host, port), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.info = json.loads(self._line()[5:])
        self.sids = 0
        self.kept = []  # messages for others that came while a request waited for its answer
        self._send(b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"lang":"test"}\r\n')
        self.ping()

    def _send(self, data):
        self.sock.sendall(data)

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._fill()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode()

    def _fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("the server closed the connection")
        self.buffer += data

    def _take(self, count):
        """`count` bytes and the line end that follows them; the bytes."""
        while len(self.buffer) < count + 2:
            self._fill()
        data, self.buffer = self.buffer[:count], self.buffer[count + 2:]
        return data

    def ping(self):
        """Returns when the server has done everything it was sent; what came meanwhile is still to be read."""
        self._send(b"PING\r\n")
        before = b""
        while (line := self._line()) != "PONG":
            before += line.encode() + b"\r\n"
            if line.startswith(("MSG ", "HMSG ")):
                before += self._take(int(line.split(" ")[-1])) + b"\r\n"
        self.buffer = before + self.buffer

    def subscribe(self, subject, queue=""):
        self.sids += 1
        self._send(f"SUB {subject} {queue} {self.sids}\r\n".replace("  ", " ").encode())
        return self.sids

    def publish(self, subject, data=b"", reply=""):
        self._send(f"PUB {subject} {reply} {len(data)}\r\n".replace("  ", " ").encode() + data + b"\r\n")

    def next_message(self, seconds=5):
        """(subject, headers, data); TimeoutError when none comes."""
        return self.kept.pop(0) if self.kept else self._receive(seconds)

    def _receive(self, seconds):
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
                data = self._take(int(words[-1]))
                return words[1], b"", data
            if words[0] == "HMSG":
                head, total = int(words[-2]), int(words[-1])
                data = self._take(total)
                return words[1], data[:head], data[head:]

    def next_request(self):
        """(subject, reply, data); waits as long as it takes. For those who serve."""
        self.sock.settimeout(None)
        while True:
            words = self._line().split(" ")
            if words[0] == "PING":
                self._send(b"PONG\r\n")
            if words[0] == "MSG":
                return words[1], words[3] if len(words) == 5 else "", self._take(int(words[-1]))
            if words[0] == "HMSG":
                head, total = int(words[-2]), int(words[-1])
                return words[1], words[3] if len(words) == 6 else "", self._take(total)[head:]

    def request(self, subject, data=b"", seconds=5):
        inbox = f"_INBOX.{self.sids}.{time.monotonic_ns()}"
        sid = self.subscribe(inbox)
        self.publish(subject, data, inbox)
        end = time.monotonic() + seconds
        try:
            while True:
                message = self._receive(end - time.monotonic())
                if message[0] == inbox:
                    break
                self.kept.append(message)
            _, headers, body = message
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
        self.sock.close()
