// Components are written as `html`<p>${text}</p>``: whatever stands in ${} is text, never markup.
import { h, options } from "../vendor/preact.js";
import htm from "../vendor/htm.js";

export const html = htm.bind(h);

// Each rendering of a component that did not change leads on to the next one, and somewhere the first is always
// kept (an element keeps its children as they were given, htm keeps what never changes). So a page that is open
// for days would keep all it ever showed. Therefore a rendering lets go of what lies in it as soon as there is the
// next. The short names are what Preact hands to extensions: __c is a rendering's component, __k what lies in it.
const renderings = new WeakMap();
const { diffed } = options;

options.diffed = (rendering) => {
  const component = rendering.__c;
  const last = renderings.get(component);
  if (last && last !== rendering) last.__k = null;
  if (component) renderings.set(component, rendering);
  diffed?.(rendering);
};
