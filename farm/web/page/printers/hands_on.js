// Heating and moving a printer by hand, for loading filament and looking after it. Not in the middle of a print.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../core/html.js";
import { heaterName, inOrder, isBusy } from "../core/words.js";
import { command } from "./commands.js";

const HOTTEST_DEGC = 500;
const STEPS_MM = [1, 10, 50];
const MOVES = [
  ["Left", "x", -1],
  ["Right", "x", 1],
  ["Front", "y", -1],
  ["Back", "y", 1],
  ["Down", "z", -1],
  ["Up", "z", 1],
];

export function HandsOn({ printer }) {
  const { connection, operation, temperatures } = printer.status;
  const [heats, moves] = ["temperature", "motion"].map((what) => printer.capabilities.includes(what));
  if (connection !== "online" || operation === "emergency" || isBusy(printer) || !(heats || moves)) return null;
  return html`
    <details class="hands-on">
      <summary>Heat and move</summary>
      ${heats && inOrder(temperatures).map((heater) =>
        html`<${Heater} key=${heater} printer=${printer} heater=${heater} />`)}
      ${moves && html`<${Moves} printer=${printer} />`}
    </details>`;
}

function Heater({ printer, heater }) {
  const { temperatures } = printer.status;
  const [wanted, setWanted] = useState("");
  const name = heaterName(heater, temperatures);
  const set = (degrees) => command(printer, "set_temperature", { heater, target_degc: degrees });
  const submit = (event) => {
    event.preventDefault();
    set(Number(wanted));
  };
  return html`
    <form class="heater" onSubmit=${submit}>
      <label for=${`heat-${heater}`}>${name} °C</label>
      <input id=${`heat-${heater}`} type="number" inputmode="numeric" min="0" max=${HOTTEST_DEGC} required value=${wanted}
        placeholder=${Math.round(temperatures[heater].target ?? 0)} onInput=${(event) => setWanted(event.target.value)} />
      <button>Heat<span class="unseen"> ${name}</span></button>
      <button type="button" onClick=${() => set(0)}>Off<span class="unseen"> ${name}</span></button>
    </form>`;
}

function Moves({ printer }) {
  const [step, setStep] = useState(10);
  return html`
    <div class="moves">
      <label for="step">Step</label>
      <select id="step" value=${step} onChange=${(event) => setStep(Number(event.target.value))}>
        ${STEPS_MM.map((length) => html`<option key=${length} value=${length}>${length} mm</option>`)}
      </select>
      <button type="button" onClick=${() => command(printer, "home")}>Home</button>
      ${MOVES.map(([label, axis, way]) => html`
        <button type="button" key=${label} onClick=${() => command(printer, "jog", { [axis]: way * step })}>
          ${label}
        </button>`)}
    </div>`;
}
