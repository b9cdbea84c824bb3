// Files on their way to the farm: a few at a time, each with its progress, its way out and its second try.
import { signal } from "../vendor/preact-signals.js";
import { post, Problem, problemIn, proof } from "../core/api.js";
import { leave } from "../core/session.js";
import { say, sayProblem } from "../parts/toast.js";

const AT_ONCE = 2;
const GONE_AFTER_MS = 4000; // a finished one is in the list of files by then
const STALLED_MS = 60_000; // without a byte going out, or an answer once all are

/** Each {id, name, state, share, problem}; state: "waiting", "sending", "done" or "failed". */
export const uploads = signal([]);
const sources = new Map(); // what is to be sent and wished, and the request while there is one
let lastId = 0;

/** Send a file. wish: what to print, {copies, yield, printer}; null only keeps it. */
export function upload(file, wish) {
  const id = ++lastId;
  sources.set(id, { file, wish, request: null });
  uploads.value = [...uploads.value, { id, name: file.name, state: "waiting", share: 0, problem: "" }];
  sendNext();
}

export function retry(id) {
  set(id, { state: "waiting", share: 0, problem: "" });
  sendNext();
}

export function drop(id) {
  sources.get(id)?.request?.abort();
  sources.delete(id);
  uploads.value = uploads.value.filter((one) => one.id !== id);
  sendNext();
}

/** Wish a stored file printed. Resolves to whether the farm took the wish. */
export async function addJob(file, { copies, yield: good, printer }) {
  try {
    await post("/v1/jobs", { file: file.id, copies, yield: good, required_printers: printer ? [printer] : [] });
    say(`${file.name} is in the queue.`);
    return true;
  } catch (problem) {
    sayProblem(problem, `${file.name}: `);
    return false;
  }
}

function sendNext() {
  const sending = uploads.value.filter(({ state }) => state === "sending").length;
  for (const { id } of uploads.value.filter(({ state }) => state === "waiting").slice(0, AT_ONCE - sending)) work(id);
}

async function work(id) {
  const source = sources.get(id);
  set(id, { state: "sending" });
  try {
    const stored = await send(source, (share) => set(id, { share }));
    if (!source.wish) say(`${stored.name} is uploaded.`);
    else if (!(await addJob(stored, source.wish))) throw new Problem("It is uploaded, but it is not in the queue.");
    set(id, { state: "done", share: 1 });
    setTimeout(() => drop(id), GONE_AFTER_MS);
  } catch (problem) {
    set(id, { state: "failed", problem: problem.message });
  }
  sendNext();
}

const set = (id, changes) => {
  uploads.value = uploads.value.map((one) => (one.id === id ? { ...one, ...changes } : one));
};

/** Only XMLHttpRequest tells how much has gone out. */
function send(source, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    source.request = request;
    request.open("POST", `/v1/files?${new URLSearchParams({ name: source.file.name })}`);
    for (const [name, value] of Object.entries(proof())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    const patience = patient(() => {
      request.abort();
      reject(new Problem("Nothing moved for a minute. Is the network all right?"));
    });
    request.upload.onprogress = ({ loaded, total }) => {
      patience.again();
      progress(total ? loaded / total : 0);
    };
    request.onloadend = patience.over;
    request.onerror = () => reject(new Problem("The connection broke. Is the farm still running?"));
    request.onload = () => {
      if (request.status === 401) leave();
      if (request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(problemIn(request.status, request.responseText));
    };
    request.send(source.file);
  });
}

function patient(lost) {
  let timer = setTimeout(lost, STALLED_MS);
  const over = () => clearTimeout(timer);
  const again = () => {
    over();
    timer = setTimeout(lost, STALLED_MS);
  };
  return { again, over };
}
