// Adding a printer: its address, who answers there in words, and then its name.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { get, post, Problem } from "../core/api.js";
import { html } from "../core/html.js";
import { printerOf } from "../core/store.js";
import { Dialog, openDialog } from "../parts/dialog.js";
import { say, sayProblem } from "../parts/toast.js";

export const openAddPrinter = () => openDialog((close) => html`<${AddPrinter} close=${close} />`);

const KINDS = { octoprint: "OctoPrint", moonraker: "Moonraker", prusalink: "PrusaLink", serial: "A printer on USB" };
const ADDRESS_FIELDS = new Set(["url", "connection.url"]);
const KEY_FIELDS = new Set(["api_key", "connection.api_key"]);
const USER_FIELDS = new Set(["username", "connection.username", "password", "connection.password"]);

function AddPrinter({ close }) {
  const [address, setAddress] = useState({ url: "", api_key: "", username: "", password: "" });
  const [name, setName] = useState("");
  const [found, setFound] = useState(null); // who answers at the address as it is typed now
  const [wrong, setWrong] = useState(null);
  const [busy, setBusy] = useState(false);
  const [models, setModels] = useState([]);
  const [model, setModel] = useState("");
  useEffect(() => {
    get("/v1/printer-models").then(({ items }) => setModels(items.map(({ name: each }) => each)), () => {});
  }, []);

  const change = (field) => (event) => {
    setAddress({ ...address, [field]: event.target.value });
    setFound(null);
  };
  const attempt = async (work) => {
    setBusy(true);
    setWrong(null);
    try {
      await work();
    } catch (problem) {
      setWrong(problem);
    }
    setBusy(false);
  };
  const [around, setAround] = useState(null); // who announces a print host in the network
  const lookAround = () => attempt(async () => {
    const { items, problem } = await get("/v1/discovery");
    if (problem) throw new Problem(problem);
    setAround(items.filter(({ known }) => !known));
  });
  const take = ({ url, name: called }) => {
    setAddress({ ...address, url });
    setFound(null);
    setName(called);
    setTimeout(() => document.getElementById("printer-key")?.focus());
  };
  const look = () => attempt(async () => {
    const probed = await post("/v1/printers/probe", connectionOf(address));
    if (!probed.kind) throw new Problem(probed.problem);
    setFound(probed);
    setName(name || probed.identity?.name || "");
    setTimeout(() => document.getElementById("printer-name")?.focus());
  });
  const add = () => attempt(async () => {
    const label = name.trim();
    const connection = { kind: found.kind, ...connectionOf(address) };
    await post("/v1/printers", { id: freeId(label), name: label, connection, ...(model && { profile: { model } }) });
    close();
    say(`${label} is added. Look at its plate and clear it, then it prints.`);
  });
  const submit = (event) => {
    event.preventDefault();
    if (found) add();
    else look();
  };

  return html`
    <${Dialog} title="Add printer" close=${close}>
      <form onSubmit=${submit}>
        <label for="printer-address">Address</label>
        <input id="printer-address" required value=${address.url} onInput=${change("url")} placeholder="http://192.168.1.20"
          inputmode="url" autocomplete="off" autocapitalize="none" spellcheck=${false} aria-describedby="about-address"
          aria-invalid=${ADDRESS_FIELDS.has(wrong?.field)} autofocus />
        <p id="about-address" class="hint">What you type into a browser to see this printer.</p>
        <div class="actions">
          <button type="button" disabled=${busy} onClick=${lookAround}>Look around</button>
          ${around?.map((each) => html`
            <button type="button" key=${each.url} onClick=${() => take(each)}>${each.name} at ${each.url}</button>`)}
        </div>
        ${around?.length === 0 && html`<p class="hint">No new print host announces itself here.</p>`}
        <label for="printer-key">API key</label>
        <input id="printer-key" value=${address.api_key} onInput=${change("api_key")} autocomplete="off" autocapitalize="none"
          spellcheck=${false} aria-describedby="about-key" aria-invalid=${KEY_FIELDS.has(wrong?.field)} />
        <p id="about-key" class="hint">In OctoPrint: Settings, Application Keys. In Mainsail or Fluidd: Settings. On a Prusa's
          screen: Settings, Network, PrusaLink. Empty where none is asked for.</p>
        <${User} address=${address} change=${change} wrong=${USER_FIELDS.has(wrong?.field)} />
        <div role="status">
          ${busy && html`<p class="answer">One moment …</p>`}
          ${!busy && wrong && html`<p class="answer wrong">${wrong.message}</p>`}
          ${!busy && found && html`<p class="answer good">${whoAnswers(found)}</p>`}
        </div>
        ${found && html`
          <label for="printer-name">Name</label>
          <input id="printer-name" required maxlength="100" value=${name} onInput=${(event) => setName(event.target.value)}
            placeholder="MK4 left" autocomplete="off" aria-describedby="about-name" />
          <p id="about-name" class="hint">What you call it in the shop.</p>
          ${models.length > 0 && html`
            <label for="printer-model">Model</label>
            <select id="printer-model" value=${model} onChange=${({ target }) => setModel(target.value)}
              aria-describedby="about-model">
              <option value="">Another</option>
              ${models.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
            </select>
            <p id="about-model" class="hint">What such a printer can do is filled in: its size and hottest temperatures.</p>`}`}
        <footer>
          <button type="button" onClick=${close}>Back</button>
          <button class="primary" disabled=${busy} aria-busy=${busy}>${found ? "Add printer" : "Look who answers"}</button>
        </footer>
      </form>
    <//>`;
}

/** A PrusaLink or a Moonraker may have been set up with a user and a password, and no key. */
const User = ({ address, change, wrong }) => html`
  <details open=${Boolean(address.username)}>
    <summary>User and password instead, of a PrusaLink or a Moonraker</summary>
    <label for="printer-user">User</label>
    <input id="printer-user" value=${address.username} onInput=${change("username")} autocomplete="off" autocapitalize="none"
      spellcheck=${false} aria-invalid=${wrong} />
    <label for="printer-password">Password</label>
    <input id="printer-password" type="password" required=${Boolean(address.username)} value=${address.password}
      onInput=${change("password")} autocomplete="new-password" aria-invalid=${wrong} />
  </details>`;

/** A printer to try things out on, which the farm runs itself. */
export async function addSimulated() {
  const name = "Simulated printer";
  try {
    await post("/v1/printers", { id: freeId("sim"), name, connection: { kind: "simulated", speed: 20 } });
    say(`${name} is added. Look at its plate and clear it, then it prints.`);
  } catch (problem) {
    sayProblem(problem);
  }
}

/** Without a scheme people mean http. */
function connectionOf({ url, api_key: key, username, password }) {
  const typed = url.trim();
  const user = username.trim();
  return {
    url: /^[a-z]+:\/\//i.test(typed) ? typed : `http://${typed}`,
    ...(user ? { username: user, password } : { api_key: key.trim() }),
  };
}

function whoAnswers({ kind, identity }) {
  const version = identity?.version ? ` ${identity.version}` : "";
  const called = identity?.name ? `, called “${identity.name}”` : "";
  return `${KINDS[kind] ?? kind}${version} answers${called}.`;
}

/** An id made of the name, which nobody has to think about: "MK4 left" is mk4-left. */
function freeId(name) {
  const plain = name.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 34);
  const stem = plain || "printer";
  for (let number = 1; ; number++) {
    const id = number === 1 ? stem : `${stem}-${number}`;
    if (!printerOf(id)) return id;
  }
}
