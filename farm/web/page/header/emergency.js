// Emergency stop, of one printer and of all: asked once, then out at once.
import { signal } from "../vendor/preact-signals.js";
import { post } from "../core/api.js";
import { printerIds, printerOf } from "../core/store.js";
import { stops } from "../core/words.js";
import { confirm } from "../parts/dialog.js";
import { say } from "../parts/toast.js";

const FEW = 3; // printers that are named rather than counted

/** What a stop left undone, in words, until somebody closes it. */
export const stopFailures = signal([]);

export async function askToStopAll() {
  const number = printerIds.value.length;
  const limited = printerIds.value.filter((id) => !stops(printerOf(id).peek()));
  const sure = await confirm({
    title: "Emergency stop for the whole farm?",
    text: `${number === 1 ? "The printer stops" : `All ${number} printers stop`} now, with heaters off. Prints are lost.
      ${limited.length > 0 ? `But ${few(limited)} can only cancel: switch off at the plug.` : ""}`,
    yes: "Stop all printers",
    no: "Keep going",
    firm: true,
  });
  if (sure) await stop(null, "the farm");
}

export async function askToStop(printer) {
  const { id, name } = printer;
  const sure = await confirm({
    title: `Emergency stop for ${name}?`,
    text: stops(printer)
      ? "It stops now, with heaters off. A print on it is lost."
      : "Its print is cancelled, which is all that it can be told. Heaters may stay on: switch it off at the plug.",
    yes: stops(printer) ? `Stop ${name}` : `Cancel on ${name}`,
    no: "Keep going",
    firm: true,
  });
  if (sure) await stop([id], name);
}

async function stop(ids, whom) {
  try {
    const { reached, unreached, by_hand: limited = [] } = await post("/v1/emergency-stop", { printers: ids });
    const stopped = reached.filter((id) => !limited.includes(id));
    if (stopped.length > 0) say(`Stopped: ${few(stopped)}.`);
    if (limited.length > 0) fail(`Only cancelled: ${namesOf(limited)}. Heaters may stay on: switch off at the plug.`);
    if (unreached.length > 0) fail(`NOT stopped: ${namesOf(unreached)}. Switch off by hand.`);
  } catch (problem) {
    fail(`The emergency stop for ${whom} did not get through. ${problem.message} Switch off by hand.`);
  }
}

const few = (ids) => (ids.length > FEW ? `${ids.length} printers` : namesOf(ids));

const namesOf = (ids) => ids.map((id) => printerOf(id)?.peek().name ?? id).join(", ");

function fail(text) {
  stopFailures.value = [...stopFailures.value, { text, at: new Date() }];
}
