"use strict";
// The set-up link carries the code behind the #, which no browser sends and no log keeps. It stays in the
// tab's memory until the account is made, so that a try with a wrong password does not lose it.
{
  const field = document.getElementById("code");
  const code = new URLSearchParams(location.hash.slice(1)).get("code") ?? sessionStorage.getItem("setup-code");
  if (code) {
    field.value = code;
    sessionStorage.setItem("setup-code", code);
    history.replaceState(null, "", location.pathname);
  }
}
