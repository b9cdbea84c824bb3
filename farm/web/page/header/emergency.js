// Emergency stop, of one printer and of all: asked once, then out at once.
import { signal } from "../vendor/preact-signals.js";
import { post } from "../core/api.js";
import { printerIds, printerOf } from "../core/store.js";
import { confirm } from "../parts/dialog.js";
import { say } from "../parts/toast.js";

const FEW = 3; // printers that are named rather than counted

/** What a stop left undone, in words, until somebody closes it. */
export const stopFailures = signal([]);

export async function askToStopAll() {
  const number = printerIds.value.length;
  const sure = await confirm({
    title: "Emergency stop for the whole farm?",
    text: `${number === 1 ? "The printer stops" : `All ${number} printers stop`} now, with heaters off. Prints are lost.`,
    yes: "Stop all printers",
    no: "Keep going",
    firm: true,
  });
  if (sure) await stop(null, "the farm");
}

export async function askToStop({ id, name }) {
  const sure = await confirm({
    title: `Emergency stop for ${name}?`,
    text: "It stops now, with heaters off. A print on it is lost.",
    yes: `Stop ${name}`,
    no: "Keep going",
    firm: true,
  });
  if (sure) await stop([id], name);
}

async function stop(ids, whom) {
  try {
    const { reached, unreached } = await post("/v1/emergency-stop", { printers: ids });
    if (reached.length > 0) say(`Stopped: ${reached.length > FEW ? `${reached.length} printers` : namesOf(reached)}.`);
    if (unreached.length > 0) fail(`NOT stopped: ${namesOf(unreached)}. Switch off by hand.`);
  } catch (problem) {
    fail(`The emergency stop for ${whom} did not get through. ${problem.message} Switch off by hand.`);
  }
}

const namesOf = (ids) => ids.map((id) => printerOf(id)?.peek().name ?? id).join(", ");

function fail(text) {
  stopFailures.value = [...stopFailures.value, { text, at: new Date() }];
}
