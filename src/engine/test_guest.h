// A guest in WAT that does what the first letter of its operation says. Used by this room's tests.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace trellis::engine {

// `module`: the name its imports have; `extra`: more module fields (start-up exports …).
//   e echo             x guest error         h host call, its answer or error handed on
//   l console log      n answers nothing     q error without text
//   c counts: a global and a memory cell, +1 per call of this instance; answers both
//   s spins for ever   u unreachable         d divides by zero      o reads outside its memory
//   r recurses for ever                      H recurses 1000 deep, then like h
//   m grows its memory until refused, then unreachable              g grows by one page, answers
//   G grows by as many pages as the payload's u32 says, unreachable when refused, then like h
//   size B answers as many bytes as the payload's u32 says, from address 0
inline std::string test_guest(std::string_view module = "wapc", std::string_view extra = "") {
  constexpr std::string_view kText = R"((module
  (import "$M" "__guest_request" (func $request (param i32 i32)))
  (import "$M" "__guest_response" (func $response (param i32 i32)))
  (import "$M" "__guest_error" (func $error (param i32 i32)))
  (import "$M" "__host_call"
    (func $host_call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "$M" "__host_response_len" (func $host_response_len (result i32)))
  (import "$M" "__host_response" (func $host_response (param i32)))
  (import "$M" "__host_error_len" (func $host_error_len (result i32)))
  (import "$M" "__host_error" (func $host_error (param i32)))
  (import "$M" "__console_log" (func $log (param i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 0x8000) "bindcontractoperation")
  (global $count (mut i32) (i32.const 0))
  (func $spin (loop $again (br $again)))
  (func $recurse (param i32) (result i32)
    (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
  (func $host (param $size i32) (result i32)
    (if (result i32)
      (i32.eq (i32.const 1) (call $host_call
        (i32.const 0x8000) (i32.const 4) (i32.const 0x8004) (i32.const 8)
        (i32.const 0x800c) (i32.const 9) (i32.const 256) (local.get $size)))
      (then
        (call $host_response (i32.const 0x9000))
        (call $response (i32.const 0x9000) (call $host_response_len))
        (i32.const 1))
      (else
        (call $host_error (i32.const 0x9000))
        (call $error (i32.const 0x9000) (call $host_error_len))
        (i32.const 0))))
  (func $deep (param $n i32) (param $size i32) (result i32)
    (if (result i32) (local.get $n)
      (then (call $deep (i32.sub (local.get $n) (i32.const 1)) (local.get $size)))
      (else (call $host (local.get $size)))))
  (func $bomb (loop $more (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
    unreachable)
  (func (export "__guest_call") (param $op i32) (param $size i32) (result i32) (local $do i32)
    (call $request (i32.const 0) (i32.const 256))
    (local.set $do (i32.load8_u (i32.const 0)))
    (if (i32.eq (local.get $do) (i32.const 101))
      (then (call $response (i32.const 256) (local.get $size)) (return (i32.const 1))))
    (if (i32.eq (local.get $do) (i32.const 120))
      (then (call $error (i32.const 256) (local.get $size)) (return (i32.const 0))))
    (if (i32.eq (local.get $do) (i32.const 104)) (then (return (call $host (local.get $size)))))
    (if (i32.eq (local.get $do) (i32.const 72))
      (then (return (call $deep (i32.const 1000) (local.get $size)))))
    (if (i32.eq (local.get $do) (i32.const 108))
      (then (call $log (i32.const 256) (local.get $size)) (return (i32.const 1))))
    (if (i32.eq (local.get $do) (i32.const 110)) (then (return (i32.const 1))))
    (if (i32.eq (local.get $do) (i32.const 113)) (then (return (i32.const 0))))
    (if (i32.eq (local.get $do) (i32.const 99)) (then
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (i32.store (i32.const 0xa000) (global.get $count))
      (i32.store (i32.const 0xa004) (i32.add (i32.load (i32.const 0xa004)) (i32.const 1)))
      (call $response (i32.const 0xa000) (i32.const 8)) (return (i32.const 1))))
    (if (i32.eq (local.get $do) (i32.const 115)) (then (call $spin)))
    (if (i32.eq (local.get $do) (i32.const 117)) (then unreachable))
    (if (i32.eq (local.get $do) (i32.const 100))
      (then (return
        (i32.div_u (i32.const 1) (i32.sub (local.get $do) (i32.const 100))))))
    (if (i32.eq (local.get $do) (i32.const 111))
      (then (return (i32.load (i32.const 0x7fffffff)))))
    (if (i32.eq (local.get $do) (i32.const 114))
      (then (return (call $recurse (i32.const 0)))))
    (if (i32.eq (local.get $do) (i32.const 109)) (then (call $bomb)))
    (if (i32.eq (local.get $do) (i32.const 103)) (then
      (drop (memory.grow (i32.const 1)))
      (i32.store (i32.const 0xa000) (memory.size))
      (call $response (i32.const 0xa000) (i32.const 4)) (return (i32.const 1))))
    (if (i32.eq (local.get $do) (i32.const 71)) (then
      (if (i32.eq (memory.grow (i32.load (i32.const 256))) (i32.const -1)) (then unreachable))
      (return (call $host (local.get $size)))))
    (if (i32.eq (local.get $do) (i32.const 66)) (then
      (drop (memory.grow (i32.const 1100)))
      (call $response (i32.const 0) (i32.load (i32.const 256))) (return (i32.const 1))))
    unreachable)
  $EXTRA))";
  std::string text(kText);
  auto replace_all = [&](std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at))
      text.replace(at, what.size(), with);
  };
  replace_all("\"$M\"", fmt::format("\"{}\"", module));
  replace_all("$EXTRA", extra);
  return text;
}

}  // namespace trellis::engine
