// Icons, drawn on a grid of 24 by 24. They stand beside a word or on a button with a label, and are never read out.
import { html } from "../core/html.js";

const PATHS = {
  bell: "M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 21h4",
  check: "M5 12.5l4.5 4.5L19 7.5",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2",
  copy: "M9 9h10v11H9zM5 15V4h10",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  dots: "M5 12h.01M12 12h.01M19 12h.01",
  down: "M6 9.5l6 6 6-6",
  file: "M6 3.5h8l4.5 4.5v12.5h-12.5zM14 3.5v5h4.5",
  flame: "M12 3c1 3.5 5 5 5 10a5 5 0 0 1-10 0c0-2 1-3.5 2-4.5 .5 1.5 1 2 2 2.5 .5-3 .5-5 1-8z",
  hand: "M7.5 12V6.5a1.5 1.5 0 0 1 3 0V11M10.5 11V4.5a1.5 1.5 0 0 1 3 0V11M13.5 11V6a1.5 1.5 0 0 1 3 0v8c0 4-2 6.5-5.5 6.5S6.5 18 4.5 14.5c-.5-1.5 1-2.5 2-1.5l1 1.5",
  key: "M8.5 11.5a4 4 0 1 0 0 .01M12.5 11.5H21M17.5 11.5v3.5M20.5 11.5v2.5",
  layers: "M12 4l8.5 4.5L12 13 3.5 8.5zM4 13l8 4.5 8-4.5",
  list: "M8.5 6.5H20M8.5 12H20M8.5 17.5H20M4.5 6.5h.01M4.5 12h.01M4.5 17.5h.01",
  minus: "M6 12h12",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  nozzle: "M8 3.5h8v6l-3 4.5v2h-2v-2L8 9.5zM5 20.5h14",
  octagon: "M8.5 3.5h7l5 5v7l-5 5h-7l-5-5v-7zM12 8v5M12 16.300v.01",
  pause: "M8.5 6v12M15.5 6v12",
  plate: "M3.5 18.5h17M7.5 18.5v-5.5h6v5.5M10.5 13V9.5h5.5v9",
  play: "M8 5.5l10.5 6.5L8 18.5z",
  plus: "M12 5.5v13M5.5 12h13",
  power: "M12 3.5v8M7.200 6.800a7.5 7.5 0 1 0 9.600 0",
  printer: "M5 20.5V4.5h14v16M5 4.5v16h14M12 4.5v4.5M9.5 9h5l-1 3h-3zM8.5 20.5v-4h7v4",
  question: "M9 9.200a3 3 0 1 1 4.300 2.700c-1 .6-1.300 1.100-1.300 2.100M12 17.300v.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
  search: "M10.5 4.5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5",
  slicer: "M12 3.5l7.5 4.200v8.600L12 20.5l-7.5-4.200V7.700zM4.5 10.5L12 14.5l7.5-4M4.5 13.5L12 17.5l7.5-4",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400",
  undo: "M8.5 5.5L4.5 9.5l4 4M5 9.5h9a5 5 0 0 1 0 10h-4",
  unplugged: "M9 3.5v3.5M15 3.5v3.5M6.5 7h11v3.5a5.5 5.5 0 0 1-11 0zM12 16v4.5M4 4l16 16",
  upload: "M12 16V4.5M7.5 9L12 4.5 16.5 9M4.5 15.5v4h15v-4",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20.5c.8-4 3.800-6 7.5-6s6.700 2 7.5 6",
  warning: "M12 4L2.800 19.800h18.400zM12 10v4.5M12 17.200v.01",
  wrench: "M20 7.5a4.800 4.800 0 0 1-6.5 5.200L7 19.5 4.5 17l6.800-6.5A4.800 4.800 0 0 1 16.5 4l-2.300 2.5 .3 2.700 2.700 .3z",
};

export const Icon = ({ name, size = 20 }) => html`
  <svg class="icon" width=${size} height=${size} viewBox="0 0 24 24" fill="none" stroke="currentColor"
    stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} />
  </svg>`;

/** A state as its icon and word in its colour. */
export const State = ({ word, tone, icon }) => html`
  <span class=${`state tone-${tone}`}><${Icon} name=${icon} size=${16} /> ${word}</span>`;
