// A page that stays open outlives the server it came from: after an update it offers to load itself anew.
import { effect } from "../vendor/preact-signals.js";
import { get } from "../core/api.js";
import { VERSION } from "../core/farm.js";
import { line } from "../core/store.js";
import { say } from "../parts/toast.js";

const OFFERED_FOR_S = 24 * 3600;
let offered = false;

/** Look after each time the line came back. */
export function watchVersion() {
  effect(async () => {
    if (!line.value.open || offered) return;
    const found = await get("/v1/health").catch(() => null);
    if (!found || found.version === VERSION || offered) return;
    offered = true;
    const action = { label: "Load it", icon: "check", run: () => location.reload() };
    say(`The farm was updated to ${found.version}; this page is still the old one.`, { action, seconds: OFFERED_FOR_S });
  });
}
