// A moment as short as it is clear, with nothing left out for whoever points at it.
import { html } from "../core/html.js";
import { inFull, moment } from "../core/time.js";

export const Moment = ({ at }) => html`<time datetime=${at} title=${inFull(at)}>${moment(at)}</time>`;
