// What the server said about itself in the page's own frame.
const { version, endings, maxUpload, undoS, idleS } = document.body.dataset;

export const VERSION = version;
export const ENDINGS = endings.split(",");
export const MAX_UPLOAD = Number(maxUpload);
export const UNDO_S = Number(undoS);
export const IDLE_S = Number(idleS);
