// What can be said of a file before a byte of it is sent.
import { ENDINGS, MAX_UPLOAD } from "../core/farm.js";

/** Why the farm would not take this file, in a sentence; "" when it may. */
export function whyNotSent({ name, size: bytes }) {
  if (!ENDINGS.some((ending) => name.toLowerCase().endsWith(ending))) return `The farm prints ${ENDINGS.join(", ")}. Slice this file first.`;
  if (bytes === 0) return "This file is empty. Slice it again.";
  if (bytes > MAX_UPLOAD) return `The farm takes files up to ${size(MAX_UPLOAD)}.`;
  return "";
}

const MODELS = /(?<!\.gcode)\.(stl|obj|3mf)$/i;

/** Whether a file is a model, which nothing prints before it is sliced. */
export const isModel = ({ name }) => MODELS.test(name);

const UNITS = ["B", "kB", "MB", "GB"];

/** A number of bytes as people say it: "6.8 MB". */
export function size(bytes) {
  let unit = 0;
  while (bytes >= 1000 && unit < UNITS.length - 1) {
    bytes /= 1000;
    unit++;
  }
  return `${bytes < 10 && unit > 0 ? bytes.toFixed(1) : Math.round(bytes)} ${UNITS[unit]}`;
}
