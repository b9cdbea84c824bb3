// What needs a person now, and in which order. Plain functions of what the farm says: no page, no clock.

/** Kinds of needs, and which goes first where both hold up the same amount of work. */
export const KINDS = ["emergency", "attention", "job", "plate", "offline", "paused"];

/**
 * Everything that waits for a person: what holds up most work first, and emergencies before all.
 * Each is {kind, key, since, waiting} with the `printer` or the `job` it is about; waiting: prints held up by it.
 */
export function needs(printers, jobs) {
  const wishes = jobs.map((job) => ({ job, left: copiesToBegin(job) })).filter(({ left }) => left > 0);
  const usable = printers.filter((printer) => !kindOf(printer) && printer.status.connection === "online");
  const found = [
    ...printers.map((printer) => ofPrinter(printer, wishes, usable)).filter(Boolean),
    ...jobs.filter(waitsForAPerson).map(ofJob),
  ];
  return found.sort(
    (a, b) =>
      (b.kind === "emergency") - (a.kind === "emergency") ||
      b.weight - a.weight ||
      KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
      (a.since ?? "").localeCompare(b.since ?? ""),
  );
}

/** Whether a job's wishes allow this printer. */
export function mayRunOn(job, printer) {
  const listed = job.required_printers.length === 0 || job.required_printers.includes(printer.id);
  return listed && job.required_tags.every((tag) => printer.tags.includes(tag));
}

const UNDER_WAY = new Set(["reserved", "uploading", "starting", "printing", "paused"]);

export const isUnderWay = (attempt) => UNDER_WAY.has(attempt.state);

/** Copies of a job that no printer has begun, and may begin. */
export function copiesToBegin(job) {
  if (job.state !== "queued" && job.state !== "active") return 0;
  return Math.max(0, job.copies - job.done - job.prints.filter(isUnderWay).length);
}

export const waitsForAPerson = ({ state }) => state === "needs_review" || state === "quarantined";

/** What a printer needs of a person; null for nothing. */
function kindOf({ status, enabled }) {
  if (status.operation === "emergency") return "emergency";
  if (!enabled || status.connection === "disabled" || status.connection === "connecting") return null;
  if (status.connection !== "online") return "offline";
  if (status.operation === "attention") return "attention";
  if (status.operation === "paused") return "paused";
  if (status.operation === "maintenance") return null;
  const atRest = ["idle", "finished", "failed"].includes(status.operation);
  return atRest && !status.print && status.plate !== "clear" ? "plate" : null;
}

function ofPrinter(printer, wishes, usable) {
  const kind = kindOf(printer);
  if (!kind) return null;
  const wanted = wishes.filter(({ job }) => mayRunOn(job, printer));
  const held = printer.status.print ? 1 : 0; // a print stands still with its printer
  return {
    kind,
    printer,
    key: printer.id,
    since: printer.status.since,
    waiting: wanted.reduce((sum, { left }) => sum + left, 0),
    // A print that could as well run elsewhere is held up less.
    weight: wanted.reduce((sum, { job, left }) => sum + left / (1 + usable.filter((p) => mayRunOn(job, p)).length), held),
  };
}

function ofJob(job) {
  const waiting = Math.max(1, job.copies - job.done);
  return { kind: "job", job, key: `job:${job.id}`, since: job.created_at, waiting, weight: waiting };
}
