// What is to be done on a printer after so many hours of printing, and that somebody has done it.
import { useAnswer } from "../core/answer.js";
import { get, post } from "../core/api.js";
import { html } from "../core/html.js";
import { mayOperate } from "../core/session.js";
import { chores } from "../core/store.js";
import { sentence } from "../core/words.js";
import { say, sayProblem } from "../parts/toast.js";

const pathOf = (printer) => `/v1/printers/${encodeURIComponent(printer)}/maintenance`;
const hours = (number) => `${Math.round(number)} h`;

/** All of one printer's, for its window; looked up anew whenever something is due or done. */
export function Chores({ printer }) {
  const [found] = useAnswer(() => get(pathOf(printer.id)), [printer.id, chores.value]);
  if (!found) return null;
  const printed = `${hours(found.printed_h)} printed`;
  if (found.items.length === 0) return html`<p class="hands-on hint">${printed}</p>`;
  return html`
    <details class="hands-on" open=${found.items.some(({ state }) => state !== "ok")}>
      <summary>${printed}, maintenance</summary>
      ${found.items.map((chore) => html`
        <p key=${chore.id}>${whatOf(chore)} <${DoneButton} chore=${chore} name=${printer.name} /></p>`)}
    </details>`;
}

/** "Lubricate the rods: in 120 h of printing." */
export const whatOf = ({ what, state, left_h: left, since_h: since }) =>
  state === "ok"
    ? `${sentence(what).replace(/\.$/, "")}: in ${hours(left)} of printing.`
    : `${sentence(what)} It is ${state}: ${hours(since)} of printing since it was done.`;

export const DoneButton = ({ chore, name }) => mayOperate.value && html`
  <button type="button" onClick=${() => finish(chore, name)}>Done<span class="unseen"> on ${name}: ${chore.what}</span></button>`;

async function finish({ id, printer, what }, name) {
  try {
    await post(`${pathOf(printer)}/${encodeURIComponent(id)}/done`, {});
    say(`${name}: ${what} is done.`);
  } catch (problem) {
    sayProblem(problem);
  }
}
