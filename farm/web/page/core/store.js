// What the page knows of the farm, as the live socket tells it. Components read these signals and nothing else.
import { batch, signal } from "../vendor/preact-signals.js";
import { get } from "./api.js";
import { Gathering } from "./gathering.js";
import { listen } from "./live.js";
import { leave, recognise } from "./session.js";

const ROOMS = ["printers", "queue", "files"];
const OVERVIEW_EVERY_MS = 200;
const MANY = 8; // changed jobs from which on one fresh snapshot is less work than asking for each

/** The line to the farm. since: when it was lost, null while it is there. fresh: whether a picture has come yet. */
export const line = signal({ open: false, fresh: false, since: null });

/** Ids of the printers, by name. Each printer is a signal of its own, so that one tile moves and no other. */
export const printerIds = signal([]);
const printerSignals = new Map();
export const printerOf = (id) => printerSignals.get(id);

/** All of them at once, for what looks at the whole farm; a moment late, for two hundred printers tell a lot. */
export const printers = signal([]);

/** Open jobs, newest files and what lies on plates: by id, and by printer. */
export const jobs = signal(new Map());
export const files = signal(new Map());
export const plates = signal(new Map());

/** What is due on printers by the hours they have printed. */
export const chores = signal([]);

/** Counts when there may be another plan than before. The plan itself is fetched by who shows it. */
export const planNews = signal(0);

/** What is understood of the printers that somebody looks at, by their ids: see `lookAt`. */
export const understood = signal(new Map());

/** Called with every end of a command: {command_id, printer, command, ok, problem}. */
export const commandEnds = new Set();

const names = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
let live;

export function start() {
  live = listen(ROOMS, { snapshot: takeSnapshot, event: takeEvent, up, down, turnedAway });
}

/** Hear what a printer's measurements mean, until what is returned is called. */
export function lookAt(id) {
  const room = `printer:${id}`;
  live.enter(room);
  return () => {
    live.leave(room);
    understood.value = new Map([...understood.peek()].filter(([printer]) => printer !== id));
  };
}

function up() {
  line.value = { open: true, fresh: true, since: null };
}

function down() {
  const { fresh, since } = line.value;
  line.value = { open: false, fresh, since: since ?? new Date() };
}

async function turnedAway() {
  await recognise().catch(leave); // it leads to the login by itself where that is over
}

// -- pictures --------------------------------------------------------------------------------------

function takeSnapshot(room, data) {
  batch(() => {
    if (room === "printers") {
      keepPrinters(data.items);
      changedPlates.add("all");
      changedChores.add("all");
    }
    if (room === "queue") {
      jobs.value = byId(data.items);
      planNews.value++; // it was asked for because there is another one, or the line was away
    }
    if (room === "files") files.value = byId(data.items);
    if (room.startsWith("printer:")) setPrinter(data);
  });
}

const byId = (items) => new Map(items.map((item) => [item.id, item]));

function keepPrinters(items) {
  const there = new Set(items.map(({ id }) => id));
  for (const id of printerSignals.keys()) if (!there.has(id)) printerSignals.delete(id);
  for (const printer of items) setPrinter(printer);
  sortPrinters();
  lookOver();
}

function setPrinter(printer) {
  const known = printerSignals.get(printer.id);
  if (known) known.value = printer;
  else printerSignals.set(printer.id, signal(printer));
  lookOverSoon();
}

let overview = 0;

function lookOverSoon() {
  overview ||= setTimeout(lookOver, OVERVIEW_EVERY_MS);
}

function lookOver() {
  clearTimeout(overview);
  overview = 0;
  printers.value = printerIds.peek().map((id) => printerSignals.get(id).peek());
}

function sortPrinters() {
  const name = (id) => printerSignals.get(id).peek().name;
  printerIds.value = [...printerSignals.keys()].sort((a, b) => names.compare(name(a), name(b)) || (a < b ? -1 : 1));
  lookOverSoon();
}

// -- what happens ----------------------------------------------------------------------------------

function takeEvent({ type, data }) {
  if (type === "printer.statusUpdate") {
    const before = printerSignals.get(data.id)?.peek().name;
    setPrinter(data);
    if (before !== data.name) sortPrinters();
  } else if (type === "data.update") {
    understood.value = new Map(understood.peek()).set(data.printer, data.metrics);
  } else if (type === "printer.gone") {
    if (printerSignals.delete(data.id)) sortPrinters();
  } else if (type === "printer.commandFinished") {
    for (const heard of commandEnds) heard(data);
  } else if (type === "plate.changed") {
    showPlate(data.printer, data.to);
  } else if (type.startsWith("maintenance.")) {
    changedChores.add(data.printer);
  } else if (type === "schedule.adopted") {
    changedPlan.add("plan");
  } else if (type === "file.progress") {
    showReading(data);
  } else if (type.startsWith("file.")) {
    changedFiles.add(data.file);
  } else if (type.startsWith("job.") || type.startsWith("print.")) {
    changedJobs.add(data.job);
    if (type.startsWith("print.")) changedPlates.add(data.printer); // its end leaves something there
  }
}

/** A file is being read: how far is a state of the moment, and no reason to ask for the file. */
function showReading({ file: id, share }) {
  const known = files.value.get(id);
  if (!known) return;
  const analysis = { ...known.analysis, state: "processing", share };
  files.value = new Map(files.value).set(id, { ...known, analysis });
}

/** The plate is told as a fact a moment before the printer shows it. */
function showPlate(id, plate) {
  const known = printerSignals.get(id)?.peek();
  if (known) setPrinter({ ...known, status: { ...known.status, plate } });
  changedPlates.add(id);
}

// Facts say what changed, not how it looks now.
const changedJobs = new Gathering(lookAtJobs);
const changedFiles = new Gathering(lookAtFiles);
const changedPlates = new Gathering(lookAtPlates);
const changedChores = new Gathering(lookAtChores);
const changedPlan = new Gathering(() => live.freshen("queue")); // which jobs have a place, and when

async function lookAtJobs(ids) {
  if (ids.length > MANY) return live.freshen("queue");
  const found = await Promise.all(ids.map((id) => get(`/v1/jobs/${encodeURIComponent(id)}`).catch(() => null)));
  const next = new Map(jobs.peek());
  found.forEach((job, index) => {
    if (job && !["done", "cancelled"].includes(job.state)) next.set(job.id, job);
    else if (job) next.delete(ids[index]);
  });
  jobs.value = next;
}

async function lookAtFiles(ids) {
  const found = await Promise.all(ids.map((id) => get(`/v1/files/${encodeURIComponent(id)}`).catch(() => null)));
  const others = [...files.peek().values()].filter(({ id }) => !ids.includes(id)); // one that is not found is gone
  files.value = byId([...found.filter(Boolean), ...others]);
}

async function lookAtChores() {
  const found = await get("/v1/maintenance").catch(() => null);
  if (found) chores.value = found.items.filter(({ state }) => state !== "ok");
}

async function lookAtPlates() {
  const found = await get("/v1/plates").catch(() => null);
  if (found) plates.value = new Map(found.items.map((item) => [item.printer, item.print]));
}
