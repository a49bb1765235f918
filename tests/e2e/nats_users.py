"""A NATS server that lets in only whom it knows, and the ways to say who one is: an nkey, or a token and its nkey."""
import base64
import contextlib
import json
import pathlib
import uuid

from sandbox import free_port, http
from lattices import lattice
from registries import openssl

# The ways to give credentials to a connection: what the variables hold. All but the first two are tokens of an account.
WAYS = ["seed", "path-of-seed", "token-and-seed", "paths-of-both", "credentials-file"]
LIMITS = {"subs": -1, "data": -1, "payload": -1}


class Users:
    """Users that a server of `way` lets in, by name, and `stranger`, whom it does not."""

    def __init__(self, box, way, *names):
        self.folder, self.way, self.with_tokens = pathlib.Path(box.folder), way, WAYS.index(way) > 1
        kinds = {"company": "operator", "account": "account", "other_account": "account"}
        self.keys = {name: box.wash_json("keys", "gen", kinds.get(name, "user"))
                     for name in (*kinds, *names, "stranger")}
        self.names = names

    def public_key(self, name):
        return self.keys[name]["public_key"]

    def config(self):
        """The path of the server's configuration."""
        if self.with_tokens:
            account = self._token("company", "account", type="account", limits={
                **LIMITS, "conn": -1, "leaf": -1, "imports": -1, "exports": -1, "wildcards": True})
            text = f"operator: {self._token('company', 'company', type='operator')}\nresolver: MEMORY\n" \
                f"resolver_preload: {{ {self.public_key('account')}: {account} }}\n"
        else:
            users = ", ".join(f"{{ nkey: {self.public_key(name)} }}" for name in self.names)
            text = f"authorization {{ users: [{users}] }}\n"
        return self._file("nats.conf", text)

    def credentials(self, name, prefix):
        """The environment that makes the connection of `prefix` this user's."""
        seed = self.keys[name]["seed"]
        if not self.with_tokens:
            return {f"{prefix}SEED": seed if self.way == "seed" else self._file(f"{name}.seed", seed + "\n")}
        token = self._token("other_account" if name == "stranger" else "account", name, type="user", **LIMITS)
        if self.way == "token-and-seed":
            return {f"{prefix}JWT": token, f"{prefix}SEED": seed}
        if self.way == "paths-of-both":
            return {f"{prefix}JWT": self._file(f"{name}.jwt", token), f"{prefix}SEED": self._file(f"{name}.seed", seed)}
        return {f"{prefix}CREDSFILE": self._file(f"{name}.creds", "\n".join((
            "-----BEGIN NATS USER JWT-----", token, "------END NATS USER JWT------", "",
            "-----BEGIN USER NKEY SEED-----", seed, "------END USER NKEY SEED------", "")))}

    def _file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def _token(self, issuer, subject, **about):
        """As the tools of NATS make them."""
        def part(value):
            return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
        claims = {"jti": uuid.uuid4().hex, "iat": 1700000000, "iss": self.public_key(issuer), "name": subject,
                  "sub": self.public_key(subject), "nats": {**about, "version": 2}}
        signed = ".".join(part(json.dumps(p).encode()) for p in ({"typ": "JWT", "alg": "ed25519-nkey"}, claims))
        seed = self.keys[issuer]["seed"]
        key = bytes.fromhex("302e020100300506032b657004220420") + base64.b32decode(seed + "=" * (-len(seed) % 8))[2:34]
        pem = f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(key).decode()}\n-----END PRIVATE KEY-----\n"
        files = "-inkey", self._file("key.pem", pem), "-in", self._file("to.sign", signed)
        return f"{signed}.{part(openssl('pkeyutl', '-sign', '-rawin', *files, cwd=self.folder))}"


@contextlib.contextmanager
def guarded_lattice(users):
    """A lattice on a server that lets these in. `.connected()` says who is: user by name of the connection."""
    monitor = free_port()
    # JetStream wants more of a company than one account.
    with lattice("-c", users.config(), "-m", str(monitor), jetstream=not users.with_tokens) as made:
        name_of = {users.public_key(name): name for name in users.names}

        def connected():
            connections = json.loads(http(monitor, "/connz?auth=true").body)["connections"]
            return {each["name"]: name_of[each["authorized_user"]] for each in connections}
        made.connected = connected
        yield made
