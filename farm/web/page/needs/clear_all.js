// "Clear all, I looked": the plates by name, so that one that was not looked at can be left out.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../core/html.js";
import { printerOf } from "../core/store.js";
import { count } from "../core/words.js";
import { Dialog, openDialog } from "../parts/dialog.js";
import { clearPlates } from "./plates.js";

/** ids: the printers whose plates wait. */
export function openClearAll(ids) {
  const printers = ids.map((id) => printerOf(id)?.peek()).filter(Boolean);
  openDialog((close) => html`<${ClearAll} printers=${printers} close=${close} />`);
}

function ClearAll({ printers, close }) {
  const [left, setLeft] = useState(new Set());
  const toggle = (id) => {
    const next = new Set(left);
    if (!next.delete(id)) next.add(id);
    setLeft(next);
  };
  const chosen = printers.filter(({ id }) => !left.has(id));
  const submit = (event) => {
    event.preventDefault();
    close();
    clearPlates(chosen.map(({ id }) => id));
  };
  return html`
    <${Dialog} title="Clear all, I looked" close=${close}>
      <form onSubmit=${submit}>
        <p>You have looked at these plates, and nothing lies on them. Every part counts as good; count plates with
          spoiled parts one by one.</p>
        <ul class="choices">
          ${printers.map(({ id, name }) => html`
            <li key=${id}>
              <label><input type="checkbox" checked=${!left.has(id)} onChange=${() => toggle(id)} /> ${name}</label>
            </li>`)}
        </ul>
        <footer>
          <button type="button" onClick=${close}>Back</button>
          <button class="primary" disabled=${chosen.length === 0}>${count(chosen.length, "plate")} clear</button>
        </footer>
      </form>
    <//>`;
}
