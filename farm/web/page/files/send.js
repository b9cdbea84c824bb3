// What is to become of files: only kept, or printed, how often and where.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../core/html.js";
import { mayUseAny } from "../core/session.js";
import { printers } from "../core/store.js";
import { Dialog, openDialog } from "../parts/dialog.js";
import { Stepper } from "../parts/stepper.js";
import { isModel, size, whyNotSent } from "./checks.js";
import { addJob, upload } from "./uploads.js";

/** Files from this device. printer: the id of the one they are meant for, null for any. */
export const openSend = (files, printer = null) =>
  openDialog((close) => html`<${Send} files=${files} printer=${printer} close=${close} />`);

/** A file that the farm has already. */
export const openPrint = (file) => openDialog((close) => html`<${Print} file=${file} close=${close} />`);

function Send({ files, printer, close }) {
  const [wish, setWish] = useWish(printer);
  const good = files.filter((file) => !whyNotSent(file));
  const printable = good.filter((file) => !isModel(file));
  const send = (print) => {
    close();
    for (const file of good) upload(file, print && printable.includes(file) ? wish : null);
  };
  const submit = (event) => {
    event.preventDefault();
    send(true);
  };
  return html`
    <${Dialog} title=${files.length === 1 ? "Send a file" : `Send ${files.length} files`} close=${close}>
      <form onSubmit=${submit}>
        <ul class="chosen">${files.map((file) => html`<${Chosen} key=${file.name} file=${file} />`)}</ul>
        ${printable.length > 0 && html`<${Wish} wish=${wish} setWish=${setWish} />`}
        <footer>
          <button type="button" disabled=${good.length === 0} onClick=${() => send(false)}>Upload</button>
          <button class="primary" autofocus disabled=${printable.length === 0}>Upload and print</button>
        </footer>
      </form>
    <//>`;
}

function Chosen({ file }) {
  const wrong = whyNotSent(file);
  return html`
    <li>
      <span class="file">${file.name}</span> <span class="hint">${size(file.size)}</span>
      ${wrong && html`<p>${wrong}</p>`}
      ${!wrong && isModel(file) && html`<p class="hint">A model: the farm keeps it. Slice it to print it.</p>`}
    </li>`;
}

function Print({ file, close }) {
  const [wish, setWish] = useWish(null);
  const submit = (event) => {
    event.preventDefault();
    close();
    addJob(file, wish);
  };
  return html`
    <${Dialog} title="Print a file" close=${close}>
      <form onSubmit=${submit}>
        <p class="file">${file.name}</p>
        <${Wish} wish=${wish} setWish=${setWish} />
        <footer><button type="button" onClick=${close}>Back</button><button class="primary">Print</button></footer>
      </form>
    <//>`;
}

function useWish(printer) {
  const first = mayUseAny.value ? null : (printers.value[0]?.id ?? null);
  return useState({ copies: 1, yield: 1, printer: printer ?? first });
}

const HowMany = (given) => html`
  <div><span class="label">${given.label}</span><${Stepper} least=${1} most=${1000} ...${given} /></div>`;

const Wish = ({ wish, setWish }) => {
  const set = (field) => (value) => setWish({ ...wish, [field]: value });
  return html`
    <div class="wish">
      <${HowMany} label="Copies" value=${wish.copies} onChange=${set("copies")} />
      <${HowMany} label="Good parts per print" value=${wish.yield} onChange=${set("yield")} />
      <div class="wide">
        <label for="wish-printer">Printer</label>
        <select id="wish-printer" value=${wish.printer ?? ""}
          onChange=${({ target }) => set("printer")(target.value || null)}>
          ${mayUseAny.value && html`<option value="">Any printer</option>`}
          ${printers.value.map(({ id, name }) => html`<option key=${id} value=${id}>${name}</option>`)}
        </select>
      </div>
    </div>`;
};
