// Things that have changed and are to be looked at: gathered for a moment, looked at together, one look at a time.

const MOMENT_MS = 120;
const REST_MS = 1000; // between two looks: two hundred printers that start at once are a dozen looks, not hundreds

export class Gathering {
  #look;
  #ids = new Set();
  #waiting = false;
  #restsUntil = 0;

  /** look: called with the ids that have changed; what it returns is waited for. */
  constructor(look) {
    this.#look = look;
  }

  add(id) {
    this.#ids.add(id);
    if (this.#waiting) return;
    this.#waiting = true;
    setTimeout(() => this.#go(), Math.max(MOMENT_MS, this.#restsUntil - Date.now()));
  }

  async #go() {
    const ids = [...this.#ids];
    this.#ids.clear();
    try {
      await this.#look(ids);
    } finally {
      this.#waiting = false;
      this.#restsUntil = Date.now() + REST_MS;
      if (this.#ids.size > 0) this.add([...this.#ids][0]);
    }
  }
}
