// Saying that plates are clear, and taking it back while there is time: nothing starts before that.
import { post } from "../core/api.js";
import { UNDO_S } from "../core/farm.js";
import { printerOf } from "../core/store.js";
import { count } from "../core/words.js";
import { say, sayProblem } from "../parts/toast.js";

/** One plate. good: parts that came off well; left out, the farm counts the job's yield. */
export async function clearPlate(printer, good) {
  const path = `/v1/printers/${encodeURIComponent(printer.id)}/commands`;
  try {
    await post(path, { command: "plate_cleared", ...(good === undefined ? {} : { good }) });
  } catch (problem) {
    return sayProblem(problem);
  }
  const counted = good === undefined ? "" : `, ${count(good, "good part")}`;
  return offerUndo(`${printer.name}: plate cleared${counted}`, () => post(path, { command: "plate_undo" }));
}

/** Many plates, each with its job's yield; one way back for all of them. */
export async function clearPlates(ids) {
  let results;
  try {
    ({ results } = await post("/v1/plates/clear", { printers: ids }));
  } catch (problem) {
    return sayProblem(problem);
  }
  const cleared = results.filter(({ problem }) => !problem).map(({ printer }) => printer);
  for (const { printer, problem } of results) if (problem) say(`${nameOf(printer)}: ${problem}`, { wrong: true });
  if (cleared.length === 0) return undefined;
  return offerUndo(`${count(cleared.length, "plate")} cleared`, () => undoPlates(cleared));
}

async function undoPlates(printers) {
  const { results } = await post("/v1/plates/undo", { printers });
  for (const { printer, problem } of results) if (problem) say(`${nameOf(printer)}: ${problem}`, { wrong: true });
}

function offerUndo(text, undo) {
  const run = () => undo().then(() => say("Taken back: nothing starts there."), sayProblem);
  say(text, { action: { label: "Undo", icon: "undo", run }, seconds: UNDO_S });
}

const nameOf = (id) => printerOf(id)?.peek().name ?? id;
