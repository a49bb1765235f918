// The page that kvcounter shows.
#pragma once

#include <string_view>

inline constexpr std::string_view kPage = R"html(<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Counter</title>
<style>
  body { font: 1.2rem system-ui; display: grid; place-content: center; height: 100vh; margin: 0; text-align: center }
  output { font-size: 8rem }
  input, button { font: inherit; padding: .4em .8em }
</style>
<output id="count">…</output>
<form><input id="bucket" placeholder="Enter a bucket name" aria-label="bucket"> <button>Increment</button></form>
<script>
  const count = document.querySelector('#count'), bucket = document.querySelector('#bucket')
  async function increment() {
    const answer = await (await fetch('/api/counter/' + encodeURIComponent(bucket.value))).json()
    count.textContent = answer.counter ?? answer.error
  }
  document.querySelector('form').onsubmit = event => { event.preventDefault(); increment() }
  increment()
</script>
)html";
