"""Signed modules with other claims than `wash claims sign` would put into them."""
import base64
import json
import subprocess
import tempfile

PKCS8 = bytes.fromhex("302e020100300506032b657004220420")  # in front of an Ed25519 key: RFC 8410


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def sign(seed, message):
    raw = base64.b32decode(seed + "=" * (-len(seed) % 8))[2:34]
    with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as text:
        key.write(PKCS8 + raw), key.flush()
        text.write(message), text.flush()
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", key.name, "-in", text.name],
                              check=True, capture_output=True).stdout


def leb128(number):
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7f | 0x80]), number >> 7
    return out + bytes([number])


def with_claims(module, seed, **changes):
    """The signed module, whose token ends it, with these claims changed and signed anew by the account of that seed."""
    at = module.rindex(b"\x03jwt")
    head, payload, _ = module[at + 4:].split(b".")
    claims = {**json.loads(base64.urlsafe_b64decode(payload + b"==")), **changes}
    token = head + b"." + base64url(json.dumps(claims, separators=(",", ":")).encode())
    content = b"\x03jwt" + token + b"." + base64url(sign(seed, token))
    start = module.rindex(b"\x00", 0, at)
    return module[:start] + b"\x00" + leb128(len(content)) + content
