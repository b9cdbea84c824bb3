// Changing how a printer is called and reached. A print that runs on it goes on.
import { useState } from "../vendor/preact-hooks.js";
import { patch } from "../core/api.js";
import { html } from "../core/html.js";
import { Dialog, openDialog } from "../parts/dialog.js";
import { say } from "../parts/toast.js";
import { Ejecting, ejectingChanges, ejectingOf, mayEject } from "./ejecting.js";

const PLAIN = { autocomplete: "off", autocapitalize: "none", spellcheck: false }; // of fields that hold no prose

export const openChange = (printer) => openDialog((close) => html`<${Change} printer=${printer} close=${close} />`);

function Change({ printer, close }) {
  const { name, tags, enabled, connection, profile } = printer;
  const user = connection.username ?? "";
  const before = { name, tags: tags.join(", "), url: connection.url ?? "", user, password: "", key: "", enabled, ...ejectingOf(profile) };
  const [now, setNow] = useState(before);
  const [wrong, setWrong] = useState("");
  const set = (field) => ({ target }) =>
    setNow({ ...now, [field]: target.type === "checkbox" ? target.checked : target.value });
  const submit = async (event) => {
    event.preventDefault();
    if (!(await mayEject(before, now))) return;
    try {
      await patch(`/v1/printers/${encodeURIComponent(printer.id)}`, changes(before, now));
      close();
      say(`${now.name} is changed.`);
    } catch (problem) {
      setWrong(problem.message);
    }
  };
  return html`
    <${Dialog} title=${`Change ${name}`} close=${close}>
      <form onSubmit=${submit}>
        <label for="change-name">Name</label>
        <input id="change-name" required maxlength="100" value=${now.name} onInput=${set("name")} autocomplete="off" />
        <label for="change-tags">Tags</label>
        <input id="change-tags" value=${now.tags} onInput=${set("tags")} ...${PLAIN} aria-describedby="about-tags" />
        <p id="about-tags" class="hint">Words for groups of printers, with commas between: row-a, petg. Jobs and slicers can
          be sent to a group.</p>
        ${connection.kind !== "simulated" && html`
          <label for="change-address">Address</label>
          <input id="change-address" required value=${now.url} onInput=${set("url")} ...${PLAIN} inputmode="url" />
          ${user && html`
            <label for="change-user">User</label>
            <input id="change-user" required value=${now.user} onInput=${set("user")} ...${PLAIN} />`}
          <label for="change-secret">New ${user ? "password" : "API key"}</label>
          <input id="change-secret" type=${user ? "password" : "text"} value=${now[user ? "password" : "key"]}
            onInput=${set(user ? "password" : "key")} ...${PLAIN} aria-describedby="about-new-secret" />
          <p id="about-new-secret" class="hint">Leave it empty to keep the one it has.</p>`}
        <label class="check">
          <input type="checkbox" checked=${now.enabled} onChange=${set("enabled")} /> In use: the farm keeps in touch with it
        </label>
        <${Ejecting} now=${now} set=${set} />
        <div role="alert">${wrong && html`<p class="answer wrong">${wrong}</p>`}</div>
        <footer>
          <button type="button" onClick=${close}>Back</button>
          <button class="primary">Change</button>
        </footer>
      </form>
    <//>`;
}

/** Only what is different. */
function changes(before, now) {
  const { name, tags, url, user, password, key, enabled } = now;
  const profile = ejectingChanges(before, now);
  const connection = {
    ...(url !== before.url && { url: url.trim() }),
    ...(user !== before.user && { username: user.trim() }),
    ...(password && { password }),
    ...(key && { api_key: key.trim() }),
  };
  return {
    ...(name !== before.name && { name: name.trim() }),
    ...(tags !== before.tags && { tags: tags.split(",").map((tag) => tag.trim()).filter(Boolean) }),
    ...(enabled !== before.enabled && { enabled }),
    ...(Object.keys(connection).length > 0 && { connection }),
    ...(Object.keys(profile).length > 0 && { profile }),
  };
}
