"use strict";
const form = document.getElementById("setup");
const answer = document.getElementById("answer");
const button = form.querySelector("button");

// The link carries the code behind the #, which no browser sends and no log keeps.
form.elements.code.value = new URLSearchParams(location.hash.slice(1)).get("code") ?? "";

function say(text, wrong) {
  answer.textContent = text;
  answer.classList.toggle("wrong", wrong);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  say("One moment …", false);
  try {
    const { code, username, password } = Object.fromEntries(new FormData(form));
    const reply = await fetch("/v1/setup", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code, username, password }),
    });
    const body = await reply.json();
    if (!reply.ok) {
      say(body.detail, true);
      return;
    }
    form.reset();
    history.replaceState(null, "", location.pathname);
    say(`Welcome, ${body.user.username}. The account is made; the README says how to add a printer.`, false);
  } catch {
    say("The server does not answer. Is it still running?", true);
  } finally {
    button.disabled = false;
  }
});
