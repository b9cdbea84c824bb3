// One job: its state, how many copies are done, and why it waits.
import { html } from "../core/html.js";
import { mayOperate } from "../core/session.js";
import { printerOf, printers } from "../core/store.js";
import { jobStanding } from "../core/words.js";
import { isUnderWay } from "../needs/needs.js";
import { State } from "../parts/icon.js";
import { Moment } from "../parts/moment.js";
import { changeJob, goFirst, lastReason } from "./changes.js";
import { openWhy, whyNot } from "./why.js";

/** Whether it is to be begun, and nothing of it was. */
export const isWaiting = ({ state }) => state === "queued" || state === "scheduled";

/** first: whether it is the next that goes. */
export function JobRow({ job, first }) {
  const { word, tone, icon } = jobStanding(job);
  return html`
    <li class="job">
      <div class="about">
        <h3 class="file" title=${job.name}>${job.name}</h3>
        <p><${State} word=${word} tone=${tone} icon=${icon} /> <${Copies} job=${job} /></p>
        <${Where} job=${job} />
        <${WhyNot} job=${job} />
        ${!job.approval && ["needs_review", "quarantined"].includes(job.state) && html`<p class="why">${lastReason(job)}</p>`}
        ${job.state === "scheduled" && job.planned && html`<${Planned} ...${job.planned} />`}
        ${job.due_at && html`<p class="why">Due <${Moment} at=${job.due_at} /></p>`}
      </div>
      ${mayOperate.value && html`
        <div class="actions">
          ${isWaiting(job) && !first && html`<${Button} job=${job} label="Do first" run=${goFirst} />`}
          ${(job.approval ? TO_APPROVE : BUTTONS[job.state] ?? []).map(([label, change]) => html`
            <${Button} key=${change} job=${job} label=${label} run=${() => changeJob(job, change)} />`)}
        </div>`}
    </li>`;
}

const Planned = ({ printer, start }) => html`
  <p class="where">Planned on ${printerOf(printer)?.value.name ?? printer}, about <${Moment} at=${start} /></p>`;

const Button = ({ job, label, run }) => html`
  <button type="button" onClick=${() => run(job)}>${label}<span class="unseen"> ${job.name}</span></button>`;

const Copies = ({ job: { copies, done, failed, parts, yield: good } }) => html`
  <span class="copies">
    ${done} of ${copies} done${good > 1 && ` (${parts.good} of ${parts.wanted} parts)`}
    ${failed > 0 && html`, <b>${failed} failed</b>`}
  </span>`;

function WhyNot({ job }) {
  const reason = whyNot(job, printers.value);
  return reason && html`
    <p class="why">
      ${reason} <button type="button" class="link-like" onClick=${() => openWhy(job)}>
        Why?<span class="unseen"> ${job.name}</span>
      </button>
    </p>`;
}

const FEW = 3; // printers that are named

function howFar({ name, status }) {
  const share = status?.print?.progress;
  return share == null ? name : `${name} (${Math.floor(share * 100)} %)`;
}

/** The printers that are at it. */
function Where({ job }) {
  const at = job.prints.filter(isUnderWay).map(({ printer }) => printerOf(printer)?.value ?? { name: printer });
  if (at.length === 0) return null;
  const rest = at.length > FEW ? ` and ${at.length - FEW} more` : "";
  return html`<p class="where">On ${at.slice(0, FEW).map(howFar).join(", ")}${rest}</p>`;
}

const TO_APPROVE = [["Approve", "approve"], ["Cancel", "cancel"]];

const BUTTONS = {
  queued: [["Hold", "hold"], ["Cancel", "cancel"]],
  scheduled: [["Hold", "hold"], ["Cancel", "cancel"]],
  active: [["Hold", "hold"], ["Cancel", "cancel"]],
  held: [["Release", "release"], ["Cancel", "cancel"]],
  quarantined: [["Retry", "retry"], ["Cancel", "cancel"]],
  needs_review: [["Retry", "retry"], ["Cancel", "cancel"]],
};
