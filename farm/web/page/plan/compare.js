// Other plans beside the one in force: one for each wish, what each comes to, and following another from now on.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { get, post } from "../core/api.js";
import { html } from "../core/html.js";
import { mayOperate } from "../core/session.js";
import { duration } from "../core/time.js";
import { sentence } from "../core/words.js";
import { Dialog, openDialog } from "../parts/dialog.js";
import { Moment } from "../parts/moment.js";
import { say, sayProblem } from "../parts/toast.js";
import { PRESETS } from "./presets.js";

const SECONDS = 5; // to look for each
const ASK_EVERY_MS = 700;
const MOST_ASKED = 120; // a plan that is not there by then is not worth the wait

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const openCompare = () => openDialog((close) => html`<${Compare} close=${close} />`);

/** Have one made, and wait for it. here: whether somebody still looks. */
async function made(preset, here) {
  const { id } = await post("/v1/schedule/plans", { preset, seconds: SECONDS });
  for (let asked = 0; asked < MOST_ASKED && here(); asked++) {
    const plan = await get(`/v1/schedule/plans/${encodeURIComponent(id)}`);
    if (plan.state === "failed") throw new Error(plan.why);
    if (plan.state === "ready") return plan;
    await later(ASK_EVERY_MS);
  }
  throw new Error("it takes too long; try again later");
}

function Compare({ close }) {
  const [found, setFound] = useState({});
  useEffect(() => {
    let open = true;
    const take = (preset, what) => open && setFound((others) => ({ ...others, [preset]: what }));
    for (const preset of Object.keys(PRESETS)) {
      made(preset, () => open).then((plan) => take(preset, { plan }), (problem) => take(preset, { wrong: problem.message }));
    }
    return () => {
      open = false;
    };
  }, []);
  return html`
    <${Dialog} title="What else could be planned" close=${close} kind="sheet wide">
      <p class="hint">Each is made of all that waits now. Nothing changes unless you follow another one; the plans after it then please
        the same people first.</p>
      <div class="plans">
        ${Object.entries(PRESETS).map(([preset, name]) => html`
          <${Choice} key=${preset} name=${name} ...${found[preset]} close=${close} />`)}
      </div>
    <//>`;
}

const Choice = ({ name, plan, wrong, close }) => html`
  <section class="choice" aria-label=${name}>
    <h3>${name}</h3>
    <div role="status">
      ${wrong && html`<p class="answer wrong">${sentence(wrong)}</p>`}
      ${!wrong && !plan && html`<p class="hint">It is being made …</p>`}
      ${plan && html`<${Figures} plan=${plan} />`}
    </div>
    ${plan && mayOperate.value && html`
      <button type="button" onClick=${() => follow(plan, name, close)}>Follow this one<span class="unseen"> ${name}</span></button>`}
  </section>`;

function Figures({ plan: { metrics, placements, unscheduled } }) {
  const last = placements.map(({ end }) => end).sort().at(-1);
  const leftOut = unscheduled.reduce((sum, { copies }) => sum + copies, 0);
  return html`
    <dl class="facts">
      ${fact("Late jobs", metrics.late_jobs ?? 0)}
      ${fact("Last print ends", last ? html`<${Moment} at=${last} />` : "nothing is planned")}
      ${fact("Filament changes", metrics.changeovers ?? 0)}
      ${fact("Work by hand", duration(metrics.hand_work_s ?? 0))}
      ${leftOut > 0 && fact("Not in it", `${leftOut} of ${leftOut + placements.length} prints`)}
    </dl>`;
}

const fact = (name, value) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`;

async function follow({ id }, name, close) {
  try {
    await post(`/v1/schedule/plans/${encodeURIComponent(id)}/adopt`);
    close();
    say(`The farm follows "${name}" now, and plans so from now on.`);
  } catch (problem) {
    sayProblem(problem);
  }
}
