// One thing that needs a person: what it is about, what happened, and the button that settles it.
import { useState } from "../vendor/preact-hooks.js";
import { patch } from "../core/api.js";
import { html } from "../core/html.js";
import { mayOperate } from "../core/session.js";
import { chores, jobs, plates, printerOf } from "../core/store.js";
import { CAUSES, count, jobStanding, sentence, standing, stops } from "../core/words.js";
import { State } from "../parts/icon.js";
import { Moment } from "../parts/moment.js";
import { Stepper } from "../parts/stepper.js";
import { say, sayProblem } from "../parts/toast.js";
import { command } from "../printers/commands.js";
import { DoneButton, whatOf } from "../printers/chores.js";
import { askToCancel } from "../printers/controls.js";
import { WhatLies } from "../printers/plate.js";
import { openPrinter } from "../printers/sheet.js";
import { changeJob, lastReason } from "../queue/changes.js";
import { troubles } from "./needs.js";
import { clearPlate } from "./plates.js";

const ROWS = { job: JobRow, chore: ChoreRow, why: WhyRow };

export const NeedRow = ({ need }) => html`<${ROWS[need.kind] ?? PrinterRow} ...${need} />`;

function PrinterRow({ kind, id, waiting }) {
  const printer = printerOf(id)?.value;
  return printer && html`
    <li class=${`need tone-${standing(printer).tone}`}>
      <div class="head">
        <${State} ...${standing(printer)} />
        <h3><button type="button" class="name" onClick=${() => openPrinter(printer.id)}>${printer.name}</button></h3>
      </div>
      <div class="body">
        <p>
          ${PRINTER_WORDS[kind](printer)}
          ${waiting > 0 && html` <span class="waiting">${count(waiting, "print")} could start here.</span>`}
        </p>
        ${mayOperate.value && html`<div class="actions"><${PRINTER_ACTIONS[kind]} printer=${printer} /></div>`}
      </div>
    </li>`;
}

const since = (at) => at && html` since <${Moment} at=${at} />`;

const wrong = (status) => troubles(status).map((each) => sentence(each.sentence)).join(" ");

/** Why the farm may have paused it: once its heaters are off, what was wrong is over, and still to be seen to. */
const why = (status) => wrong(status) || sentence(status.doubt);

const PRINTER_WORDS = {
  emergency: (printer) => stops(printer)
    ? "It was stopped. Look at it before anything moves again."
    : "Its print was cancelled; it can be told no more. Heaters may stay on: switch it off at the plug, and look at it.",
  attention: ({ status }) => sentence(status.message) || "Look at it.",
  offline: ({ status }) => html`Not reached${since(status.since)}. ${sentence(status.message)}`,
  paused: ({ status, status: { print, since: at } }) => html`
    ${print?.name ?? "A print"} is paused${since(at)}, and the heaters may be on. ${why(status)}`,
  trouble: ({ status }) => wrong(status),
  plate: (printer) => html`<${WhatLies} printer=${printer} />`,
};

const PRINTER_ACTIONS = {
  emergency: ({ printer }) => html`
    <button type="button" onClick=${() => command(printer, "clear_emergency")}>Clear emergency</button>`,
  attention: ({ printer }) => html`
    <button type="button" onClick=${() => command(printer, "clear_attention")}>Seen to it</button>`,
  offline: ({ printer }) => html`
    <button type="button" onClick=${() => openPrinter(printer.id)}>Details</button>`,
  paused: ({ printer }) => html`
    <button type="button" onClick=${() => askToCancel(printer)}>Cancel</button>
    <button type="button" class="primary" onClick=${() => command(printer, "resume")}>Resume</button>`,
  trouble: ({ printer }) => html`
    <button type="button" onClick=${() => openPrinter(printer.id)}>Details</button>
    ${printer.status.operation === "printing" && html`
      <button type="button" class="primary" onClick=${() => command(printer, "pause")}>Pause</button>`}`,
  plate: PlateAction,
};

/** One tap clears the plate; the number beside it says how many parts were good. */
function PlateAction({ printer }) {
  const print = plates.value.get(printer.id);
  const expected = print?.state === "finished" ? print.yield : 0;
  const [good, setGood] = useState(null);
  const clear = () => {
    document.getElementById("needs-heading")?.focus(); // this row goes, and the keyboard must not get lost
    clearPlate(printer, print ? (good ?? expected) : undefined);
  };
  return html`
    ${print && html`
      <span class="good"><span aria-hidden="true">Good</span>
        <${Stepper} label=${`Good parts on ${printer.name}`} value=${good ?? expected} most=${9999} onChange=${setGood} />
      </span>`}
    <button type="button" class="primary" onClick=${clear}>
      Plate cleared<span class="unseen"> on ${printer.name}</span>
    </button>`;
}

function ChoreRow({ id, waiting }) {
  const chore = chores.value.find(({ printer, id: own }) => `${printer}/${own}` === id);
  const printer = chore && printerOf(chore.printer)?.value;
  return printer && html`
    <li class="need tone-away">
      <div class="head">
        <${State} word="Maintenance" tone="away" icon="wrench" />
        <h3><button type="button" class="name" onClick=${() => openPrinter(printer.id)}>${printer.name}</button></h3>
      </div>
      <div class="body">
        <p>
          ${whatOf(chore)}
          ${waiting > 0 && html` <span class="waiting">${count(waiting, "print")} may not start before.</span>`}
        </p>
        <div class="actions"><${DoneButton} chore=${chore} name=${printer.name} /></div>
      </div>
    </li>`;
}

function WhyRow({ id }) {
  const [jobId, printId] = id.split("/");
  const job = jobs.value.get(jobId);
  const print = job?.prints.find(({ id: own }) => own === printId);
  const [cause, setCause] = useState("");
  const [note, setNote] = useState("");
  if (!print) return null;
  const where = printerOf(print.printer)?.value.name ?? print.printer;
  const submit = async (event) => {
    event.preventDefault();
    document.getElementById("needs-heading")?.focus(); // this row goes, and the keyboard must not get lost
    try {
      await patch(`/v1/prints/${encodeURIComponent(printId)}`, { cause, ...(note.trim() && { note: note.trim() }) });
      say(`Noted why ${job.name} failed.`);
    } catch (problem) {
      sayProblem(problem);
    }
  };
  return html`
    <li class="need tone-alarm">
      <div class="head"><${State} word="Failed" tone="alarm" icon="warning" /> <h3 class="file">${job.name}</h3></div>
      <div class="body">
        <p>On ${where}, <${Moment} at=${print.ended_at} />. ${sentence(print.reason)}</p>
        ${mayOperate.value && html`
          <form class="actions" onSubmit=${submit}>
            <select required value=${cause} onChange=${({ target }) => setCause(target.value)}
              aria-label=${`Why ${job.name} failed on ${where}`}>
              <option value="">Why did it fail?</option>
              ${Object.entries(CAUSES).map(([each, words]) => html`<option key=${each} value=${each}>${words}</option>`)}
            </select>
            <input value=${note} onInput=${({ target }) => setNote(target.value)} maxlength="2000" placeholder="More"
              aria-label=${`More about why ${job.name} failed`} autocomplete="off" />
            <button>Save</button>
          </form>`}
      </div>
    </li>`;
}

function JobRow({ id, waiting }) {
  const job = jobs.value.get(id);
  if (!job) return null;
  const standing = jobStanding(job);
  return html`
    <li class=${`need tone-${standing.tone}`}>
      <div class="head"><${State} ...${standing} /> <h3 class="file">${job.name}</h3></div>
      <div class="body">
        <p>
          ${sentence(job.approval ? job.approval_why : lastReason(job)) || "Nobody can tell what became of it."}
          <span class="waiting"> ${count(waiting, "copy", "copies")} still to print.</span>
        </p>
        ${mayOperate.value && html`
          <div class="actions">
            <button type="button" onClick=${() => changeJob(job, "cancel")}>Cancel job</button>
            <button type="button" class="primary" onClick=${() => changeJob(job, job.approval ? "approve" : "retry")}>
              ${job.approval ? "Approve" : "Retry"}
            </button>
          </div>`}
      </div>
    </li>`;
}
