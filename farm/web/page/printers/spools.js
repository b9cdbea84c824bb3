// What filament is in a printer, how much of it is left, and putting another spool in.
import { useEffect, useState } from "../vendor/preact-hooks.js";
import { getAll, post } from "../core/api.js";
import { html } from "../core/html.js";
import { mayOperate } from "../core/session.js";
import { say, sayProblem } from "../parts/toast.js";

const NEW = "new";
const labelOf = ({ material, colour, name }) => [name, material, colour].filter(Boolean).join(" ");
const leftOf = ({ left_g: left }) => (left == null ? "nobody knows how much is left" : `${Math.round(left)} g left`);

export function Spools({ printer }) {
  const [spools, setSpools] = useState(null);
  const look = () => getAll("/v1/spools").then(setSpools, () => {});
  useEffect(() => {
    look();
  }, [printer.id]);
  if (!spools) return null;
  const change = async (path, body) => {
    try {
      say(`${printer.name}: ${labelOf(await post(path, body))}.`);
    } catch (problem) {
      sayProblem(problem);
    }
    await look();
  };
  const here = spools.filter((spool) => spool.printer === printer.id);
  return html`
    <details class="hands-on">
      <summary>Filament${here.length > 0 && `: ${here.map(labelOf).join(", ")}`}</summary>
      ${here.map((spool) => html`
        <p key=${spool.id}>
          ${here.length > 1 && `Tool ${spool.tool + 1}: `}${labelOf(spool)}, ${leftOf(spool)}${" "}
          ${spool.reserved_g > 0 && `(${Math.round(spool.reserved_g)} g spoken for) `}
          ${mayOperate.value && html`
            <button type="button" onClick=${() => change(`/v1/spools/${spool.id}/unload`)}>
              Take out<span class="unseen"> ${labelOf(spool)}</span>
            </button>`}
        </p>`)}
      ${mayOperate.value && html`<${Load} printer=${printer} shelf=${spools.filter((spool) => !spool.printer)} change=${change} />`}
    </details>`;
}

/** A spool from the shelf, or one that was just bought. */
function Load({ printer, shelf, change }) {
  const [chosen, setChosen] = useState(NEW);
  const [tool, setTool] = useState(1);
  const [fresh, setFresh] = useState({ material: "PLA", colour: "", full_g: 1000 });
  const set = (field) => ({ target }) => setFresh({ ...fresh, [field]: target.value });
  const submit = async (event) => {
    event.preventDefault();
    try {
      const { material, colour, full_g: grams } = fresh;
      const wish = { material: material.trim(), colour: colour.trim() || null, full_g: Number(grams) };
      const id = chosen === NEW ? (await post("/v1/spools", wish)).id : chosen;
      await change(`/v1/spools/${id}/load`, { printer: printer.id, tool: tool - 1 });
      setChosen(NEW);
    } catch (problem) {
      sayProblem(problem);
    }
  };
  return html`
    <form class="actions" onSubmit=${submit}>
      <label for="spool">Put in</label>
      <select id="spool" value=${chosen} onChange=${({ target }) => setChosen(target.value)}>
        <option value=${NEW}>A new spool</option>
        ${shelf.map((spool) => html`<option key=${spool.id} value=${spool.id}>${labelOf(spool)}, ${leftOf(spool)}</option>`)}
      </select>
      ${chosen === NEW && html`
        <label for="spool-material">Material</label>
        <input id="spool-material" required value=${fresh.material} onInput=${set("material")} maxlength="40" />
        <label for="spool-colour">Colour</label>
        <input id="spool-colour" value=${fresh.colour} onInput=${set("colour")} maxlength="40" />
        <label for="spool-grams">Grams</label>
        <input id="spool-grams" required type="number" min="1" max="50000" value=${fresh.full_g} onInput=${set("full_g")} />`}
      <label for="spool-tool">Tool</label>
      <input id="spool-tool" type="number" min="1" max="16" required value=${tool}
        onInput=${({ target }) => setTool(Number(target.value))} />
      <button>Put in</button>
    </form>`;
}
