// What the server said about itself in the page's own frame.
const { version, endings, maxUpload, undoS } = document.body.dataset;

export const VERSION = version;
export const ENDINGS = endings.split(",");
export const MAX_UPLOAD = Number(maxUpload);
export const UNDO_S = Number(undoS);
