// What people tell printers. Accepted is not done: the end of a command comes later, as a fact.
import { mayOperate } from "../core/session.js";
import { post } from "../core/api.js";
import { commandEnds, printerOf } from "../core/store.js";
import { say, sayProblem } from "../parts/toast.js";

const WORDS = {
  pause: "Pause",
  resume: "Resume",
  cancel: "Cancel",
  connect: "Connect",
  disconnect: "Disconnect",
  set_temperature: "Heating",
  gcode: "G-code",
  home: "Homing",
  jog: "Moving",
  maintenance_on: "Maintenance",
  maintenance_off: "End of maintenance",
  clear_attention: "Seen to it",
  clear_doubt: "Seen to it",
  clear_emergency: "Clear emergency",
};

const MOST_REMEMBERED = 100;
const ours = new Set(); // ids of commands given here, whose end is awaited
const early = new Map(); // ends that came before the answer that names their id

commandEnds.add((end) => {
  if (ours.delete(end.command_id)) report(end);
  else early.set(end.command_id, end);
  if (early.size > MOST_REMEMBERED) early.delete(early.keys().next().value);
});

/** Tell a printer something; what goes wrong is said, now or when it turns out. Resolves to whether it was taken. */
export async function command(printer, name, more = {}) {
  if (!mayOperate.value) return false;
  try {
    const path = `/v1/printers/${encodeURIComponent(printer.id)}/commands`;
    const { command_id: id } = await post(path, { command: name, ...more });
    const end = early.get(id);
    early.delete(id);
    if (end) report(end);
    else ours.add(id);
    return true;
  } catch (problem) {
    sayProblem(problem, problem.message.startsWith(printer.name) ? "" : `${printer.name}: `);
    return false;
  }
}

function report({ printer, command, ok, problem }) {
  if (ok) return;
  const name = printerOf(printer)?.peek().name ?? printer;
  say(`${name}: ${WORDS[command] ?? command} did not work. ${problem}`, { wrong: true });
}
