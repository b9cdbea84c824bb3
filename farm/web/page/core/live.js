// The live socket: kept open for ever, and never trusted to be open. Knows nothing of printers.

const RETRY_MS = [250, 500, 1000, 2000, 4000]; // with jitter, so that a shop's screens do not all come at once
const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 6_000; // silence longer than this is a dead line that nobody has told us of
const ASK_AGAIN_MS = 1500; // for rooms that the farm was too busy to open
const LOG_IN = 4401;

/**
 * Hear `rooms` for as long as the page is open.
 *
 * ears: `snapshot(room, data)` what a room holds now; `event(message)` what happened since; `up()` when every
 * room's snapshot has come; `down()` when the line is lost; `turnedAway()` when the login may have ended.
 */
export function listen(rooms, ears) {
  const line = new Line(rooms, ears);
  line.open();
  addEventListener("online", () => line.hurry());
  document.addEventListener("visibilitychange", () => document.hidden || line.hurry());
  return {
    freshen: (room) => line.subscribe([room]),
    enter: (room) => line.enter(room),
    leave: (room) => line.leave(room),
  };
}

class Line {
  #socket = null;
  #tries = 0;
  #retry = 0;
  #pinger = 0;
  #deadline = 0;
  #awaited = new Set();
  #beside = new Set(); // rooms that somebody looks into for a while
  #lastFact = null;

  constructor(rooms, ears) {
    this.rooms = rooms;
    this.ears = ears;
  }

  open() {
    clearTimeout(this.#retry);
    const address = new URL("/v1/live", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#lastFact = null;
    this.#expectAnswer();
    socket.onmessage = ({ data }) => socket === this.#socket && this.#hear(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.#socket && this.#lost(code);
  }

  /** Something changed for the better: look at once whether the line is there. */
  hurry() {
    if (!this.#socket) this.open();
    else this.#ping();
  }

  subscribe(rooms) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#say({ op: "subscribe", rooms });
  }

  enter(room) {
    this.#beside.add(room);
    this.subscribe([room]);
  }

  leave(room) {
    this.#beside.delete(room);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#say({ op: "unsubscribe", rooms: [room] });
  }

  #say(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #hear(message) {
    this.#gotAnswer();
    switch (message.type) {
      case "welcome":
        this.#tries = 0;
        this.#awaited = new Set(this.rooms);
        this.#pinger = setInterval(() => this.#ping(), PING_EVERY_MS);
        return this.subscribe([...this.rooms, ...this.#beside]);
      case "snapshot":
        return this.#takeSnapshot(message);
      case "batch.update":
        return message.events.forEach((event) => this.#takeEvent(event));
      case "error":
        if (message.op === "subscribe" && this.#awaited.size > 0) {
          setTimeout(() => this.subscribe([...this.#awaited]), ASK_AGAIN_MS);
        }
        return undefined;
      case "pong":
        return undefined;
      default:
        return this.#takeEvent(message);
    }
  }

  #takeSnapshot({ room, data }) {
    this.ears.snapshot(room, data);
    if (this.#awaited.delete(room) && this.#awaited.size === 0) this.ears.up();
  }

  #takeEvent(event) {
    if ("seq" in event) {
      // Every fact names the one before it. One that is missing makes our picture wrong: take a fresh one.
      if (event.prev !== this.#lastFact) this.subscribe(this.rooms);
      this.#lastFact = event.seq;
    }
    this.ears.event(event);
  }

  #ping() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#say({ op: "ping" });
    this.#expectAnswer();
  }

  #expectAnswer() {
    if (!this.#deadline) this.#deadline = setTimeout(() => this.#lost(0), PONG_WITHIN_MS);
  }

  #gotAnswer() {
    clearTimeout(this.#deadline);
    this.#deadline = 0;
  }

  #lost(code) {
    this.#gotAnswer();
    clearInterval(this.#pinger);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.ears.down();
    if (code === LOG_IN) this.ears.turnedAway();
    const delay = RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)];
    this.#retry = setTimeout(() => this.open(), delay * (0.75 + Math.random() / 2));
  }
}
