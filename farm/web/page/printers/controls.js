// What a printer can be told as it stands now: the buttons of its tile.
import { html } from "../core/html.js";
import { duration } from "../core/time.js";
import { clearPlate } from "../needs/plates.js";
import { confirm } from "../parts/dialog.js";
import { command } from "./commands.js";

/** The buttons that fit the moment; none where nothing fits. */
export function Controls({ printer }) {
  const fitting = buttonsFor(printer);
  // By place, not by label: what follows a press takes the pressed button's place, and the keyboard stays on it.
  return fitting.length > 0 && html`
    <div class="actions">
      ${fitting.map((button, place) => html`<${Button} key=${place} printer=${printer} ...${button} />`)}
    </div>`;
}

/** Without `run` it only says what is under way, so that a second press in the same place does nothing. */
const Button = ({ printer, label, run, primary }) => html`
  <button type="button" class=${primary ? "primary" : ""} aria-disabled=${!run}
    onClick=${(event) => run?.(printer, event)}>
    ${label}<span class="unseen"> ${printer.name}</span>
  </button>`;

const tell = (name) => (printer) => command(printer, name);

const PAUSE = { label: "Pause", run: tell("pause") };
const RESUME = { label: "Resume", run: tell("resume"), primary: true };
const CANCEL = { label: "Cancel", run: askToCancel };
const PLATE = { label: "Plate cleared", run: clearHere, primary: true };

const WHILE = {
  preparing: [],
  printing: [PAUSE, CANCEL],
  pausing: [{ label: "Pausing" }, CANCEL],
  paused: [RESUME, CANCEL],
  resuming: [{ label: "Resuming" }, CANCEL],
  cancelling: [{ label: "Cancelling" }],
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

/** The button goes with what lay there: the keyboard goes on from the printer's name. */
function clearHere(printer, event) {
  event.target.closest("article")?.querySelector(".name")?.focus({ preventScroll: true });
  return clearPlate(printer);
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
