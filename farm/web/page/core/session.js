// Who is logged in, and what they may do. The farm decides; this only spares people buttons that would be refused.
import { computed, signal } from "../vendor/preact-signals.js";
import { IDLE_S } from "./farm.js";

export const me = signal(null);

export const mayOperate = computed(() => ["operator", "admin"].includes(me.value?.role));
/** Whether work may go to any printer; somebody with rights to a few has to name one of them. */
export const mayUseAny = computed(() => me.value?.printers === null && me.value?.tags === null);
export const maySetUp = computed(() => me.value?.role === "admin");

/** Ask who we are; the answer also carries the token that every change has to bring along. */
export async function recognise() {
  const reply = await fetch("/v1/auth/me", { headers: { Accept: "application/json" } });
  if (reply.status === 401) leave();
  if (!reply.ok) throw new Error(`the farm answered ${reply.status}`);
  me.value = await reply.json();
}

// A login ends when nobody has used it for long, and only requests count as use. So whoever touches the page is
// kept in, and a page that nobody touches leaves when its login has: its buttons would do nothing any more.
const TOUCH_EVERY_MS = 5 * 60_000;
const A_MOMENT_MS = 60_000;
let usedAt = 0;
let timer = 0;

export function keepLoggedIn() {
  for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, use, { capture: true, passive: true });
  use();
}

function use() {
  if (Date.now() - usedAt < TOUCH_EVERY_MS) return;
  usedAt = Date.now();
  recognise().catch(() => {}); // the line says that the farm is away
  clearTimeout(timer);
  timer = setTimeout(() => recognise().catch(() => {}), IDLE_S * 1000 + A_MOMENT_MS);
}

/** To the door: this login has ended. */
export function leave() {
  location.assign("/login");
}
