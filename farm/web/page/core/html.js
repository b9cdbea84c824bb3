// Components are written as `html`<p>${text}</p>``: whatever stands in ${} is text, never markup.
import { h } from "../vendor/preact.js";
import htm from "../vendor/htm.js";

export const html = htm.bind(h);
