// Requests to the farm. Every one ends in its answer or in a Problem that says in words what to do.
import { leave, me, recognise } from "./session.js";
import { sentence } from "./words.js";

const WITHIN_MS = 15_000; // the slowest answer that is promised is a probe's, after 10 s
const UNREACHED = "The farm does not answer. Is the shop PC on, and are you in its network?";

export class Problem extends Error {
  constructor(sentence, status = 0, field = "") {
    super(sentence);
    this.status = status;
    this.field = field;
  }
}

/** withinMs: for the few answers that have to be thought about. */
export const get = (path, withinMs) => ask("GET", path, null, withinMs);
export const post = (path, body) => change("POST", path, body);
export const patch = (path, body, withinMs) => change("PATCH", path, body, withinMs);
export const put = (path, body, withinMs) => change("PUT", path, body, withinMs);
export const remove = (path) => change("DELETE", path);

/** All items of a list that comes in pages, up to `most`. */
export async function getAll(path, most = 1000) {
  const items = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: 200, ...(cursor ? { cursor } : {}) });
    const page = await get(`${path}?${query}`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < most);
  return items;
}

/** The problem in an answer that was not good. */
export function problemIn(status, text) {
  try {
    const { detail, errors } = JSON.parse(text);
    return new Problem(sentence(detail) || "Something went wrong.", status, errors?.[0]?.field ?? "");
  } catch {
    return new Problem(`The farm answered ${status}, and no more.`, status);
  }
}

/** Headers that prove that a change comes from this page. */
export const proof = () => ({ "X-CSRF-Token": me.value?.csrf_token ?? "" });

async function change(method, path, body, withinMs) {
  try {
    return await ask(method, path, body, withinMs);
  } catch (problem) {
    if (problem.status !== 403) throw problem;
    // Somebody logged in anew in another tab: our proof is the old login's. It must not stop a stop.
    const before = me.value?.csrf_token;
    await recognise();
    if (me.value?.csrf_token === before) throw problem;
    return ask(method, path, body, withinMs);
  }
}

async function ask(method, path, body, withinMs = WITHIN_MS) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") Object.assign(headers, proof());
  if (body) headers["Content-Type"] = "application/json";
  const [reply, text] = await send(path, { method, headers, body: body && JSON.stringify(body) }, withinMs);
  if (reply.status === 401) leave();
  if (!reply.ok) throw problemIn(reply.status, text);
  return text ? JSON.parse(text) : null;
}

async function send(path, options, withinMs) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), withinMs);
  try {
    const reply = await fetch(path, { ...options, signal: patience.signal });
    return [reply, await reply.text()];
  } catch {
    throw new Problem(UNREACHED);
  } finally {
    clearTimeout(timer);
  }
}
