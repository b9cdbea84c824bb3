"use strict";
// Light or dark, before anything is painted: what the person chose on this device, else what the device prefers.
{
  const prefers = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // some embedded browsers keep nothing
    }
  };
  const show = () => {
    document.documentElement.dataset.theme = chosen() ?? (prefers.matches ? "dark" : "light");
  };
  prefers.addEventListener("change", show);
  addEventListener("storage", show); // another tab chose
  addEventListener("theme-chosen", show);
  show();
}
