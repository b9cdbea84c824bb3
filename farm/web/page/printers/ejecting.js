// A printer that pushes its prints off: how it stands, and what the shop says of it.
import { html } from "../core/html.js";
import { count } from "../core/words.js";
import { confirm } from "../parts/dialog.js";

const PLAIN = { autocomplete: "off", autocapitalize: "none", spellcheck: false };
const STEPS = {
  cooling: "the bed cools, then the print is pushed off",
  uploading: "the print is about to be pushed off",
  starting: "the print is about to be pushed off",
  pushing: "the print is being pushed off",
  paused: "pushing the print off is paused",
};
const WARNING =
  "The toolhead will move across the plate while nobody is there. A print that still sticks can be torn, bend the " +
  "toolhead or knock the plate loose; what does not fall off is printed upon. The farm measures the bed and sees the " +
  "moves end; it does not see the print fall. Keep the motors on at the end of your files, and the firmware’s idle " +
  "time longer than the bed takes to cool: a printer that has lost its place moves wrongly. Switch this on only if you " +
  "have watched it work on this printer: you answer for it.";

/** One sentence about a printer that ejects by itself; "" for others. */
export function ejects({ ejector }) {
  if (!ejector) return "";
  const { done, at_most: most, state, note } = ejector;
  const sentence = note || STEPS[state] || "";
  return `Ejects by itself, ${done} of ${most}${sentence ? `: ${sentence}` : ""}.`;
}

/** What the form holds, of a profile. */
export const ejectingOf = ({ auto_eject: on, ejection }) => ({
  ejects: on,
  sweep: (ejection?.sweep ?? []).join("\n"),
  release: String(ejection?.release_degc ?? 30),
  most: String(ejection?.at_most ?? 5),
  minutes: String(Math.round((ejection?.cool_within_s ?? 3600) / 60)),
  lowest: String(ejection?.min_height_mm ?? ""),
  highest: String(ejection?.max_height_mm ?? ""),
  only: (ejection?.materials ?? []).join(", "),
});

const FIELDS = ["sweep", "release", "most", "minutes", "lowest", "highest", "only"];

/** What of a profile is different; {} for nothing. Whoever sends it has read the warning. */
export function ejectingChanges(before, now) {
  const changed = FIELDS.some((field) => now[field] !== before[field]);
  if (!changed && now.ejects === before.ejects) return {};
  if (!now.sweep.trim()) return { auto_eject: now.ejects, ...(changed && { ejection: null }) };
  const number = (text) => (text.trim() ? Number(text) : null);
  const ejection = {
    sweep: now.sweep.split("\n"),
    release_degc: Number(now.release),
    at_most: Number(now.most),
    cool_within_s: Number(now.minutes) * 60,
    min_height_mm: number(now.lowest),
    max_height_mm: number(now.highest),
    materials: now.only.split(",").map((word) => word.trim()).filter(Boolean),
    confirmed: now.ejects,
  };
  return { auto_eject: now.ejects, ejection };
}

/** Whether somebody who switches it on, or changes what goes on by itself, has read what may happen. */
export async function mayEject(before, now) {
  const { auto_eject: on } = ejectingChanges(before, now);
  if (!on) return true;
  return confirm({ title: "Let it eject by itself?", text: WARNING, yes: "I have watched it, switch it on", no: "Back" });
}

export function Ejecting({ now, set }) {
  const number = (field, label, attributes) => html`
    <label for=${`eject-${field}`}>${label}</label>
    <input id=${`eject-${field}`} type="number" value=${now[field]} onInput=${set(field)} ...${attributes} />`;
  return html`
    <details open=${now.ejects}>
      <summary>Pushing prints off</summary>
      <label for="eject-sweep">Moves that push a print off, one G-code line each</label>
      <textarea id="eject-sweep" rows="5" value=${now.sweep} onInput=${set("sweep")} ...${PLAIN}
        placeholder=${"G1 Z{over} F900\nG1 X110 Y210 F6000\nG1 Z5\nG1 Y0 F1200"} aria-describedby="about-sweep"></textarea>
      <p id="about-sweep" class="hint">The first goes up: G1 Z{over} F900, where {over} is the height that is clear above
        the print. Then plain moves (G0, G1) within the printer, waits (G4, M400), the fan (M106, M107), and G28 X Y.</p>
      ${number("release", "Bed at which prints come loose, °C", { min: 15, max: 80, step: "any" })}
      ${number("minutes", "Minutes it may take to cool", { min: 1, max: 360 })}
      ${number("most", "Prints until somebody looks at the printer", { min: 1, max: 100 })}
      ${number("lowest", "Only prints at least so high, mm", { min: 0, step: "any" })}
      ${number("highest", "Only prints at most so high, mm", { min: 0, step: "any" })}
      <label for="eject-only">Only of these materials</label>
      <input id="eject-only" value=${now.only} onInput=${set("only")} ...${PLAIN} placeholder="any" />
      <label class="check">
        <input type="checkbox" checked=${now.ejects} onChange=${set("ejects")} /> Push prints off without anybody, up to
        ${` ${count(Number(now.most) || 0, "print")} in a row`}
      </label>
    </details>`;
}
