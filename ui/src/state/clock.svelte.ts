/** The present, as coarse as "today" and "yesterday" need it. */
const EVERY_MS = 30_000;

export class Clock {
  readonly #read: () => number;
  #now = $state(0);

  constructor(read: () => number) {
    this.#read = read;
    this.#now = read();
  }

  get now(): number {
    return this.#now;
  }

  /** Returns what stops it. */
  start(): () => void {
    const timer = setInterval(() => (this.#now = this.#read()), EVERY_MS);
    return () => clearInterval(timer);
  }
}
