// Approving, holding, releasing, cancelling and retrying jobs.
import { patch, post } from "../core/api.js";
import { jobs } from "../core/store.js";
import { count } from "../core/words.js";
import { isUnderWay } from "../needs/needs.js";
import { confirm } from "../parts/dialog.js";
import { say, sayProblem } from "../parts/toast.js";

const DONE = { approve: "approved", hold: "held", release: "released", cancel: "cancelled", retry: "back in the queue" };

/** change: "approve", "hold", "release", "cancel" or "retry". */
export async function changeJob(job, change) {
  if (change === "cancel" && !(await sureToCancel(job))) return;
  try {
    await post(`/v1/jobs/${encodeURIComponent(job.id)}/${change}`);
    say(`${job.name}: ${DONE[change]}.`);
  } catch (problem) {
    sayProblem(problem);
  }
}

/** Let it go before all others that wait. */
export async function goFirst(job) {
  const others = [...jobs.peek().values()].filter(({ id }) => id !== job.id);
  const priority = Math.max(job.priority, ...others.map((other) => other.priority + 1));
  try {
    await patch(`/v1/jobs/${encodeURIComponent(job.id)}`, { priority });
    say(`${job.name} goes first.`);
  } catch (problem) {
    sayProblem(problem);
  }
}

function sureToCancel(job) {
  const running = job.prints.filter(isUnderWay).length;
  const rest = running > 0 ? ` ${count(running, "print")} of it under way will go on to the end.` : "";
  return confirm({
    title: `Cancel the job ${job.name}?`,
    text: `No further copy of it begins.${rest}`,
    yes: "Cancel the job",
    no: "Keep it",
  });
}

/** What the last attempt that went wrong was said to have died of; "" where none did. */
export const lastReason = ({ prints }) =>
  prints.findLast(({ reason, state }) => reason && state !== "finished")?.reason ?? "";
