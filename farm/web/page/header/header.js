// The bar that stays: where one is, who one is, and the emergency stop.
import { signal } from "../vendor/preact-signals.js";
import { post } from "../core/api.js";
import { VERSION } from "../core/farm.js";
import { html } from "../core/html.js";
import { keep, kept } from "../core/kept.js";
import { leave, maySetUp, mayOperate, me } from "../core/session.js";
import { line, printerIds } from "../core/store.js";
import { zone } from "../core/time.js";
import { Dialog, openDialog } from "../parts/dialog.js";
import { Icon } from "../parts/icon.js";
import { sayProblem } from "../parts/toast.js";
import { openSlicer } from "../slicer/slicer.js";
import { askToStopAll } from "./emergency.js";

export const Header = () => html`
  <header class="bar">
    <h1><img src="/page/icon.svg" alt="" width="28" height="28" /> <span class="name-of-farm">Printer farm</span></h1>
    <${Link} />
    <div class="tools">
      <${ThemeButton} />
      <button type="button" class="quiet" aria-label=${`Account of ${me.value?.name}`} onClick=${openAccount}>
        <${Icon} name="user" /> <span class="wide-only">${me.value?.name}</span>
      </button>
      ${mayOperate.value && printerIds.value.length > 0 && html`
        <button type="button" class="danger stop-all" onClick=${askToStopAll}>
          <${Icon} name="octagon" /> Emergency stop
        </button>`}
    </div>
  </header>`;

/** Whether what one sees is how it is, and in which zone its times are. */
const Link = () => html`
  <p class="link">
    <span class=${line.value.open ? "dot tone-ready" : "dot tone-alarm"}></span>
    <span class=${line.value.open ? "calm-word" : ""}>${wordFor(line.value)}</span>
    <span class="wide-only zone">Times in ${zone()}</span>
  </p>`;

const wordFor = ({ open, fresh }) => (open ? "Live" : fresh ? "Not connected" : "Connecting");

const THEMES = {
  auto: ["Theme: as this device", "sun", "light"],
  light: ["Theme: light", "sun", "dark"],
  dark: ["Theme: dark", "moon", "auto"],
};
const theme = signal(kept("theme") ?? "auto");

/** Light, dark, or as the device has it: each press is the next. */
function ThemeButton() {
  const [label, icon, next] = THEMES[theme.value] ?? THEMES.auto;
  const choose = () => {
    theme.value = next;
    keep("theme", next === "auto" ? null : next);
    dispatchEvent(new Event("theme-chosen"));
  };
  return html`
    <button type="button" class="quiet square" aria-label=${label} title=${label} onClick=${choose}>
      <${Icon} name=${icon} />
    </button>`;
}

const openAccount = () => openDialog((close) => html`<${Account} close=${close} />`);

const Account = ({ close }) => html`
  <${Dialog} title=${me.value.name} close=${close}>
    <dl class="facts">
      <div><dt>Role</dt><dd>${me.value.role}</dd></div>
      <div><dt>Times</dt><dd>${zone()}</dd></div>
      <div><dt>Version</dt><dd>Printer farm ${VERSION}</dd></div>
    </dl>
    <div class="actions">
      ${maySetUp.value && html`
        <button type="button" onClick=${() => openSlicer()}><${Icon} name="slicer" /> Connect a slicer</button>`}
      <button type="button" onClick=${logOut}><${Icon} name="power" /> Log out</button>
    </div>
  <//>`;

async function logOut() {
  try {
    await post("/v1/auth/logout");
    leave();
  } catch (problem) {
    sayProblem(problem);
  }
}
