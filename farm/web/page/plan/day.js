// The next day of the plan, printer by printer. Plain functions of what the farm says, without the page.
import { moment } from "../core/time.js";

const HOUR_MS = 3600_000;
export const HOURS = 24; // shown
const LABEL_EVERY_H = 3;

/** From the last full hour: {from, to}, in milliseconds. */
export function spanAt(now) {
  const from = new Date(now).setMinutes(0, 0, 0);
  return { from, to: from + HOURS * HOUR_MS };
}

/** Where something lies in the span, in percent of it: {left, width}; null for outside. */
export function place({ from, to }, start, end) {
  const [first, last] = [Math.max(from, start), Math.min(to, end)];
  if (last < first || start >= to || end < from) return null;
  return { left: (100 * (first - from)) / (to - from), width: (100 * (last - first)) / (to - from) };
}

/** The moments that are written above, at full hours of this device's clock, in milliseconds. */
export function ticks({ from, to }) {
  const all = Array.from({ length: Math.round((to - from) / HOUR_MS) }, (_, number) => new Date(from + number * HOUR_MS));
  return all.filter((at) => at.getHours() % LABEL_EVERY_H === 0).map(Number);
}

/**
 * What each printer prints in the span, for those that print anything in it: {id, name, bars}.
 *
 * A bar is {key, kind, text, label, start, end}; kind is "running", "planned", "late" (its end is after the job's due
 * date) or "hands" for somebody's work at the printer. printers: as `atWork` has them, in their order. jobs: those that
 * are open, by id.
 */
export function lanes(plan, printers, jobs, now) {
  const span = spanAt(now);
  const ahead = toCome(plan, jobs);
  return printers
    .map(({ id, name, print }) => {
      const planned = (ahead.get(id) ?? []).flatMap((one) => barsOf(one, name, jobs, now));
      const bars = print ? [running(name, print, now), ...planned] : planned;
      return { id, name, bars: bars.filter(({ start, end }) => place(span, start, end)) };
    })
    .filter(({ bars }) => bars.length > 0);
}

/** A printer as far as it matters here, by the minute: its readings come all the time. */
export function atWork({ id, name, status: { print } }, now) {
  if (!print?.ends_at) return { id, name, print: null };
  const start = toMinute(now - 1000 * (print.elapsed_s ?? 0));
  return { id, name, print: { id: print.id, name: print.name, start, end: toMinute(Date.parse(print.ends_at)) } };
}

const toMinute = (ms) => Math.round(ms / 60_000) * 60_000;

/** Placements that nobody has begun, by printer: a print that was begun after the plan was made is one of them. */
function toCome({ placements, made_at: made }, jobs) {
  const begun = new Map();
  for (const { id, prints } of jobs.values()) {
    for (const { printer, reserved_at: at } of prints) {
      if (Date.parse(at) > Date.parse(made)) begun.set(`${id} ${printer}`, (begun.get(`${id} ${printer}`) ?? 0) + 1);
    }
  }
  const ahead = new Map();
  for (const one of [...placements].sort((a, b) => a.start.localeCompare(b.start))) {
    const key = `${one.job} ${one.printer}`;
    const left = begun.get(key) ?? 0;
    begun.set(key, left - 1);
    if (jobs.has(one.job) && left <= 0) ahead.set(one.printer, [...(ahead.get(one.printer) ?? []), one]);
  }
  return ahead;
}

function running(printer, { id, name, start, end }, now) {
  const label = `${name} on ${printer}, printing until ${moment(end, new Date(now))}`;
  return { key: id, kind: "running", text: name, label, start, end };
}

function barsOf(placement, printer, jobs, now) {
  const { job: id, copy, start, end, early, late: latest, hand_work_start: handsFrom, hand_work_end: handsTo } = placement;
  const { name, due_at: due } = jobs.get(id);
  const at = (time) => moment(time, new Date(now));
  const late = due && Date.parse(end) > Date.parse(due);
  const key = `${id} ${copy}`;
  const sure = early && latest ? ` (${at(early)} to ${at(latest)} nine times of ten)` : "";
  const label = `${name} on ${printer}, ${at(start)} to ${at(end)}${sure}${late ? `, late: due ${at(due)}` : ""}`;
  const print = { key, kind: late ? "late" : "planned", text: name, label, start: Date.parse(start), end: Date.parse(end) };
  if (handsFrom === handsTo) return [print];
  const hands = `Somebody's work at ${printer} for ${name}, ${at(handsFrom)} to ${at(handsTo)}`;
  const work = { key: `${key} hands`, kind: "hands", text: "", label: hands };
  return [{ ...work, start: Date.parse(handsFrom), end: Date.parse(handsTo) }, print];
}

/** Why copies of a job are not in the plan, a sentence for each reason, whatever number of printers it is about. */
export function whyLeftOut(reasons, nameOf) {
  const where = new Map();
  for (const { printer, constraint, needed, have } of reasons) {
    const what = `${constraint.replaceAll("_", " ")} (needed: ${needed}; there: ${have}).`;
    where.set(what, [...(where.get(what) ?? []), ...(printer ? [nameOf(printer)] : [])]);
  }
  return [...where].map(([what, names]) => (names.length > 0 ? `On ${some(names)}: ${what}` : `${what[0].toUpperCase()}${what.slice(1)}`));
}

const MOST_NAMED = 5;

const some = (names) =>
  names.length <= MOST_NAMED ? names.join(", ") : `${names.slice(0, MOST_NAMED).join(", ")} and ${names.length - MOST_NAMED} more`;
