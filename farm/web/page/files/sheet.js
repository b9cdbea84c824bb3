// All about one file: what its slicer says of it, and the way to print it, to get it back and to be rid of it.
import { remove } from "../core/api.js";
import { html } from "../core/html.js";
import { mayOperate } from "../core/session.js";
import { files } from "../core/store.js";
import { duration, inFull } from "../core/time.js";
import { confirm, Dialog, openDialog } from "../parts/dialog.js";
import { say, sayProblem } from "../parts/toast.js";
import { size } from "./checks.js";
import { Picture } from "./picture.js";
import { openPrint } from "./send.js";

export const openFile = (id) => openDialog((close) => html`<${Sheet} id=${id} close=${close} />`);

/** How long it prints and what it takes, as its slicer says: "2 h 13 min, 41 g PLA"; "" where it says nothing. */
export function needsOf({ analysis }) {
  const { time_s: time, filament } = analysis.result ?? {};
  const seconds = time?.motion ?? time?.slicer;
  return [seconds && duration(seconds), ...(filament ?? []).map(amount)].filter(Boolean).join(", ");
}

const amount = ({ g, material }) => [g && `${Math.ceil(g)} g`, material].filter(Boolean).join(" ");

function Sheet({ id, close }) {
  const file = files.value.get(id);
  if (!file) return html`<${Dialog} title="Gone" close=${close}><p>This file was removed.</p><//>`;
  const { name, analysis, uploaded_at: at } = file;
  const { slicer, printer_model: model, warnings = [] } = analysis.result ?? {};
  return html`
    <${Dialog} title=${name} close=${close} kind="sheet">
      <${Picture} file=${id} width=${220} />
      <dl class="facts">
        ${[
          ["Needs", needsOf(file)],
          ["Sliced for", model],
          ["Slicer", slicer && [slicer.name, slicer.version].filter(Boolean).join(" ")],
          ["Size", size(file.size)],
          ["Uploaded", inFull(at)],
          ["Not understood", analysis.state === "failed" && analysis.reason],
        ].map(([what, value]) => value && html`<div key=${what}><dt>${what}</dt><dd>${value}</dd></div>`)}
      </dl>
      ${warnings.map((warning) => html`<p key=${warning} class="answer">${warning}</p>`)}
      <div class="actions">
        ${mayOperate.value && html`<button type="button" class="primary" onClick=${() => openPrint(file)}>Print</button>`}
        <a class="button" href=${`/v1/files/${encodeURIComponent(id)}/content`} download>Download</a>
        ${mayOperate.value && html`<button type="button" onClick=${() => removeFile(file, close)}>Remove</button>`}
      </div>
    <//>`;
}

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
