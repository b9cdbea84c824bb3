// One printer on the wall: how it stands in colour, word and icon, what it prints, and what it can be told.
import { useState } from "../vendor/preact-hooks.js";
import { html } from "../core/html.js";
import { mayOperate } from "../core/session.js";
import { printerOf } from "../core/store.js";
import { duration } from "../core/time.js";
import { heaterName, inOrder, sentence, standing } from "../core/words.js";
import { acceptFiles, carriesFiles } from "../files/drop.js";
import { Picture } from "../files/picture.js";
import { askToStop } from "../header/emergency.js";
import { Icon, State } from "../parts/icon.js";
import { Moment } from "../parts/moment.js";
import { Controls } from "./controls.js";
import { WhatLies } from "./plate.js";
import { openPrinter } from "./sheet.js";

export function Tile({ id }) {
  const printer = printerOf(id)?.value;
  const dropping = useDrop(printer);
  if (!printer) return null;
  const { name, status } = printer;
  const stands = standing(printer);
  return html`
    <li>
      <article class=${`tile tone-${stands.tone}${dropping.over ? " over" : ""}`} aria-labelledby=${`name-${id}`}
        ...${dropping.handlers}>
        <header>
          <${State} ...${stands} />
          ${mayOperate.value && html`
            <button type="button" class="stop" aria-label=${`Emergency stop ${name}`} title="Emergency stop"
              onClick=${() => askToStop(printer)}>
              <${Icon} name="octagon" />
            </button>`}
        </header>
        <h3 id=${`name-${id}`}><button type="button" class="name" onClick=${() => openPrinter(id)}>${name}</button></h3>
        ${status.print ? html`<${Print} print=${status.print} name=${name} />` : html`<${Rest} printer=${printer} />`}
        <${Heat} temperatures=${status.temperatures} />
        ${mayOperate.value && html`<${Controls} printer=${printer} />`}
      </article>
    </li>`;
}

function Print({ print, name }) {
  const { progress, elapsed_s: gone, remaining_s: left, ends_at: ends } = print;
  return html`
    <div class="print">
      <p class="file" title=${print.name}><${Picture} file=${print.file} width=${32} />${print.name}</p>
      <progress max="1" value=${progress ?? undefined} aria-label=${`Progress on ${name}`}></progress>
      <p class="facts">
        ${progress != null && html`<b>${Math.floor(progress * 100)} %</b>`}
        ${left != null && html`<span>${duration(left)} left</span>`}
        ${left == null && gone != null && html`<span>${duration(gone)} so far</span>`}
        ${left != null && ends && html`<span class="ends">done <${Moment} at=${ends} /></span>`}
      </p>
    </div>`;
}

/** What there is to say of a printer that prints nothing of ours. */
function Rest({ printer }) {
  const { status } = printer;
  const said = sentence(status.message) || (status.plate === "clear" && sentence(status.doubt));
  const text = status.foreign ? "A print that was started at the printer." : said;
  return html`<p class="rest">${text || html`<${WhatLies} printer=${printer} />`}</p>`;
}

function Heat({ temperatures }) {
  const heaters = inOrder(temperatures).map((heater) => [heater, temperatures[heater]]).filter(([, { actual }]) => actual != null);
  return heaters.length > 0 && html`
    <dl class="heat">${heaters.map(([heater, { actual, target }]) => html`
      <div key=${heater} class=${target ? "hot" : ""}>
        <dt>${heaterName(heater, temperatures)}</dt>
        <dd>${Math.round(actual)}${target ? ` / ${Math.round(target)}` : ""} °C</dd>
      </div>`)}
    </dl>`;
}

/** A file dropped on a tile is meant for this printer. */
function useDrop(printer) {
  const [over, setOver] = useState(false);
  if (!mayOperate.value) return { over: false, handlers: {} };
  const onDragOver = (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    setOver(true);
  };
  const onDrop = (event) => {
    setOver(false);
    acceptFiles(event, printer.id);
  };
  return { over, handlers: { onDragOver, onDrop, onDragLeave: () => setOver(false) } };
}
