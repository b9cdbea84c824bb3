// The picture that the slicer drew into a file, where there is one.
import { html } from "../core/html.js";
import { files } from "../core/store.js";

/** file: its id. width: in CSS pixels. */
export function Picture({ file, width }) {
  const { state, result } = files.value.get(file)?.analysis ?? {};
  if (!result?.thumbnails?.length) return null;
  const source = `/v1/files/${encodeURIComponent(file)}/thumbnail?width=${Math.round(width * devicePixelRatio)}`;
  // The farm knows of it before it has it: until the file was read there is nothing to show.
  return html`
    <img key=${state} class="picture" src=${source} alt="" width=${width} height=${width} loading="lazy"
      onError=${({ target }) => (target.hidden = true)} />`;
}
