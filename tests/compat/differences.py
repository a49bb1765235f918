"""Where our wash answers otherwise than the one of 2022, and why. The tests name an entry where it shows; an entry that
no longer shows fails there.
"""
import re


class Difference:
    def __init__(self, why, theirs, ours, form=None, codes=None):
        """`theirs` and `ours` are patterns of what each writes; `codes` the exit codes where they differ, too."""
        self.why, self.theirs, self.ours, self.form, self.codes = why, theirs, ours, form, codes

    def mistake(self, old, new):
        codes = (old.code, new.code)
        if codes != self.codes if self.codes else old.code != new.code:
            return f"the exit codes are {old.code} and {new.code}"
        if old.out == new.out and old.message == new.message and old.code == new.code:
            return "they answer alike: strike the difference from differences.py"
        for pattern, answer, who in ((self.theirs, old, "2022's"), (self.ours, new, "our")):
            if not re.search(pattern, answer.out + answer.err):
                return f"{who} answer has nothing like {pattern!r}"
        return ""


# Members of -o json that 2022's wash does not have. Scripts pick members by name: more of them break none.
ADDED = {
    "hosts[].friendly_name": "which host is which: 2022's hosts send it, 2022's wash dropped it",
    "inventory.friendly_name": "likewise",
    "inventory.issuer": "likewise",
    "inventory.providers[].contract_id": "what `wash ctl stop provider` asks for",
    "inventory.providers[].status": "whether it runs, and if not why",
    "inventory.providers[].reason": "likewise",
    "links[].status": "whether the provider has taken the link, and if not why",
    "links[].reason": "likewise",
    "digest": "what was pushed or pulled, to pin it",
}

DIFFERENCES = {}
