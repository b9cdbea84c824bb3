// Short messages at the foot of the page: what was just done, and for a while the way back.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { signal } from "../vendor/preact-signals.js";
import { html } from "../core/html.js";
import { Icon } from "./icon.js";

const MOST = 5; // that are shown; the oldest goes
const SECONDS = 6;
const SECONDS_FOR_A_PROBLEM = 20;
const SOON = 100; // seconds from which on it is counted down how long a button is there

const toasts = signal([]);
let lastId = 0;

/** Say something. action: {label, icon, run} for a button beside it, as long as it is there. */
export function say(text, { wrong = false, action = null, seconds } = {}) {
  const id = ++lastId;
  const ends = Date.now() + 1000 * (seconds ?? (wrong ? SECONDS_FOR_A_PROBLEM : SECONDS));
  toasts.value = [...toasts.value, { id, text, wrong, action, ends }].slice(-MOST);
  return () => close(id);
}

/** Say what went wrong. before: what was tried, as in "MK4: ". */
export const sayProblem = (problem, before = "") => say(before + problem.message, { wrong: true });

function close(id) {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export const Toasts = () => html`
  <section class="toasts" aria-label="Messages">
    <div role="status">${toasts.value.filter(({ wrong }) => !wrong).map(one)}</div>
    <div role="alert">${toasts.value.filter(({ wrong }) => wrong).map(one)}</div>
  </section>`;

const one = (toast) => html`<${Toast} key=${toast.id} ...${toast} />`;

function Toast({ id, text, wrong, action, ends }) {
  const left = useSecondsUntil(ends, () => close(id));
  const act = () => {
    close(id);
    action.run();
  };
  return html`
    <div class=${wrong ? "toast wrong" : "toast"}>
      <span>${text}</span>
      ${action && html`
        <button type="button" class="primary" onClick=${act}>
          <${Icon} name=${action.icon} /> ${action.label}
          ${left < SOON && html`<span class="countdown" aria-hidden="true">${left}</span>`}
        </button>`}
      <button type="button" class="quiet square" aria-label="Close" onClick=${() => close(id)}>
        <${Icon} name="cross" />
      </button>
    </div>`;
}

function useSecondsUntil(ends, over) {
  const [left, setLeft] = useState(secondsUntil(ends));
  useEffect(() => {
    const timer = setInterval(() => {
      setLeft(secondsUntil(ends));
      if (Date.now() >= ends) over();
    }, 250);
    return () => clearInterval(timer);
  }, [ends]);
  return left;
}

const secondsUntil = (ends) => Math.max(0, Math.ceil((ends - Date.now()) / 1000));
