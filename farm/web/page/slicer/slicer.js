// Connecting a slicer: the address and a key made here, which is shown this once.
import { useState } from "../vendor/preact-hooks.js";
import { post } from "../core/api.js";
import { html } from "../core/html.js";
import { printers } from "../core/store.js";
import { CopyField } from "../parts/copy.js";
import { Dialog, openDialog } from "../parts/dialog.js";

const SCOPES = ["upload", "queue"]; // all that a slicer needs: whoever finds the key can stop nothing

/** printer: the one its files are meant for; left out, any. */
export const openSlicer = (printer = null) =>
  openDialog((close) => html`<${Slicer} printer=${printer} close=${close} />`);

function Slicer({ printer, close }) {
  const [target, setTarget] = useState(printer?.id ?? "");
  const [name, setName] = useState("slicer");
  const [made, setMade] = useState(null);
  const [wrong, setWrong] = useState("");
  const make = async (event) => {
    event.preventDefault();
    try {
      setMade(await post("/v1/keys", keyFor(name.trim(), target)));
    } catch (problem) {
      setWrong(problem.message);
    }
  };
  return html`
    <${Dialog} title="Connect a slicer" close=${close}>
      ${made ? html`<${Made} made=${made} target=${target} close=${close} />` : html`
        <form onSubmit=${make}>
          <p>PrusaSlicer, OrcaSlicer, SuperSlicer and Cura send files to the farm as to an OctoPrint.</p>
          <label for="slicer-name">Name of the key</label>
          <input id="slicer-name" required maxlength="60" value=${name} onInput=${(event) => setName(event.target.value)}
            autocomplete="off" aria-describedby="about-slicer" />
          <p id="about-slicer" class="hint">Whose slicer it is: so that the right key can be revoked one day.</p>
          <label for="slicer-target">Its files go to</label>
          <select id="slicer-target" value=${target} onChange=${(event) => setTarget(event.target.value)}>
            <option value="">Any printer</option>
            ${printers.value.map(({ id, name: label }) => html`<option key=${id} value=${id}>${label}</option>`)}
          </select>
          <div role="alert">${wrong && html`<p class="answer wrong">${wrong}</p>`}</div>
          <footer>
            <button type="button" onClick=${close}>Back</button>
            <button class="primary">Make the key</button>
          </footer>
        </form>`}
    <//>`;
}

const keyFor = (name, printer) => ({
  name,
  scopes: SCOPES,
  ...(printer ? { printers: [printer], target: `printer:${printer}` } : {}),
});

const Made = ({ made, target, close }) => html`
  <p>In the slicer add a physical printer or print host of type <b>OctoPrint</b>, with these two:</p>
  <${CopyField} id="slicer-address" label="Address" value=${location.origin + (target ? `/p/${target}` : "")} />
  <${CopyField} id="slicer-key" label="API key" value=${made.key} />
  <p class="answer">The key is shown this once. Lost it? Make another.</p>
  <footer><button type="button" class="primary" onClick=${close}>Done</button></footer>`;
