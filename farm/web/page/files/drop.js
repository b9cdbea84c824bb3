// Where files come in: dropped anywhere on the page, dropped on a printer, or chosen.
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { html } from "../core/html.js";
import { mayOperate } from "../core/session.js";
import { Icon } from "../parts/icon.js";
import { openSend } from "./send.js";

export const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;

/** Take what was dropped. printer: the id of the one it was dropped on, null for any. */
export function acceptFiles(event, printer = null) {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  event.stopPropagation();
  const files = [...event.dataTransfer.files];
  if (files.length > 0) openSend(files, printer);
}

/** The whole page takes files; a veil says so while one hangs over it. */
export function PageDrop() {
  const over = useFilesOver();
  return over && html`
    <div class="veil" aria-hidden="true">
      <p><${Icon} name="upload" size=${40} /> Drop on a printer to print there, or anywhere for any printer</p>
    </div>`;
}

function useFilesOver() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const enter = (event) => {
      if (!carriesFiles(event) || !mayOperate.value) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event) => event.relatedTarget === null && setOver(false);
    const drop = (event) => {
      setOver(false);
      if (mayOperate.value) acceptFiles(event);
    };
    const ears = { dragenter: enter, dragover: enter, dragleave: leave, drop };
    for (const [name, ear] of Object.entries(ears)) document.addEventListener(name, ear);
    // A tile keeps a drop for itself: the veil goes all the same.
    const end = () => setOver(false);
    document.addEventListener("drop", end, { capture: true });
    return () => {
      for (const [name, ear] of Object.entries(ears)) document.removeEventListener(name, ear);
      document.removeEventListener("drop", end, { capture: true });
    };
  }, []);
  return over;
}

/** For phones, and for whoever would rather choose. No `accept`: phones know no G-code and would grey it out. */
export function ChooseFiles({ label = "Choose files", primary = false }) {
  const input = useRef(null);
  const chosen = (event) => {
    const files = [...event.target.files];
    event.target.value = ""; // the same file can be chosen again
    if (files.length > 0) openSend(files);
  };
  return html`
    <input ref=${input} type="file" multiple hidden aria-label="G-code files" onChange=${chosen} />
    <button type="button" class=${primary ? "primary" : ""} onClick=${() => input.current.click()}>
      <${Icon} name="upload" /> ${label}
    </button>`;
}
