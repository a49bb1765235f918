"""Where our wash answers otherwise than the one of 2022, and why. The tests name an entry where it shows; an entry that
no longer shows fails there.
"""
import re


class Difference:
    def __init__(self, why, theirs, ours, form=None, codes=None):
        """`theirs` and `ours` are patterns of what each writes, {0} in ours being the group of theirs; `codes` the
        exit codes where they differ, too."""
        self.why, self.theirs, self.ours, self.form, self.codes = why, theirs, ours, form, codes

    def mistake(self, old, new):
        codes = (old.code, new.code)
        if codes != self.codes if self.codes else old.code != new.code:
            return f"the exit codes are {old.code} and {new.code}"
        if old.out == new.out and old.message == new.message and old.code == new.code:
            return "they answer alike: strike the difference from differences.py"
        found = re.search(self.theirs, old.out + old.err)
        if not found:
            return f"2022's answer has nothing like {self.theirs!r}"
        said = [re.escape(group) for group in found.groups() if group]
        ours = self.ours.format(*said) if said else self.ours
        if not re.search(ours, new.out + new.err):
            return f"our answer has nothing like {ours!r}"
        return ""


# Members of -o json that 2022's wash does not have. Scripts pick members by name: more of them break none.
ADDED = {
    "hosts[].friendly_name": "which host is which: 2022's hosts send it, 2022's wash dropped it",
    "inventory.friendly_name": "likewise",
    "inventory.issuer": "likewise",
    "inventory.actors[].digest": "which code runs, whatever its reference says by now",
    "inventory.actors[].mode": "whether each call has an instance of its own",
    "inventory.providers[].instance_id": "as actors have it: which run of the provider this is",
    "inventory.providers[].contract_id": "what `wash ctl stop provider` asks for",
    "inventory.providers[].digest": "as actors have it",
    "inventory.providers[].links": "which links it has, and which of them do not work",
    "inventory.providers[].status": "whether it runs, and if not why",
    "inventory.providers[].reason": "likewise",
    "links[].status": "whether the provider has taken the link, and if not why",
    "links[].reason": "likewise",
    "digest": "what was pushed or pulled, to pin it",
}

DIFFERENCES = {
    # --- a mistake is met earlier, or said in more words ---
    "path for a reference": Difference(
        "a path without file:// never was a reference; ours says so and suggests the right one, 2022's let the host look for it",
        r".", r"Did you mean file://", codes=(1, 2)),
    "damaged key": Difference(
        "2022's looks at a key's length and first letter, ours at its checksum, too",
        r"no responders", r"checksum does not match", codes=(1, 2)),
    "unknown kind of key": Difference(
        "2022's makes a module key of any word it does not know", r"M-key", r"'pirate' is not a type of key", codes=(0, 1)),
    "what file is missing": Difference(
        "ours names the file", r"No such file or directory \(os error 2\)", r"\$home/absent|no-such-file"),
    "module that is not there": Difference(
        "2022's takes a path to nowhere for a reference", r".", r"\./absent"),
    "not a module": Difference("the words of two libraries", r".", r"not a WebAssembly module"),
    "not an archive": Difference("the words of two libraries", r".", r"archive"),
    "broken manifest": Difference("the words of two libraries", r"Failed to load manifest: ", r"Failed to load manifest: "),
    "payload that is not JSON": Difference(
        "ours says what is not JSON", r"EOF while parsing|expected ident", r"The payload must be JSON"),
    "editor that fails": Difference("ours names the editor", r"Failed to edit context", r"The editor `false` did not end well"),
    "nothing listens": Difference(
        "ours says where, and how to start a host", r"Connection refused", r"Cannot reach the lattice at"),
    "call of an actor that does not run": Difference("ours says what that means", r"no responders", r"runs on no host"),
    "call that fails": Difference(
        "2022's puts the kind of error in front, and a line of its library's log", r"\nrpc: (.+)|\"error\": \"rpc: (.+?)\"",
        r"{0}"),
    "large call": Difference(
        "2022's client library chunks for providers only: a call of more than 700 KB ends it",
        r"BRIDGE not initialized", r"success|statusCode", codes=(1, 0)),
    "large call over NATS": Difference(
        "likewise, and ours takes no more than the server's max_payload", r"BRIDGE not initialized", r"raise its max_payload"),
    "what a registry lacks": Difference("ours says what is missing where", r".", r"none:1"),
    "wrong password": Difference("ours says whose word was refused", r".", r"WASH_REG_|credentials|password"),

    # --- results ---
    "links that are not active": Difference(
        "a fifth column when a link does not work: otherwise nobody would know", r"Link Name", r"Link Name +Status", form="text"),
    "link with a warning": Difference(
        "the host took the link and has doubts: 2022's wash does not show them", r"successfully|success", r"with a warning|warning"),
    "no such link": Difference(
        "nothing was deleted; 2022's says it was", r"successfully|success", r"No link for .* to delete|warning"),
    "saved answers": Difference("ours prints nothing, 2022's two empty lines", r"^\n\n$", r"^$", form="text"),
    "aliases are put in order": Difference(
        "ours makes an alias of what is nearly one", r"Call alias contained invalid characters", r"[Ss]uccess", codes=(1, 0)),
    "extras": Difference("2022's has the option and forgets it", r"capabilities", r"wasmcloud:builtin:numbergen"),
    "contracts named twice": Difference("claimed once", r"acme:x.*\s*.*acme:x", r"acme:x"),
    "notice of a new key": Difference(
        "on stderr, so that stdout is the result alone", r"No keypair found", r"No keypair found"),
    "an insert needs no key": Difference(
        "the archive says which provider it is", r"No keypair found", r"Successfully|\"success\": true"),
    "an insert keeps the provider": Difference(
        "2022's makes another provider of an archive when a program is inserted without its key", r"[Ss]ervice", r"[Ss]ervice"),
    "more caches to drain": Difference("ours keeps compiled actors, too", r"wasmcloudcache", r"\$home/code"),
}
