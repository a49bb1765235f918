// The page of the chat.
#pragma once

#include <string_view>

inline constexpr std::string_view kPage = R"html(<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Chat</title>
<style>
  body { font: 1rem system-ui; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
  li { padding: .2rem 0; list-style: none }
  input, button { font: inherit; padding: .4em .8em }
</style>
<h1>Chat in <em id="room"></em></h1>
<ul id="messages"></ul>
<form><input id="text" maxlength="2000" autofocus aria-label="message"> <button>Say</button></form>
<script>
  const room = location.hash.slice(1) || 'lobby', api = '/api/rooms/' + room
  document.querySelector('#room').textContent = room
  const list = document.querySelector('#messages'), text = document.querySelector('#text')
  async function show() {
    const messages = await (await fetch(api)).json()
    list.replaceChildren(...[].concat(messages.error ?? messages).map(message => {
      const item = document.createElement('li')
      item.textContent = message
      return item
    }))
  }
  document.querySelector('form').onsubmit = async event => {
    event.preventDefault()
    await fetch(api, { method: 'POST', body: text.value })
    text.value = ''
  }
  setInterval(show, 1000)
  show()
</script>
)html";
