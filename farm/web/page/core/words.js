// How things stand, in a word, an icon and a tone: the one place that knows what each state is called.

const BUSY = {
  preparing: ["Preparing", "work", "flame"],
  printing: ["Printing", "work", "nozzle"],
  pausing: ["Pausing", "pause", "pause"],
  paused: ["Paused", "pause", "pause"],
  resuming: ["Resuming", "work", "nozzle"],
  cancelling: ["Cancelling", "away", "cross"],
};

const ON_ITS_WAY = { uploading: "Taking the file", uploaded: "Starting", starting: "Starting" };

const AWAY = {
  disabled: ["Switched off", "away", "power"],
  connecting: ["Connecting", "away", "dots"],
  offline: ["Offline", "away", "unplugged"],
  faulted: ["Faulted", "alarm", "warning"],
};

const AT_REST = {
  finished: ["Finished", "ready", "check"],
  failed: ["Failed", "alarm", "warning"],
  idle: ["Ready", "ready", "check"],
};

/** A printer's state as {word, tone, icon}. */
export function standing({ status }) {
  return named(stateOf(status));
}

function stateOf({ connection, operation, plate, print }) {
  if (operation === "emergency") return ["Emergency stop", "alarm", "octagon"];
  if (connection !== "online") return AWAY[connection] ?? ["Unknown", "away", "question"];
  if (operation === "attention") return ["Needs attention", "alarm", "warning"];
  if (operation === "maintenance") return ["Maintenance", "away", "wrench"];
  if (operation in BUSY) return BUSY[operation];
  if (print && print.state in ON_ITS_WAY) return [ON_ITS_WAY[print.state], "work", "upload"];
  if (plate !== "clear") return ["Plate to clear", "plate", "plate"];
  return AT_REST[operation] ?? ["Unknown", "away", "question"];
}

const JOBS = {
  held: ["Held", "away", "hand"],
  queued: ["Queued", "ready", "clock"],
  scheduled: ["Scheduled", "ready", "clock"],
  active: ["Printing", "work", "nozzle"],
  done: ["Done", "ready", "check"],
  cancelled: ["Cancelled", "away", "cross"],
  quarantined: ["Stopped", "alarm", "warning"],
  needs_review: ["Needs a look", "alarm", "warning"],
};

/** A job's state as {word, tone, icon}. */
export const jobStanding = ({ approval, state }) =>
  named(approval ? ["Waits for approval", "plate", "hand"] : (JOBS[state] ?? [state, "away", "question"]));

const named = ([word, tone, icon]) => ({ word, tone, icon });

const ENDS = {
  finished: "finished",
  failed: "failed",
  cancelled: "was cancelled",
  interrupted: "was interrupted",
  unknown: "ended, nobody saw how",
};

/** How a print ended: "finished". */
export const ending = (state) => ENDS[state] ?? state;

/** Whether an emergency stop stops all of it; some kinds of printer can be told to cancel their print, and no more. */
export const stops = ({ capabilities }) => capabilities.includes("emergency_stop");

/** Why a print failed, as somebody saw who looked at it: the farm's word, and people's. */
export const CAUSES = {
  came_off: "It came off the plate",
  warped: "It warped",
  clogged: "The nozzle is clogged",
  ran_out: "The filament ran out",
  tangled: "The filament tangled or broke",
  shifted: "Layers shifted",
  printer: "Something is wrong with the printer",
  power: "Power or network failed",
  file: "The file is bad",
  set_up: "Wrong filament, plate or nozzle",
  other: "Something else",
};

export const isBusy = ({ status }) => status.operation in BUSY;

/** "1 print", "3 prints". */
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

const HEATERS = { tool0: "Nozzle", bed: "Bed", chamber: "Chamber" };

/** The heaters and sensors of a printer, nozzles first: each kind of print host names them in an order of its own. */
export function inOrder(temperatures) {
  const place = (heater) => (heater.startsWith("tool") ? 0 : heater in HEATERS ? 1 : 2);
  return Object.keys(temperatures).sort((a, b) => place(a) - place(b) || a.localeCompare(b, undefined, { numeric: true }));
}

/** A heater as people call it: "Nozzle", "Nozzle 2", "Bed". */
export function heaterName(heater, all) {
  const tool = /^tool(\d+)$/.exec(heater);
  const tools = Object.keys(all).filter((name) => name.startsWith("tool")).length;
  if (tool && tools > 1) return `Nozzle ${Number(tool[1]) + 1}`;
  return HEATERS[heater] ?? heater;
}

/** A text that came from elsewhere, as a sentence: "it hangs" is "It hangs." */
export function sentence(text) {
  const trimmed = String(text ?? "").trim();
  return trimmed && trimmed[0].toUpperCase() + trimmed.slice(1) + (/[.!?…]$/.test(trimmed) ? "" : ".");
}
