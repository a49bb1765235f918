"""A capability provider as providers of 2022 are: host data on stdin, everything else over the bus. Test providers are
scripts that subclass it and misbehave in one way; test_providers.py packs them into archives.

What happens to it is written, a JSON line each, to the file that $PROVIDER_RECORD names.
"""
import base64
import json
import os
import sys

from msgpack import pack, unpack
from nats_client import NatsClient


class Provider:
    def __init__(self):
        line = sys.stdin.readline()
        self.host = json.loads(base64.b64decode(line))
        self.links = {}
        self.record("start", host=self.host, pid=os.getpid(), args=sys.argv[1:])

    def record(self, what, **more):
        path = os.environ.get("PROVIDER_RECORD")
        if path:
            with open(path, "a") as out:
                out.write(json.dumps({"what": what, "pid": os.getpid(), **more}) + "\n")

    # What a provider decides.
    def put_link(self, link):
        return True

    def handle(self, actor, operation, payload):
        return pack(f"{operation} of {actor[:4]} with {len(payload)} bytes")

    def health(self):
        return pack({"healthy": True})

    def before_subscribing(self):
        pass

    # What all providers do.
    def take(self, link):
        if link["actor_id"] in self.links:
            self.record("duplicate", actor=link["actor_id"])
        elif self.put_link(link):
            self.links[link["actor_id"]] = link
            self.record("put", actor=link["actor_id"], values=link["values"])

    def answer(self, invocation):
        actor = invocation["origin"]["public_key"]
        reply = {"invocation_id": invocation["id"], "msg": b"", "content_length": 0}
        if actor not in self.links:
            reply["error"] = f"unlinked actor: '{actor}'"
            return pack(reply)
        try:
            reply["msg"] = self.handle(actor, invocation["operation"], invocation["msg"])
            reply["content_length"] = len(reply["msg"])
        except ValueError as e:
            reply["error"] = str(e)
        return pack(reply)

    def run(self):
        for link in self.host["link_definitions"]:
            self.take(link)
        self.before_subscribing()
        host, port = self.host["lattice_rpc_url"].rsplit(":", 1)
        self.nats = NatsClient(int(port), host)
        self.me = f"wasmbus.rpc.{self.host['lattice_rpc_prefix']}.{self.host['provider_key']}.{self.host['link_name']}"
        self.nats.subscribe(self.me, "rpc")
        for tail in ("linkdefs.put", "linkdefs.del", "shutdown", "health"):
            self.nats.subscribe(f"{self.me}.{tail}")
        while self.serve(*self.nats.next_request()):
            pass

    def serve(self, subject, reply, data):
        tail = subject[len(self.me):]
        if tail == "":
            self.reply(reply, self.answer(unpack(data)))
        elif tail == ".linkdefs.put":
            self.take(unpack(data))
        elif tail == ".linkdefs.del":
            link = unpack(data)
            self.links.pop(link["actor_id"], None)
            self.record("del", actor=link["actor_id"])
        elif tail == ".health":
            self.reply(reply, self.health())
            self.record("health")
        elif tail == ".shutdown" and json.loads(data)["host_id"] == self.host["host_id"]:
            self.record("shutdown")
            self.reply(reply, b"shutting down")
            self.nats.ping()
            return False
        return True

    def reply(self, subject, data):
        if subject and data is not None:
            self.nats.publish(subject, data)
