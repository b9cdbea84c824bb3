// All about one file: what its slicer says of it, and the way to print it, to get it back and to be rid of it.
import { remove } from "../core/api.js";
import { html } from "../core/html.js";
import { mayOperate } from "../core/session.js";
import { files } from "../core/store.js";
import { duration, inFull } from "../core/time.js";
import { confirm, Dialog, openDialog } from "../parts/dialog.js";
import { say, sayProblem } from "../parts/toast.js";
import { isModel, size } from "./checks.js";
import { Picture } from "./picture.js";
import { openPrint } from "./send.js";

export const openFile = (id) => openDialog((close) => html`<${Sheet} id=${id} close=${close} />`);

/** How long it prints and what it takes: "2 h 13 min, 41 g PLA"; "" where nobody knows. */
export function needsOf({ analysis }) {
  const { time_s: time, filament, estimate } = analysis.result ?? {};
  if (estimate) return `about ${duration(estimate.time_s)}, ${Math.ceil(estimate.filament_g)} g, sliced as usual`;
  const seconds = time?.motion ?? time?.slicer;
  return [seconds && duration(seconds), ...(filament ?? []).map(amount)].filter(Boolean).join(", ");
}

/** How far the farm is with looking into a file; "" once it is through. */
export function standing({ analysis: { state, share } }) {
  if (state === "queued") return "waits to be read";
  if (state !== "processing") return "";
  return share > 0 ? `being read, ${Math.floor(share * 100)} %` : "being read";
}

/** "24.5 × 23 × 20 mm" of what is printed, or of the model; "" where nobody knows. */
function extent({ analysis: { result } }) {
  const box = result?.bounding_box.printed ?? result?.bounding_box.model;
  return box ? `${[box.x, box.y, box.z].map(([from, to]) => +(to - from).toFixed(1)).join(" × ")} mm` : "";
}

const amount = ({ g, material }) => [g && `${Math.ceil(g)} g`, material].filter(Boolean).join(" ");

function Sheet({ id, close }) {
  const file = files.value.get(id);
  if (!file) return html`<${Dialog} title="Gone" close=${close}><p>This file was removed.</p><//>`;
  const { name, analysis, uploaded_at: at } = file;
  const { slicer, printer_model: model, dangerous, warnings = [] } = analysis.result ?? {};
  const prints = mayOperate.value && !isModel(file);
  return html`
    <${Dialog} title=${name} close=${close} kind="sheet">
      <${Picture} file=${id} width=${220} />
      <dl class="facts">
        ${[
          ["Reading", standing(file)],
          ["Needs", needsOf(file)],
          ["Measures", extent(file)],
          ["Sliced for", model],
          ["Slicer", slicer && [slicer.name, slicer.version].filter(Boolean).join(" ")],
          ["Size", size(file.size)],
          ["Uploaded", inFull(at)],
          ["Not understood", analysis.state === "failed" && analysis.reason],
        ].map(([what, value]) => value && html`<div key=${what}><dt>${what}</dt><dd>${value}</dd></div>`)}
      </dl>
      ${warnings.map((warning) => html`<p key=${warning} class="answer">${warning}</p>`)}
      <${Dangers} found=${dangerous ?? []} />
      ${isModel(file) && html`<p class="hint">A model: slice it to print it.</p>`}
      <div class="actions">
        ${prints && html`<button type="button" class="primary" onClick=${() => openPrint(file)}>Print</button>`}
        <a class="button" href=${`/v1/files/${encodeURIComponent(id)}/content`} download>Download</a>
        ${mayOperate.value && html`<button type="button" onClick=${() => removeFile(file, close)}>Remove</button>`}
      </div>
    <//>`;
}

const SHOWN_DANGERS = 5;

/** Commands in a file that may do harm: each is worth a look before it is printed. */
const Dangers = ({ found }) => found.length > 0 && html`
  <div class="answer">
    <p>May do harm; look before you print:</p>
    <ul>
      ${found.slice(0, SHOWN_DANGERS).map(({ line, command, why }) => html`
        <li key=${line}>line ${line}: <code>${command}</code> – ${why}</li>`)}
    </ul>
    ${found.length > SHOWN_DANGERS && html`<p>and ${found.length - SHOWN_DANGERS} more</p>`}
  </div>`;

async function removeFile({ id, name }, close) {
  const sure = await confirm({
    title: `Remove ${name}?`,
    text: "The farm keeps no copy. A file that a job still needs is not removed.",
    yes: "Remove the file",
    no: "Keep it",
  });
  if (!sure) return;
  try {
    await remove(`/v1/files/${encodeURIComponent(id)}`);
    close();
    say(`${name} is removed.`);
  } catch (problem) {
    sayProblem(problem);
  }
}
