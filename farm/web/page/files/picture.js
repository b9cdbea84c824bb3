// The picture that the slicer drew into a file, where there is one.
import { html } from "../core/html.js";
import { files } from "../core/store.js";

/** file: its id. width: in CSS pixels. */
export function Picture({ file, width }) {
  const pictures = files.value.get(file)?.analysis.result?.thumbnails ?? [];
  if (pictures.length === 0) return null;
  const source = `/v1/files/${encodeURIComponent(file)}/thumbnail?width=${Math.round(width * devicePixelRatio)}`;
  return html`<img class="picture" src=${source} alt="" width=${width} height=${width} loading="lazy" />`;
}
