// What lies on a printer's plate, in words.
import { html } from "../core/html.js";
import { plates } from "../core/store.js";
import { ending, sentence } from "../core/words.js";
import { Moment } from "../parts/moment.js";
import { ejects } from "./ejecting.js";

export function WhatLies({ printer: { id, status } }) {
  const print = plates.value.get(id);
  const byItself = ejects(status);
  if (status.plate === "clear" || !print) return `${WORDS[status.plate]} ${byItself}`.trim();
  const { name, state, ended_at: at, reason } = print;
  return html`<span class="file">${name}</span> ${ending(state)} at <${Moment} at=${at} />. ${sentence(reason)} ${byItself}`;
}

const WORDS = {
  clear: "Plate is clear.",
  occupied: "Something lies on the plate.",
  unknown: "Nobody has looked at the plate yet.",
};
