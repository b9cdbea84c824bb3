// A printer's console: what people sent it, what it said, and a line to send. Asked for while it is looked at.
import { useEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { get } from "../core/api.js";
import { html } from "../core/html.js";
import { mayOperate } from "../core/session.js";
import { command } from "./commands.js";

const LOOK_EVERY_MS = 1000;
const MOST_LINES = 200; // shown; the farm keeps some more
const MARKS = { sent: "›", said: "", failed: "!" };

export function Console({ printer }) {
  const [open, setOpen] = useState(false);
  return html`
    <details class="hands-on" onToggle=${({ target }) => setOpen(target.open)}>
      <summary>Console</summary>
      ${open && html`<${Lines} id=${printer.id} />`}
      ${open && mayOperate.value && html`<${Send} printer=${printer} />`}
      ${open && mayOperate.value && html`
        <p class="hint">
          <a href=${`/v1/printers/${encodeURIComponent(printer.id)}/flight-recorder`} download>Flight recorder</a>: all that
          the farm and its print host have said to each other last, without keys and passwords.
        </p>`}
    </details>`;
}

function Lines({ id }) {
  const [shown, setShown] = useState({ items: [], note: "" });
  const end = useRef(null);
  useEffect(() => {
    let timer = 0;
    let next = 0;
    let gone = false;
    const look = async () => {
      const found = await get(`/v1/printers/${encodeURIComponent(id)}/console?since=${next}`).catch(() => null);
      if (gone) return;
      if (found && (found.items.length > 0 || next === 0)) {
        next = found.next;
        setShown(({ items }) => ({ items: [...items, ...found.items].slice(-MOST_LINES), note: found.note }));
      }
      timer = setTimeout(look, LOOK_EVERY_MS);
    };
    look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [id]);
  useEffect(() => end.current?.scrollTo(0, end.current.scrollHeight), [shown]);
  return html`
    ${shown.note && html`<p class="hint">${shown.note}</p>`}
    <ol class="console" ref=${end} tabindex="0" aria-label="Lines">
      ${shown.items.map(({ number, kind, text }) => html`<li key=${number} class=${kind}>${MARKS[kind]} ${text}</li>`)}
    </ol>`;
}

function Send({ printer }) {
  const [line, setLine] = useState("");
  const submit = async (event) => {
    event.preventDefault();
    if (await command(printer, "gcode", { lines: [line.trim()] })) setLine("");
  };
  return html`
    <form class="send" onSubmit=${submit}>
      <label for="console-line">G-code</label>
      <input id="console-line" required value=${line} onInput=${({ target }) => setLine(target.value)} placeholder="M115"
        autocomplete="off" autocapitalize="characters" spellcheck=${false} />
      <button>Send</button>
    </form>`;
}
