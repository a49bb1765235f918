"""Services that a host asks over the bus, each a NATS client of a screenful in a thread of its own."""
import json
import socket
import threading

from nats_client import NatsClient


class Service:
    """Answers what comes on `subject` with `answer(request)`: an object, bytes as they are, or None for silence.

    What it was asked is in .asked, in order. It is there when the constructor returns.
    """

    def __init__(self, port, subject, answer):
        self.asked, self.answer = [], answer
        self.client = NatsClient(port)
        self.client.subscribe(subject)
        self.client.ping()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        try:
            while True:
                _, reply, data = self.client.next_request()
                request = json.loads(data)
                self.asked.append(request)
                answer = self.answer(request)
                if answer is not None:
                    self.client.publish(reply, answer if isinstance(answer, bytes) else json.dumps(answer).encode())
        except (EOFError, OSError):
            pass

    def stop(self):
        try:
            self.client.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the host went first
        self.thread.join()
        self.client.close()


class PolicyService(Service):
    """Permits everything but what `denies(request)` gives a reason against."""

    SUBJECT, CHANGES = "policy.ask", "policy.changes"
    ENV = {"WASMCLOUD_POLICY_TOPIC": SUBJECT, "WASMCLOUD_POLICY_CHANGES_TOPIC": CHANGES}

    def __init__(self, port, denies=lambda request: None):
        self.denies = denies
        super().__init__(port, self.SUBJECT, self.decide)

    def decide(self, request):
        message = self.denies(request)
        return {"permitted": message is None, "message": message, "requestId": request["requestId"]}

    def about(self, action):
        return [request for request in self.asked if request["action"] == action]

    def change(self, port, body):
        client = NatsClient(port)
        try:
            return json.loads(client.request(self.CHANGES, body if isinstance(body, bytes) else json.dumps(body).encode()))
        finally:
            client.close()
