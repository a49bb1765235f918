"""Small hostile and helpful actors as WebAssembly text. Each answers every operation the same way."""

IMPORTS = """
  (import "wasmbus" "__guest_request" (func $request (param i32 i32)))
  (import "wasmbus" "__guest_response" (func $response (param i32 i32)))
  (import "wasmbus" "__guest_error" (func $error (param i32 i32)))
  (import "wasmbus" "__host_call" (func $host_call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasmbus" "__host_response_len" (func $host_response_len (result i32)))
  (import "wasmbus" "__host_response" (func $host_response (param i32)))
  (import "wasmbus" "__host_error_len" (func $host_error_len (result i32)))
  (import "wasmbus" "__host_error" (func $host_error (param i32)))
  (import "wasmbus" "__console_log" (func $console_log (param i32 i32)))
"""

# {statusCode: 200, header: {}, body: "ok"}
OK_ANSWER = r"\83\aastatusCode\cc\c8\a6header\80\a4body\c4\02ok"
OK_LENGTH = 1 + 11 + 2 + 7 + 1 + 5 + 2 + 2


def module(body, memory="(memory (export \"memory\") 1)", more=""):
    """A module whose __guest_call runs `body`, which leaves its i32 result."""
    return f"""(module {IMPORTS}
  {memory}
  (data (i32.const 1024) "{OK_ANSWER}")
  {more}
  (func (export "__guest_call") (param $op_len i32) (param $len i32) (result i32)
    {body}))"""


ANSWER_OK = f"(call $response (i32.const 1024) (i32.const {OK_LENGTH})) (i32.const 1)"

GOOD = module(ANSWER_OK)
LOOP = module("(loop $l (br $l)) (i32.const 1)")
SAYS_AND_LOOPS = module("(call $console_log (i32.const 2048) (i32.const 14)) (loop $l (br $l)) (i32.const 1)",
                        more='(data (i32.const 2048) "the actor runs")')
TRAP = module("(unreachable)")
RECURSION = module(f"(call $deep) {ANSWER_OK}", more="(func $deep (call $deep) (call $console_log (i32.const 0) (i32.const 0)))")
# Grows until refused, touching every page it was given, then answers: the refusal is not the end of the guest.
MEMORY_BOMB = module(f"""
    (block $full (loop $more
      (br_if $full (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
      (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 7))
      (br $more)))
    {ANSWER_OK}""")
# Fills all the memory it can get, then answers 200 + how many MiB that were; the status byte is at 1037.
FILLING_BOMB = module(f"""
    (block $full (loop $more
      (br_if $full (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
      (memory.fill (i32.mul (i32.sub (memory.size) (i32.const 16)) (i32.const 65536)) (i32.const 7) (i32.const 1048576))
      (br $more)))
    (i32.store8 (i32.const 1037) (i32.add (i32.const 200) (i32.div_u (memory.size) (i32.const 16))))
    {ANSWER_OK}""")
WILD_POINTER = module("(call $response (i32.const 0x7fffffff) (i32.const 0x7fffffff)) (i32.const 1)")
SAYS_NO = module(r"(call $error (i32.const 2048) (i32.const 5)) (i32.const 0)", more='(data (i32.const 2048) "sorry")')
UNKNOWN_IMPORT = """(module (import "env" "mystery" (func)) (memory (export "memory") 1)
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))"""
NO_GUEST_CALL = """(module (memory (export "memory") 1))"""


def counter():
    """Answers with status 200 + the number of calls this instance has served, counted in its memory."""
    return module(f"""
    (i32.store8 (i32.const 1037) (i32.add (i32.load8_u (i32.const 1037)) (i32.const 1)))
    {ANSWER_OK}""")


def big_answer(body_bytes):
    """Answers with a body of that many bytes."""
    pages = (body_bytes + 4096) // 65536 + 2
    head = r"\83\aastatusCode\cc\c8\a6header\80\a4body\c6" + "".join(f"\\{b:02x}" for b in body_bytes.to_bytes(4, "big"))
    length = 1 + 11 + 2 + 7 + 1 + 5 + 5 + body_bytes
    return f"""(module {IMPORTS} (memory (export "memory") {pages}) (data (i32.const 1024) "{head}")
  (func (export "__guest_call") (param i32 i32) (result i32)
    (call $response (i32.const 1024) (i32.const {length})) (i32.const 1)))"""


def text(value):
    """Bytes as the text of a WebAssembly data segment."""
    return "".join(f"\\{b:02x}" for b in (value.encode() if isinstance(value, str) else value))


ANSWER = "(call $response (i32.const 8192) (call $host_response_len))"
# As a number in msgpack, most significant byte first.
LENGTH_OF_ANSWER = """(i32.store8 (i32.const 1024) (i32.const 0xce))""" + "".join(
    f"(i32.store8 (i32.const {1025 + i}) (i32.shr_u (call $host_response_len) (i32.const {24 - 8 * i})))" for i in range(4)
) + "(call $response (i32.const 1024) (i32.const 5))"


def caller(namespace, operation, payload=b"", binding="default", answer=ANSWER, pages=16):
    """Calls `namespace` and answers with what came back, or fails with the error it was given."""
    parts = [binding.encode(), namespace.encode(), operation.encode(), payload]
    at, where = 2048, []
    for part in parts:
        where.append((at, len(part)))
        at += len(part)
    arguments = " ".join(f"(i32.const {offset}) (i32.const {length})" for offset, length in where)
    return module(f"""
    (if (result i32) (call $host_call {arguments})
      (then (call $host_response (i32.const 8192))
            {answer} (i32.const 1))
      (else (call $host_error (i32.const 8192))
            (call $error (i32.const 8192) (call $host_error_len)) (i32.const 0)))""",
                  memory=f'(memory (export "memory") {pages})', more=f'(data (i32.const 2048) "{text(b"".join(parts))}")')
