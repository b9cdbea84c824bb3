// What the shop allows and minds, between how the farm says it and how a form has it. Plain functions.

export const DAYS = { mon: "Mon", tue: "Tue", wed: "Wed", thu: "Thu", fri: "Fri", sat: "Sat", sun: "Sun" };
export const NEW_SHIFT = { days: ["mon", "tue", "wed", "thu", "fri"], start: "08:00", end: "18:00" };

const HOUR_S = 3600;
const two = (number) => String(number).padStart(2, "0");

/** A moment as an input of this device's clock has it: "2026-03-05T09:00". */
export function toField(moment) {
  const at = new Date(moment);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

const toMoment = (field) => (field ? new Date(field).toISOString() : "");

/** The form for these constraints. */
export const formOf = (told) => ({
  hours: told.working_hours,
  timezone: told.timezone,
  closed: told.closed_dates.join(", "),
  operators: told.operators ?? "",
  longest_h: told.max_print_time_s === null ? "" : told.max_print_time_s / HOUR_S,
  power_kw: told.power_limit_kw ?? "",
  circuits: Object.entries(told.circuits).map(([name, kw]) => `${name}: ${kw}`).join(", "),
  windows: told.maintenance_windows.map(({ start, end, affected_printers: those }) => ({
    start: toField(start),
    end: toField(end),
    those,
  })),
});

/** The constraints that the form says; what it does not ask for stays as it was `told`. */
export const constraintsOf = (form, told) => ({
  ...told,
  working_hours: form.hours,
  timezone: form.timezone.trim(),
  closed_dates: listed(form.closed),
  operators: numberOrNull(form.operators),
  max_print_time_s: form.longest_h === "" ? null : Math.round(form.longest_h * HOUR_S),
  power_limit_kw: numberOrNull(form.power_kw),
  circuits: Object.fromEntries(listed(form.circuits).map(circuit)),
  maintenance_windows: form.windows.map(({ start, end, those }) => ({
    start: toMoment(start),
    end: toMoment(end),
    affected_printers: those,
  })),
});

const listed = (text) => text.split(",").map((part) => part.trim()).filter(Boolean);
const numberOrNull = (field) => (field === "" ? null : Number(field));

/** "a: 1.9" as ["a", 1.9]; what is no number goes to the farm as it is, which says so by name. */
function circuit(text) {
  const at = text.lastIndexOf(":");
  const [name, kw] = at < 0 ? [text, ""] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  return [name, kw !== "" && Number.isFinite(Number(kw)) ? Number(kw) : kw];
}

/** What of the settings is different: null for nothing. weights: as the form has them. */
export function settingsChanged(told, preset, weights) {
  const others = Object.entries(weights).filter(([name, value]) => Number(value) !== told.weights[name]);
  const changes = {
    ...(preset !== told.preset && { preset }),
    ...(others.length > 0 && { weights: Object.fromEntries(others.map(([name, value]) => [name, Number(value)])) }),
  };
  return Object.keys(changes).length > 0 ? changes : null;
}

/** Whether two things that are told as JSON say the same. */
export const saysTheSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

const UNITS = {
  s: (seconds) => {
    const minutes = Math.round(seconds / 60);
    const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
    return hours > 0 ? `${hours} h ${two(rest)} min` : `${rest} min`;
  },
  W: (watts) => (watts >= 1000 ? `${Number((watts / 1000).toPrecision(3))} kW` : `${Math.round(watts)} W`),
  "": (number) => String(number),
};

/** A figure of an effect as people read it. */
export const inWords = (unit, value) => UNITS[unit](value);
