// Who is logged in, and what they may do. The farm decides; this only spares people buttons that would be refused.
import { computed, signal } from "../vendor/preact-signals.js";

export const me = signal(null);

export const mayOperate = computed(() => ["operator", "admin"].includes(me.value?.role));
export const maySetUp = computed(() => me.value?.role === "admin");

/** Ask who we are; the answer also carries the token that every change has to bring along. */
export async function recognise() {
  const reply = await fetch("/v1/auth/me", { headers: { Accept: "application/json" } });
  if (reply.status === 401) leave();
  if (!reply.ok) throw new Error(`the farm answered ${reply.status}`);
  me.value = await reply.json();
}

/** To the door: this login has ended. */
export function leave() {
  location.assign("/login");
}
