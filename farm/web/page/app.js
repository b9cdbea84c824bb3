// The farm's page: puts its parts together, and starts to listen.
import { render } from "./vendor/preact.js";
import { html } from "./core/html.js";
import { keepLoggedIn, recognise } from "./core/session.js";
import { line, start } from "./core/store.js";
import { PageDrop } from "./files/drop.js";
import { Files, SendFiles } from "./files/list.js";
import { Alarms } from "./header/alarms.js";
import { Header } from "./header/header.js";
import { Tabs } from "./header/tabs.js";
import { watchVersion } from "./header/version.js";
import { Needs } from "./needs/strip.js";
import { Dialogs } from "./parts/dialog.js";
import { ThePlan } from "./plan/plan.js";
import { Wall } from "./printers/wall.js";
import { Queue } from "./queue/list.js";

const TRY_AGAIN_MS = 2000;

const Farm = () => html`
  <a class="skip" href="#needs-heading">To what needs you</a>
  <${Header} />
  <${Alarms} />
  <main class=${line.value.since ? "stale" : ""}>
    <${Needs} />
    <${ThePlan} />
    <${Wall} />
    <div class="side">
      <${SendFiles} />
      <${Queue} />
      <${Files} />
    </div>
  </main>
  <${Tabs} />
  <${Dialogs} />
  <${PageDrop} />`;

async function open() {
  try {
    await recognise();
  } catch {
    setTimeout(open, TRY_AGAIN_MS); // the farm is starting, or the network is away
    return;
  }
  const root = document.getElementById("farm");
  root.replaceChildren();
  render(html`<${Farm} />`, root);
  start();
  keepLoggedIn();
  watchVersion();
}

open();
