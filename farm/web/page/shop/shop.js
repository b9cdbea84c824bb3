// Hours, people, power and what the plan is to mind: changed here, with what that would do to the plan before it is saved.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { get, patch, put } from "../core/api.js";
import { html } from "../core/html.js";
import { printers } from "../core/store.js";
import { zone } from "../core/time.js";
import { Dialog, openDialog } from "../parts/dialog.js";
import { Icon } from "../parts/icon.js";
import { say } from "../parts/toast.js";
import { PRESETS } from "../plan/presets.js";
import { Effect } from "./effect.js";
import { DAYS, NEW_SHIFT, constraintsOf, formOf, saysTheSame, settingsChanged, toField } from "./rules.js";

const THINK_WITHIN_MS = 40_000; // the farm makes the plan that would be; it gives up after 30 s
const DRY = "?dry_run=true";
const HOUR_MS = 3600_000;

export const openShop = () => openDialog((close) => html`<${Shop} close=${close} />`);

function Shop({ close }) {
  const [told, setTold] = useState(null);
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    Promise.all([get("/v1/constraints"), get("/v1/settings")]).then(
      ([constraints, settings]) => setTold({ constraints, settings }),
      (problem) => setWrong(problem.message),
    );
  }, []);
  return html`
    <${Dialog} title="Hours, people and power" close=${close} kind="sheet wide">
      ${wrong && html`<p class="answer wrong">${wrong}</p>`}
      ${told ? html`<${Form} ...${told} close=${close} />` : !wrong && html`<p class="hint">One moment …</p>`}
    <//>`;
}

function Form({ constraints, settings, close }) {
  const [form, setForm] = useState(() => formOf(constraints));
  const [minds, setMinds] = useState({ preset: settings.preset, weights: settings.weights });
  const [effects, setEffects] = useState([]);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState("");
  const change = (part) => {
    setForm({ ...form, ...part });
    setEffects([]); // they were of what stood there before
  };
  const mind = (part) => {
    setMinds({ ...minds, ...part });
    setEffects([]);
  };
  const wanted = constraintsOf(form, constraints);
  const rules = saysTheSame(wanted, constraintsOf(formOf(constraints), constraints)) ? null : wanted;
  const wishes = settingsChanged(settings, minds.preset, minds.weights);
  const nothing = !rules && !wishes;

  const attempt = async (what, run) => {
    setBusy(what);
    setWrong("");
    try {
      await run();
    } catch (problem) {
      setWrong(problem.message);
    }
    setBusy("");
  };
  const look = () => attempt("looks", async () => {
    const found = [];
    if (rules) found.push(["Hours, people and power", (await put(`/v1/constraints${DRY}`, rules, THINK_WITHIN_MS)).effect]);
    if (wishes) found.push(["What the plan minds", (await patch(`/v1/settings${DRY}`, wishes, THINK_WITHIN_MS)).effect]);
    setEffects(found);
  });
  const save = (event) => {
    event.preventDefault();
    return attempt("saves", async () => {
      if (rules) await put("/v1/constraints", rules);
      if (wishes) await patch("/v1/settings", wishes);
      close();
      say("Saved. The farm plans anew with it.");
    });
  };
  return html`
    <form class="shop" onSubmit=${save}>
      <${Hours} hours=${form.hours} change=${change} />
      <div class="fields">
        <${Field} id="shop-zone" label="Time zone of the shop" value=${form.timezone} set=${(timezone) => change({ timezone })} />
        <${Field} id="shop-closed" label="Closed days" hint="Like 2026-12-25, with commas between."
          value=${form.closed} set=${(closed) => change({ closed })} />
        <${Field} id="shop-people" label="People at printers at once" number="1" hint="Empty: not counted."
          value=${form.operators} set=${(operators) => change({ operators })} />
        <${Field} id="shop-longest" label="Longest print, in hours" number="any" hint="Empty: no limit."
          value=${form.longest_h} set=${(longest) => change({ longest_h: longest })} />
        <${Field} id="shop-power" label="Power for all printers, in kW" number="any" hint="Empty: no limit."
          value=${form.power_kw} set=${(power) => change({ power_kw: power })} />
        <${Field} id="shop-circuits" label="Circuits, in kW" hint="Each with its name, like a: 1.9, b: 2.3."
          value=${form.circuits} set=${(circuits) => change({ circuits })} />
      </div>
      <${Windows} windows=${form.windows} change=${change} />
      <${Minds} ...${minds} mind=${mind} />
      <div role="status">
        ${busy === "looks" && html`<p class="hint">The farm makes the plan that would be …</p>`}
        ${effects.map(([of, effect]) => html`<${Effect} key=${of} of=${of} effect=${effect} />`)}
      </div>
      <div role="alert">${wrong && html`<p class="answer wrong">${wrong}</p>`}</div>
      <footer>
        <button type="button" onClick=${close}>Back</button>
        <button type="button" disabled=${nothing || busy !== ""} onClick=${look}>What would change?</button>
        <button class="primary" disabled=${nothing || busy !== ""}>Save</button>
      </footer>
    </form>`;
}

const Field = ({ id, label, hint, number, value, set }) => html`
  <div>
    <label for=${id}>${label}</label>
    <input id=${id} type=${number ? "number" : "text"} step=${number} min=${number ? 0 : undefined} value=${value}
      onInput=${({ target }) => set(target.value)} autocomplete="off" aria-describedby=${hint ? `${id}-hint` : undefined} />
    ${hint && html`<p id=${`${id}-hint`} class="hint">${hint}</p>`}
  </div>`;

const replaced = (list, number, part) => list.map((one, index) => (index === number ? { ...one, ...part } : one));
const without = (list, number) => list.filter((_, index) => index !== number);

function Hours({ hours, change }) {
  const set = (number, part) => change({ hours: replaced(hours, number, part) });
  const flip = (number, day) => {
    const { days } = hours[number];
    set(number, { days: Object.keys(DAYS).filter((one) => (one === day) !== days.includes(one)) });
  };
  return html`
    <fieldset>
      <legend>When people are there</legend>
      ${hours.length === 0 && html`<p class="hint">Always: nothing says otherwise.</p>`}
      ${hours.map(({ days, start, end }, number) => html`
        <div key=${number} class="shift" role="group" aria-label=${`Shift ${number + 1}`}>
          <div class="days">
            ${Object.entries(DAYS).map(([day, name]) => html`
              <label key=${day}><input type="checkbox" checked=${days.includes(day)} onChange=${() => flip(number, day)} /> ${name}</label>`)}
          </div>
          <input type="time" aria-label="From" required value=${start} onInput=${({ target }) => set(number, { start: target.value })} />
          <span>to</span>
          <input type="time" aria-label="To" required value=${end} onInput=${({ target }) => set(number, { end: target.value })} />
          <button type="button" class="quiet square" aria-label="Take this shift out" onClick=${() => change({ hours: without(hours, number) })}>
            <${Icon} name="cross" /></button>
        </div>`)}
      <button type="button" onClick=${() => change({ hours: [...hours, NEW_SHIFT] })}>Add hours</button>
      <p class="hint">An end that is not after its start is on the next day.</p>
    </fieldset>`;
}

function Windows({ windows, change }) {
  const set = (number, part) => change({ windows: replaced(windows, number, part) });
  const add = () => {
    const from = Date.now() + HOUR_MS;
    change({ windows: [...windows, { start: toField(from), end: toField(from + HOUR_MS), those: "all" }] });
  };
  return html`
    <fieldset>
      <legend>Printers that are spoken for</legend>
      ${windows.map(({ start, end, those }, number) => html`
        <div key=${number} class="shift" role="group" aria-label=${`Window ${number + 1}`}>
          <select aria-label="Which" value=${valueOf(those)} onChange=${({ target }) => set(number, { those: meant(target.value, those) })}>
            <option value="all">All printers</option>
            ${valueOf(those) === "several" && html`<option value="several">${those.length} printers</option>`}
            ${printers.value.map(({ id, name }) => html`<option key=${id} value=${`one ${id}`}>${name}</option>`)}
          </select>
          <input type="datetime-local" aria-label="From" required value=${start} onInput=${({ target }) => set(number, { start: target.value })} />
          <span>to</span>
          <input type="datetime-local" aria-label="To" required value=${end} onInput=${({ target }) => set(number, { end: target.value })} />
          <button type="button" class="quiet square" aria-label="Take this window out" onClick=${() => change({ windows: without(windows, number) })}>
            <${Icon} name="cross" /></button>
        </div>`)}
      <button type="button" onClick=${add}>Add a window</button>
      <p class="hint">For maintenance, or other work. On the clock of this device: ${zone()}.</p>
    </fieldset>`;
}

const valueOf = (those) => (those === "all" ? "all" : those.length === 1 ? `one ${those[0]}` : "several");
const meant = (value, before) => (value === "all" ? "all" : value === "several" ? before : [value.slice("one ".length)]);

const WEIGHTS = {
  tardiness: "A minute late",
  flow: "A minute from release to end",
  makespan: "A minute until all is done",
  changeover: "A change of filament",
  hand_work: "A minute of somebody's work",
  non_preferred: "A print on a printer that was not preferred",
  other_printer: "A print moved to another printer",
  shift: "A minute by which a planned start moves",
  doubtful: "An hour on a printer that is sure to fail",
};

const Minds = ({ preset, weights, mind }) => html`
  <fieldset>
    <legend>What the plan minds</legend>
    <label for="shop-preset">First of all</label>
    <select id="shop-preset" value=${preset} onChange=${({ target }) => mind({ preset: target.value })}>
      ${Object.entries(PRESETS).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
    </select>
    <details>
      <summary>What each thing costs, in points</summary>
      <div class="fields">
        ${Object.entries(WEIGHTS).map(([name, label]) => html`
          <${Field} key=${name} id=${`weight-${name}`} label=${label} number="any" value=${weights[name]}
            set=${(value) => mind({ weights: { ...weights, [name]: value } })} />`)}
      </div>
    </details>
  </fieldset>`;
