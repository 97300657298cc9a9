/** What the person is told about the connection, and when. */
import type { Connection, OfflineCause } from "../ipc/bindings.ts";

/** Short interruptions are nobody's business. */
export const QUIET_MS = 3000;

export type ConnectionPhase = "quiet" | "connecting" | "offline" | "stopped";

/** Causes that do not pass by themselves. */
const lasting: ReadonlySet<OfflineCause> = new Set<OfflineCause>([
  "relayIdentity",
  "version",
  "replaced",
  "revoked",
  "signedOut",
]);

export class ConnectionStatus {
  #connection = $state.raw<Connection | null>(null);
  #late = $state(false);
  #timer: ReturnType<typeof setTimeout> | null = null;

  get connection(): Connection | null {
    return this.#connection;
  }

  get online(): boolean {
    return this.#connection?.state === "online";
  }

  get waiting(): number {
    return this.#connection?.waiting ?? 0;
  }

  get cause(): OfflineCause | null {
    return this.#connection?.cause ?? null;
  }

  get phase(): ConnectionPhase {
    const connection = this.#connection;
    if (!connection || connection.state === "online" || !this.#late) return "quiet";
    // Attempts follow each other within seconds: no change of words between them.
    if (connection.cause === "relayRestarting") return "connecting";
    if (connection.cause !== null && lasting.has(connection.cause)) return "stopped";
    return connection.state;
  }

  /** This device belongs to the account no more: what is written here reaches nobody. */
  get removed(): boolean {
    return this.cause === "revoked";
  }

  /** A removed device cannot come back by trying again. */
  get canRetry(): boolean {
    return !this.removed && this.cause !== "signedOut";
  }

  update(connection: Connection): void {
    this.#connection = connection;
    if (connection.state === "online") {
      this.stop();
    } else if (this.#timer === null && !this.#late) {
      this.#timer = setTimeout(() => {
        this.#late = true;
        this.#timer = null;
      }, QUIET_MS);
    }
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#late = false;
  }
}
