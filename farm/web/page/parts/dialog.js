// Windows over the page, and the messages over everything. The browser's own <dialog> keeps the keyboard inside, and
// gives Esc its meaning.
import { useEffect, useId, useRef } from "../vendor/preact-hooks.js";
import { signal } from "../vendor/preact-signals.js";
import { html } from "../core/html.js";
import { Icon } from "./icon.js";
import { Toasts } from "./toast.js";

const stack = signal([]);
let lastId = 0;

/** Open a window. view: called with `close`, returns its content. */
export function openDialog(view) {
  const id = ++lastId;
  const close = () => {
    stack.value = stack.value.filter((dialog) => dialog.id !== id);
  };
  stack.value = [...stack.value, { id, view, close }];
  return close;
}

/** Messages go into the uppermost window while there is one: whatever lies under it can be neither read nor pressed. */
export const Dialogs = () => html`
  ${stack.value.map(({ id, view, close }) => html`<${Opened} key=${id} view=${view} close=${close} />`)}
  ${stack.value.length === 0 && html`<${Toasts} />`}`;

const Opened = ({ view, close }) => view(close);

/** The frame of a window: a heading, its content, and a way out. kind: "grave" for what cannot be taken back. */
export function Dialog({ title, close, kind = "", children }) {
  const frame = useRef(null);
  const heading = useId(); // a question may stand over another window
  useEffect(() => {
    const opener = document.activeElement;
    frame.current.showModal();
    return () => opener?.isConnected && opener.focus();
  }, []);
  const cancel = (event) => {
    event.preventDefault(); // it goes when its owner takes it away
    close();
  };
  const outside = (event) => {
    if (event.target !== frame.current) return;
    close();
    pressThrough(event);
  };
  return html`
    <dialog ref=${frame} class=${kind} aria-labelledby=${heading} onCancel=${cancel} onMouseDown=${outside}>
      <div class="window">
        <header>
          <h2 id=${heading}>${title}</h2>
          <button type="button" class="quiet square" aria-label="Close" onClick=${close}><${Icon} name="cross" /></button>
        </header>
        ${children}
      </div>
      <${Toasts} />
    </dialog>`;
}

/** The emergency stop shines through the curtain behind a window: whoever presses it there means it. */
function pressThrough({ clientX: x, clientY: y }) {
  const button = document.querySelector(".stop-all");
  const { left, right, top, bottom } = button?.getBoundingClientRect() ?? {};
  if (x >= left && x <= right && y >= top && y <= bottom) button.click();
}

/** Ask before something that hurts. Resolves to whether it was said yes to. firm: yes is what Enter means. */
export function confirm({ title, text, yes, no, firm = false }) {
  return new Promise((resolve) => {
    openDialog((close) => {
      const answer = (said) => {
        close();
        resolve(said);
      };
      return html`<${Question} ...${{ title, text, yes, no, firm, answer }} />`;
    });
  });
}

function Question({ title, text, yes, no, firm, answer }) {
  const first = useRef(null);
  useEffect(() => first.current?.focus(), []);
  return html`
    <${Dialog} title=${title} kind="grave" close=${() => answer(false)}>
      <p>${text}</p>
      <footer>
        <button type="button" ref=${firm ? null : first} onClick=${() => answer(false)}>${no}</button>
        <button type="button" class="danger" ref=${firm ? first : null} onClick=${() => answer(true)}>${yes}</button>
      </footer>
    <//>`;
}
