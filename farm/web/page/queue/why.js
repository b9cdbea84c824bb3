// Why a job does not print yet, in words, as far as the page can see it.
import { copiesToBegin, mayRunOn } from "../needs/needs.js";
import { count, isBusy } from "../core/words.js";

/** Sentences, the most telling first; none when it prints or there is nothing left to begin. */
export function whyNot(job, printers) {
  if (job.state === "held") return ["Held until somebody releases it."];
  const left = copiesToBegin(job);
  if (left === 0) return [];
  const fitting = printers.filter((printer) => mayRunOn(job, printer));
  if (fitting.length === 0) return ["No printer of the farm is one it may run on."];
  const ways = WAYS.map(([is, words]) => say(fitting.filter(is).length, words)).filter(Boolean);
  const who = job.state === "active" ? `${left} more waiting` : "Waiting";
  return [`${who}: ${ways.join(", ")}.`];
}

const away = ({ enabled, status }) => !enabled || status.connection !== "online";
const stopped = (printer) => !away(printer) && ["emergency", "attention", "maintenance"].includes(printer.status.operation);
const busy = (printer) => !away(printer) && !stopped(printer) && (isBusy(printer) || printer.status.print);
const fouled = (printer) => !away(printer) && !stopped(printer) && !busy(printer) && printer.status.plate !== "clear";
const free = (printer) => !away(printer) && !stopped(printer) && !busy(printer) && printer.status.plate === "clear";

const WAYS = [
  [free, (number) => `${count(number, "printer")} about to take it`],
  [fouled, (number) => `${count(number, "plate")} to clear`],
  [busy, (number) => `${count(number, "printer")} busy`],
  [stopped, (number) => `${count(number, "printer")} not ready`],
  [away, (number) => `${count(number, "printer")} offline`],
];

const say = (number, words) => (number > 0 ? words(number) : "");
