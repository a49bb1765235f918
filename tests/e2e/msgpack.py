"""MessagePack of a screenful: what wasmbus messages are made of. Bytes are bin, text is str."""
import struct


def pack(value):
    if value is None:
        return b"\xc0"
    if value is True or value is False:
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        return b"\xcf" + struct.pack(">Q", value) if value >= 0 else b"\xd3" + struct.pack(">q", value)
    if isinstance(value, str):
        data = value.encode()
        return b"\xdb" + struct.pack(">I", len(data)) + data
    if isinstance(value, (bytes, bytearray)):
        return b"\xc6" + struct.pack(">I", len(value)) + bytes(value)
    if isinstance(value, (list, tuple)):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
    if isinstance(value, dict):
        return b"\xdf" + struct.pack(">I", len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())
    raise TypeError(type(value))


def unpack(data):
    return Reader(data).value()


class Reader:
    FIXED = {0xca: ">f", 0xcb: ">d", 0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q",
             0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q"}
    SIZES = {0xc4: ">B", 0xc5: ">H", 0xc6: ">I", 0xd9: ">B", 0xda: ">H", 0xdb: ">I",
             0xdc: ">H", 0xdd: ">I", 0xde: ">H", 0xdf: ">I"}

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        part = self.data[self.at:self.at + count]
        if len(part) < count:
            raise ValueError("the message ends early")
        self.at += count
        return part

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def items(self, count):
        return [self.value() for _ in range(count)]

    def pairs(self, count):
        return {self.value(): self.value() for _ in range(count)}

    def value(self):
        kind = self.take(1)[0]
        if kind < 0x80 or kind >= 0xe0:
            return kind if kind < 0x80 else kind - 256
        if kind < 0x90:
            return self.pairs(kind & 15)
        if kind < 0xa0:
            return self.items(kind & 15)
        if kind < 0xc0:
            return self.take(kind & 31).decode(errors="surrogateescape")
        if kind in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[kind]
        if kind in self.FIXED:
            return self.number(self.FIXED[kind])
        size = self.number(self.SIZES[kind])
        if kind <= 0xc6:
            return self.take(size)
        if kind <= 0xdb:
            return self.take(size).decode(errors="surrogateescape")
        return self.items(size) if kind <= 0xdd else self.pairs(size)
