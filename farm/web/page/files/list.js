// Sending files, what is on its way, and the newest files the farm has.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../core/html.js";
import { mayOperate } from "../core/session.js";
import { files, line } from "../core/store.js";
import { Icon } from "../parts/icon.js";
import { Moment } from "../parts/moment.js";
import { isModel, size } from "./checks.js";
import { ChooseFiles } from "./drop.js";
import { Picture } from "./picture.js";
import { openPrint } from "./send.js";
import { needsOf, openFile, standing } from "./sheet.js";
import { drop, retry, uploads } from "./uploads.js";

const FEW = 5; // files shown at first

export const SendFiles = () => mayOperate.value && html`
  <section class="send" aria-labelledby="send-heading">
    <h2 id="send-heading" class="unseen">Send files</h2>
    <div class="target">
      <p><b>Drop G-code here</b><span class="hint"> or on a printer</span></p>
      <${ChooseFiles} primary />
    </div>
    <ul class="uploads">${uploads.value.map((one) => html`<${Upload} key=${one.id} ...${one} />`)}</ul>
  </section>`;

function howFar(state, share) {
  if (state !== "sending") return state;
  return share < 1 ? `sending ${Math.floor(share * 100)} %` : "checking";
}

const Upload = ({ id, name, state, share, problem }) => html`
  <li class=${`upload ${state}`}>
    <div class="about">
      <p class="file">${name}</p>
      <p class="hint" role=${state === "failed" ? "alert" : undefined}>${problem || howFar(state, share)}</p>
      ${state !== "failed" && html`<progress max="1" value=${share} aria-label=${`Upload of ${name}`}></progress>`}
    </div>
    ${state === "failed" && html`<button type="button" onClick=${() => retry(id)}>Try again</button>`}
    ${state !== "done" && html`
      <button type="button" class="quiet square" aria-label=${`Stop sending ${name}`} onClick=${() => drop(id)}>
        <${Icon} name="cross" />
      </button>`}
  </li>`;

export function Files() {
  const [all, setAll] = useState(false);
  const found = [...files.value.values()].sort((a, b) => b.uploaded_at.localeCompare(a.uploaded_at));
  const shown = all ? found : found.slice(0, FEW);
  return html`
    <section id="files" aria-labelledby="files-heading">
      <header class="section"><h2 id="files-heading" tabindex="-1">Files</h2></header>
      ${found.length === 0 && line.value.fresh && html`<p class="empty">No files yet.</p>`}
      <ul class="files">${shown.map((file) => html`<${File} key=${file.id} file=${file} />`)}</ul>
      ${found.length > FEW && html`
        <button type="button" class="more" aria-expanded=${all} onClick=${() => setAll(!all)}>
          ${all ? "Show fewer" : `Show the newest ${found.length}`}
        </button>`}
    </section>`;
}

/** What matters most of a file in its row. */
function inShort(file) {
  const { state, result } = file.analysis;
  if (state === "failed") return "not understood";
  const known = standing(file) || needsOf(file) || size(file.size);
  return result?.dangerous?.length > 0 ? `${known}, may do harm` : known;
}

const File = ({ file }) => html`
  <li>
    <${Picture} file=${file.id} width=${44} />
    <div class="about">
      <button type="button" class="name file" title=${file.name} onClick=${() => openFile(file.id)}>${file.name}</button>
      <p class="hint">${inShort(file)} · <${Moment} at=${file.uploaded_at} /></p>
    </div>
    ${mayOperate.value && !isModel(file) && html`
      <button type="button" onClick=${() => openPrint(file)}>Print<span class="unseen"> ${file.name}</span></button>`}
  </li>`;
