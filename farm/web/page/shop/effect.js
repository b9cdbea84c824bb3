// What a change would do to the plan, before it is saved.
import { html } from "../core/html.js";
import { sentence } from "../core/words.js";
import { inWords } from "./rules.js";

/** effect: as a dry run answers it. */
export function Effect({ of, effect: { unknown, sentences, figures } }) {
  const different = figures.filter(({ now, then }) => now !== then);
  if (unknown) return html`<p class="answer">${of}: what it would do to the plan is not known. ${sentence(unknown)}</p>`;
  return html`
    <section class="effect" aria-label=${of}>
      <h3>${of}</h3>
      ${different.length > 0 && html`<${Figures} figures=${different} />`}
      <ul class="told">${sentences.map((text, number) => html`<li key=${number}>${text}</li>`)}</ul>
    </section>`;
}

const Figures = ({ figures }) => html`
  <table>
    <thead><tr><th scope="col">The plan</th><th scope="col">Now</th><th scope="col">Then</th></tr></thead>
    <tbody>
      ${figures.map(({ name, called, unit, now, then }) => html`
        <tr key=${name}>
          <th scope="row">${called}</th>
          <td>${inWords(unit, now)}</td>
          <td class=${then > now ? "worse" : "better"}>
            ${inWords(unit, then)} <span class="unseen">${then > now ? "(worse)" : "(better)"}</span>
          </td>
        </tr>`)}
    </tbody>
  </table>`;
