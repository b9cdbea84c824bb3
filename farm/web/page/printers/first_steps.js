// What somebody sees who has just set up the farm.
import { html } from "../core/html.js";
import { maySetUp } from "../core/session.js";
import { openSlicer } from "../slicer/slicer.js";
import { Icon } from "../parts/icon.js";
import { addSimulated, openAddPrinter } from "./add.js";

export const FirstSteps = () => html`
  <div class="first">
    <h3>Start here</h3>
    ${maySetUp.value ? html`
      <ol>
        <li><b>Add a printer.</b> You need the address of its OctoPrint and an API key from its settings.</li>
        <li><b>Look at its plate</b> and say that it is clear: nothing ever starts on a plate nobody has looked at.</li>
        <li><b>Send a file:</b> drop it here, or let your slicer send it.</li>
      </ol>
      <div class="actions">
        <button type="button" class="primary" onClick=${openAddPrinter}><${Icon} name="plus" /> Add printer</button>
        <button type="button" onClick=${() => openSlicer()}><${Icon} name="slicer" /> Connect a slicer</button>
      </div>
      <p>No printer at hand?${" "}
        <button type="button" class="link-like" onClick=${addSimulated}>Try a simulated one</button>: it exists only in the
        computer, prints twenty times as fast, and can be taken out again.</p>`
      : html`<p>An administrator can add them.</p>`}
  </div>`;
