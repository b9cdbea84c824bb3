// A text to take elsewhere, with a button that copies it.
import { useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../core/html.js";
import { Icon } from "./icon.js";

const SHOWN_MS = 2500;

export function CopyField({ id, label, value }) {
  const field = useRef(null);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    field.current.select();
    await intoClipboard(value);
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return html`
    <div class="copy">
      <label for=${id}>${label}</label>
      <div>
        <input id=${id} ref=${field} readonly value=${value} spellcheck=${false} />
        <button type="button" aria-label=${`Copy ${label.toLowerCase()}`} onClick=${copy}>
          <${Icon} name=${copied ? "check" : "copy"} /> <span aria-live="polite">${copied ? "Copied" : "Copy"}</span>
        </button>
      </div>
    </div>`;
}

/** Browsers give the clipboard to https pages only; in a shop's network the old way has to do. */
async function intoClipboard(text) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text).catch(() => document.execCommand("copy"));
  else document.execCommand("copy");
}
