// Why a job does not print yet, in words: in one line as the page sees it, and of each printer as the farm says it.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { get } from "../core/api.js";
import { html } from "../core/html.js";
import { printerOf } from "../core/store.js";
import { moment } from "../core/time.js";
import { count, isBusy, sentence } from "../core/words.js";
import { copiesToBegin, mayRunOn, notBefore, waitsForItsTime } from "../needs/needs.js";
import { Dialog, openDialog } from "../parts/dialog.js";

/** One sentence; "" when there is nothing left to begin. */
export function whyNot(job, printers) {
  if (job.approval) return `Waits for approval: ${job.approval_why}.`;
  if (job.state === "held") return "Held until somebody releases it.";
  if (waitsForItsTime(job)) return `Not before ${moment(notBefore(job))}.`;
  const left = copiesToBegin(job);
  if (left === 0) return "";
  const fitting = printers.filter((printer) => mayRunOn(job, printer));
  if (fitting.length === 0) return "No printer of the farm is one it may run on.";
  return `${job.state === "active" ? `${left} more waiting` : "Waiting"}: ${inEachWay(fitting)}.`;
}

const STOPPED = ["emergency", "attention", "maintenance"];

/** Which of WAYS a printer stands in. */
function wayOf(printer) {
  const { connection, operation, plate, print } = printer.status;
  if (!printer.enabled || connection !== "online") return "away";
  if (STOPPED.includes(operation)) return "stopped";
  if (isBusy(printer) || print) return "busy";
  return plate === "clear" ? "free" : "fouled";
}

const WAYS = {
  free: (number) => `${count(number, "printer")} about to take it`,
  fouled: (number) => `${count(number, "plate")} to clear`,
  busy: (number) => `${count(number, "printer")} busy`,
  stopped: (number) => `${count(number, "printer")} not ready`,
  away: (number) => `${count(number, "printer")} offline`,
};

function inEachWay(printers) {
  return Object.entries(WAYS)
    .map(([way, words]) => [printers.filter((printer) => wayOf(printer) === way).length, words])
    .filter(([number]) => number > 0)
    .map(([number, words]) => words(number))
    .join(", ");
}

/** What keeps each single printer from beginning it now, and when and where the plan has it. */
export const openWhy = (job) => openDialog((close) => html`<${Why} job=${job} close=${close} />`);

function Why({ job, close }) {
  const [reasons, setReasons] = useState(null);
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    get(`/v1/jobs/${encodeURIComponent(job.id)}`).then(
      ({ why_not: found }) => setReasons(found ?? []),
      (problem) => setWrong(problem.message),
    );
  }, []);
  return html`
    <${Dialog} title=${`Why does ${job.name} wait?`} close=${close}>
      <div role="status">
        ${wrong && html`<p class="answer wrong">${wrong}</p>`}
        ${!wrong && !reasons && html`<p>One moment …</p>`}
        ${reasons?.length === 0 && html`<p>It waits for nothing.</p>`}
      </div>
      <dl class="facts reasons">
        ${reasons?.map(({ printer, reason }) => html`
          <div key=${printer}><dt>${whose(printer)}</dt><dd>${sentence(reason)}</dd></div>`)}
      </dl>
      <${InThePlan} job=${job} />
    <//>`;
}

const THINK_WITHIN_MS = 40_000; // the farm tries what would be if it were elsewhere; it gives up after 30 s

function InThePlan({ job }) {
  const [said, setSaid] = useState(null);
  useEffect(() => {
    get(`/v1/jobs/${encodeURIComponent(job.id)}/explanation`, THINK_WITHIN_MS).then(
      ({ sentences }) => setSaid(sentences),
      (problem) => setSaid([problem.message]),
    );
  }, []);
  return html`
    <div role="status">
      <h3>In the plan</h3>
      ${said ? said.map((text, number) => html`<p key=${number}>${sentence(text)}</p>`) : html`<p>The farm looks into it …</p>`}
    </div>`;
}

const whose = (printer) => (printer ? (printerOf(printer)?.peek().name ?? printer) : "The job");
