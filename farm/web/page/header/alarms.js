// The alarm strip: what cannot wait until somebody looks. Empty on a good day.
import { html } from "../core/html.js";
import { line, printers } from "../core/store.js";
import { moment } from "../core/time.js";
import { Icon } from "../parts/icon.js";
import { stopFailures } from "./emergency.js";

export const Alarms = () => html`
  <div class="alarms" role="alert" aria-label="Alarms">
    ${stopFailures.value.map(({ text, at }) => html`
      <p key=${at.toISOString()} class="alarm">
        <${Icon} name="octagon" /> <span>${moment(at)}: ${text}</span>
        <button type="button" class="quiet square" aria-label="Close" onClick=${() => forget(at)}>
          <${Icon} name="cross" />
        </button>
      </p>`)}
    ${line.value.since && html`
      <p class="alarm">
        <${Icon} name="unplugged" />
        <span><b>No connection to the farm</b> since ${moment(line.value.since)}. What you see is how it was then;
          prints go on. Trying again by itself.</span>
      </p>`}
    ${line.value.open && KINDS.map(({ is, icon, words }) => {
      const found = printers.value.filter(is);
      return found.length > 0 && html`
        <p key=${icon} class="alarm"><${Icon} name=${icon} /> <span><b>${words}:</b> ${names(found)}</span></p>`;
    })}
  </div>`;

const KINDS = [
  { icon: "octagon", words: "Emergency stop", is: ({ status }) => status.operation === "emergency" },
  {
    icon: "warning",
    words: "Needs attention in the middle of a print",
    is: ({ status }) => status.operation === "attention" && status.print,
  },
  {
    icon: "unplugged",
    words: "Lost while printing",
    is: ({ status, enabled }) => enabled && status.print && ["offline", "faulted"].includes(status.connection),
  },
];

const SHOWN = 5;

function names(found) {
  const shown = found.slice(0, SHOWN).map(({ name }) => name).join(", ");
  return found.length > SHOWN ? `${shown} and ${found.length - SHOWN} more` : shown;
}

function forget(at) {
  stopFailures.value = stopFailures.value.filter((failure) => failure.at !== at);
}
