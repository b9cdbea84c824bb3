// All about one printer, and what is wanted of it less often.
import { useEffect } from "../vendor/preact-hooks.js";
import { remove } from "../core/api.js";
import { html } from "../core/html.js";
import { mayOperate, maySetUp } from "../core/session.js";
import { lookAt, printerOf, understood } from "../core/store.js";
import { moment } from "../core/time.js";
import { heaterName, inOrder, sentence, standing } from "../core/words.js";
import { askToStop } from "../header/emergency.js";
import { troubles } from "../needs/needs.js";
import { confirm, Dialog, openDialog } from "../parts/dialog.js";
import { Icon, State } from "../parts/icon.js";
import { Moment } from "../parts/moment.js";
import { say, sayProblem } from "../parts/toast.js";
import { openSlicer } from "../slicer/slicer.js";
import { openChange } from "./change.js";
import { Chores } from "./chores.js";
import { command } from "./commands.js";
import { Console } from "./console.js";
import { Controls } from "./controls.js";
import { Curves } from "./curves.js";
import { Durations } from "./durations.js";
import { ejects } from "./ejecting.js";
import { HandsOn } from "./hands_on.js";
import { Spools } from "./spools.js";
import { Troubles } from "./troubles.js";
import { doneAt, going } from "./understood.js";

export const openPrinter = (id) => openDialog((close) => html`<${Sheet} id=${id} close=${close} />`);

const PLATES = { clear: "clear", occupied: "something lies on it", unknown: "nobody has looked at it yet" };

function Sheet({ id, close }) {
  const printer = printerOf(id)?.value;
  useEffect(() => lookAt(id), [id]);
  const means = understood.value.get(id) ?? {};
  if (!printer) return html`<${Dialog} title="Gone" close=${close}><p>This printer was taken out of the farm.</p><//>`;
  const { name, status, connection, tags } = printer;
  return html`
    <${Dialog} title=${name} close=${close} kind="sheet">
      <p>
        <${State} ...${standing(printer)} />
        ${status.since && html` <span class="hint">since <${Moment} at=${status.since} /></span>`}
      </p>
      ${status.message && html`<p>${sentence(status.message)}</p>`}
      ${status.anomalies.filter((each) => each.sentence !== status.message).map((each) =>
        html`<p key=${each.kind + each.evidence.channel}>${sentence(each.sentence)}</p>`)}
      ${status.doubt && status.doubt !== status.message && troubles(status).length === 0 && html`<${Doubt} printer=${printer} />`}
      <dl class="facts">
        ${status.print && fact("Print", `${status.print.name}, ${Math.floor((status.print.progress ?? 0) * 100)} %`)}
        ${status.print && doneAt(means) && fact("Done", doneAt(means))}
        ${status.foreign && fact("Print", `${status.foreign_file ?? "something"}, started at the printer, not by the farm`)}
        ${fact("Plate", PLATES[status.plate])}
        ${status.ejector && fact("Ejecting", ejects(status))}
        ${inOrder(status.temperatures).map((heater) => [heater, status.temperatures[heater]]).map(([heater, read]) =>
          read.actual != null && fact(heaterName(heater, status.temperatures),
            degrees(read) + going(means.temperature?.[heater])))}
        ${status.next_try_at && fact("Next try", moment(status.next_try_at))}
        ${fact("Address", connection.url ?? "simulated in this computer")}
        ${tags.length > 0 && fact("Tags", tags.join(", "))}
      </dl>
      ${mayOperate.value && html`
        <div class="actions"><${Controls} printer=${printer} /><${Maintenance} printer=${printer} /></div>
        <${HandsOn} printer=${printer} />`}
      <${Spools} printer=${printer} />
      <${Chores} printer=${printer} />
      <${Curves} printer=${printer} />
      <${Troubles} printer=${printer} />
      <${Durations} printer=${printer} />
      <${Console} printer=${printer} />
      <div class="actions">
        ${maySetUp.value && html`
          <button type="button" onClick=${() => openSlicer(printer)}><${Icon} name="slicer" /> Connect a slicer</button>
          <button type="button" onClick=${() => openChange(printer)}>Change</button>
          <button type="button" onClick=${() => takeOut(printer, close)}>Take out of the farm</button>`}
        ${mayOperate.value && html`
          <button type="button" class="danger" onClick=${() => askToStop(printer)}>
            <${Icon} name="octagon" /> Emergency stop
          </button>`}
      </div>
    <//>`;
}

/** What was wrong and is over, until it has printed well, or somebody says that they have seen to it. */
function Doubt({ printer }) {
  const { doubt, doubt_since: since, operation } = printer.status;
  return html`
    <p class="hint">The plan prefers other printers until it has printed well, or somebody has seen to it. Something was
      wrong with it${since && html` (<${Moment} at=${since} />)`}: ${sentence(doubt)}</p>
    ${mayOperate.value && !["attention", "emergency"].includes(operation) && html`
      <div class="actions"><button type="button" onClick=${() => command(printer, "clear_doubt")}>Seen to it</button></div>`}`;
}

const degrees = ({ actual, target }) => `${actual.toFixed(1)} °C${target ? `, wanted ${Math.round(target)} °C` : ""}`;

const fact = (name, value) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`;

function Maintenance({ printer }) {
  const { operation, connection } = printer.status;
  if (connection !== "online" || ["maintenance", "emergency", "attention"].includes(operation)) return null;
  return html`
    <button type="button" onClick=${() => command(printer, "maintenance_on")}>
      <${Icon} name="wrench" /> Maintenance
    </button>`;
}

async function takeOut(printer, close) {
  const sure = await confirm({
    title: `Take ${printer.name} out of the farm?`,
    text: "The farm forgets its address and key. What it has printed stays in the history.",
    yes: "Take it out",
    no: "Keep it",
  });
  if (!sure) return;
  try {
    await remove(`/v1/printers/${encodeURIComponent(printer.id)}`);
    close();
    say(`${printer.name} is out of the farm.`);
  } catch (problem) {
    sayProblem(problem);
  }
}
