// What needs a person now, and in which order. Plain functions of what the farm says, without the page.

/** Kinds of needs, and which goes first where both hold up the same amount of work. */
const KINDS = ["emergency", "attention", "trouble", "job", "plate", "offline", "paused", "chore", "why"];

/**
 * Everything that waits for a person: what holds up most work first, and emergencies before all.
 * Each is {kind, id, waiting}: the id of its printer, of its job where `kind` is "job", or of both printer and chore
 * where it is "chore", of both job and print where it is "why", and how many prints it holds up. chores: those that
 * are due.
 */
export function needs(printers, jobs, chores = []) {
  const wishes = wishesOf(jobs, printers.filter(isUsable));
  const ofChore = (chore) => ofDue(chore, printers.find(({ id }) => id === chore.printer), wishes);
  return [...printers.map((printer) => ofPrinter(printer, wishes)), ...jobs.map(ofJob), ...chores.map(ofChore), ...jobs.flatMap(ofFailures)]
    .filter(Boolean)
    .sort(
      (a, b) =>
        (b.kind === "emergency") - (a.kind === "emergency") ||
        b.weight - a.weight ||
        KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
        (a.since ?? "").localeCompare(b.since ?? ""),
    )
    .map(({ kind, id, waiting }) => ({ kind, id, waiting }));
}

/** Whether a job's wishes allow this printer. */
export function mayRunOn({ pin, required_printers: wished, required_tags: tags }, printer) {
  const ids = pin ? [pin.printer] : wished;
  return (ids.length === 0 || ids.includes(printer.id)) && tags.every((tag) => printer.tags.includes(tag));
}

const UNDER_WAY = new Set(["reserved", "uploading", "starting", "printing", "paused"]);

export const isUnderWay = (attempt) => UNDER_WAY.has(attempt.state);

const MAY_BEGIN = new Set(["queued", "scheduled", "active"]);

/** Copies of a job that no printer has begun, and may begin. Spoiled parts make more of them. */
export function copiesToBegin(job) {
  if (!MAY_BEGIN.has(job.state) || waitsForItsTime(job)) return 0;
  return Math.ceil(job.parts.remaining / job.yield);
}

/** When it may be begun at the earliest, as ISO text; "" for at once. */
export const notBefore = ({ release_at: at, pin }) => [at ?? "", pin?.start ?? ""].sort()[1];

export const waitsForItsTime = (job) => notBefore(job) !== "" && Date.parse(notBefore(job)) > Date.now();

/** What waits to be begun, jobs with the same wishes together: {job, left, takers}, one of the jobs for all. */
function wishesOf(jobs, usable) {
  const found = new Map();
  for (const job of jobs) {
    const left = copiesToBegin(job);
    if (left === 0) continue;
    const key = JSON.stringify([job.pin?.printer, job.required_printers, job.required_tags]);
    const wish = found.get(key) ?? { job, left: 0, takers: usable.filter((printer) => mayRunOn(job, printer)).length };
    found.set(key, { ...wish, left: wish.left + left });
  }
  return [...found.values()];
}

const isUsable = (printer) => printer.status.connection === "online" && [null, "trouble"].includes(kindOf(printer));

/** What is wrong with a printer and more than a note, the worst first. */
export const troubles = ({ anomalies = [] }) => anomalies.filter(({ severity }) => severity !== "note");

/** What a printer needs of a person; null for nothing. */
function kindOf({ status, enabled }) {
  if (status.operation === "emergency") return "emergency";
  if (!enabled || status.connection === "disabled" || status.connection === "connecting") return null;
  if (status.connection !== "online") return "offline";
  if (status.operation === "attention") return "attention";
  if (status.operation === "paused") return "paused";
  const atRest = ["idle", "finished", "failed"].includes(status.operation);
  if (status.ejector?.state) return null; // it clears its plate itself
  if (atRest && !status.print && status.plate !== "clear") return "plate";
  return troubles(status).length > 0 ? "trouble" : null;
}

function ofPrinter(printer, wishes) {
  const kind = kindOf(printer);
  if (!kind) return null;
  const held = printer.status.print ? 1 : 0; // a print stands still with its printer
  return { kind, id: printer.id, since: printer.status.since, ...heldUp(printer, wishes, held) };
}

/** Prints that failed after they had begun, and nobody has said why: it holds up nothing, and is soon forgotten. */
function ofFailures({ id, prints }) {
  return prints
    .filter(({ state, cause, started_at: at }) => ["failed", "interrupted"].includes(state) && at && !cause)
    .map((print) => ({ kind: "why", id: `${id}/${print.id}`, since: print.ended_at, waiting: 0, weight: 0 }));
}

/** A chore holds up only what its printer may not begin before it is done. */
function ofDue({ id, printer: at, blocks }, printer, wishes) {
  if (!printer) return null;
  return { kind: "chore", id: `${at}/${id}`, ...(blocks ? heldUp(printer, wishes) : { waiting: 0, weight: 0 }) };
}

/** What could be begun on a printer. A print that could as well run elsewhere is held up less. */
function heldUp(printer, wishes, held = 0) {
  const wanted = wishes.filter(({ job }) => mayRunOn(job, printer));
  return {
    waiting: wanted.reduce((sum, { left }) => sum + left, 0),
    weight: wanted.reduce((sum, { left, takers }) => sum + left / (1 + takers), held),
  };
}

function ofJob({ id, state, approval, copies, done, created_at: since }) {
  if (!approval && state !== "needs_review" && state !== "quarantined") return null;
  const waiting = Math.max(1, copies - done);
  return { kind: "job", id, since, waiting, weight: waiting };
}
