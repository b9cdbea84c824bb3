// What a printer can be told as it stands now: the buttons of its tile.
import { html } from "../core/html.js";
import { duration } from "../core/time.js";
import { clearPlate } from "../needs/plates.js";
import { confirm } from "../parts/dialog.js";
import { command } from "./commands.js";

/** The buttons that fit the moment; none where nothing fits. */
export function Controls({ printer }) {
  const fitting = buttonsFor(printer);
  return fitting.length > 0 && html`<div class="actions">${fitting.map((button) => html`<${Button} key=${button.label} printer=${printer} ...${button} />`)}</div>`;
}

const Button = ({ printer, label, run, primary }) => html`
  <button type="button" class=${primary ? "primary" : ""} onClick=${() => run(printer)}>
    ${label}<span class="unseen"> ${printer.name}</span>
  </button>`;

const tell = (name) => (printer) => command(printer, name);

const PAUSE = { label: "Pause", run: tell("pause") };
const RESUME = { label: "Resume", run: tell("resume"), primary: true };
const CANCEL = { label: "Cancel", run: askToCancel };
const PLATE = { label: "Plate cleared", run: (printer) => clearPlate(printer), primary: true };

const WHILE = {
  preparing: [CANCEL],
  printing: [PAUSE, CANCEL],
  pausing: [CANCEL],
  paused: [RESUME, CANCEL],
  resuming: [CANCEL],
  attention: [{ label: "Seen to it", run: tell("clear_attention"), primary: true }],
  emergency: [{ label: "Clear emergency", run: tell("clear_emergency") }],
  maintenance: [{ label: "End maintenance", run: tell("maintenance_off") }],
};

function buttonsFor({ status, enabled }) {
  if (status.operation === "emergency") return WHILE.emergency;
  if (!enabled || status.connection !== "online") return [];
  if (status.operation in WHILE) return WHILE[status.operation];
  return status.plate !== "clear" && !status.print ? [PLATE] : [];
}

/** Cancel what runs, after asking: it cannot be taken up again. */
export async function askToCancel(printer) {
  const { print } = printer.status;
  const far = print?.progress != null ? ` It is at ${Math.floor(print.progress * 100)} %` : "";
  const rest = far && print.remaining_s != null ? `, ${duration(print.remaining_s)} before its end` : "";
  const sure = await confirm({
    title: `Cancel the print on ${printer.name}?`,
    text: `${print?.name ?? "The print"} cannot be taken up again.${far}${rest}${far && "."}`,
    yes: "Cancel the print",
    no: "Keep printing",
  });
  if (sure) await command(printer, "cancel");
}
