// A computed value that only counts as new when it says something new: printers tell their readings all the time.
import { computed } from "../vendor/preact-signals.js";

/** compute: returns something that can be written as JSON. */
export function same(compute) {
  let text = "";
  let value;
  return computed(() => {
    const next = compute();
    const written = JSON.stringify(next);
    if (written !== text) [text, value] = [written, next];
    return value;
  });
}
