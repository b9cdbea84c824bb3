// Times as people say them: in the browser's own zone, which the page names once.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

const DAY_MS = 24 * 3600 * 1000;

/** The zone all times are shown in: "Europe/Berlin (GMT+1)". */
export function zone() {
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  const parts = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts(new Date());
  const short = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  return name && name !== short ? `${name} (${short})` : short;
}

/** Whether a clock in that zone shows what this device's shows now. */
export function isOurClock(timeZone) {
  const shows = (more) => new Intl.DateTimeFormat("en", { dateStyle: "short", timeStyle: "short", ...more }).format();
  return shows({ timeZone }) === shows({});
}

/** A moment as short as it is clear: "16:41" today, "Tue 09:12" this week, "3 Mar, 09:12" else. */
export function moment(at, now = new Date()) {
  const then = new Date(at);
  if (then.toDateString() === now.toDateString()) return clock.format(then);
  return (Math.abs(then - now) < 6 * DAY_MS ? weekday : date).format(then);
}

/** The same with nothing left out, for whoever points at it. */
export const inFull = (at) => full.format(new Date(at));

/** The time of day alone. */
export const timeOfDay = (at) => clock.format(new Date(at));

/** A length of time: "45 s", "33 min", "4 h 05 min", "2 d 3 h". */
export function duration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
