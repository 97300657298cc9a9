/** The real backend. No other file imports `@tauri-apps`. */
import { Channel, invoke } from "@tauri-apps/api/core";
import type { Backend, BackendEvent, CommandName, Params, Reply } from "./backend.ts";

export function createTauriBackend(): Backend {
  return {
    call<K extends CommandName>(name: K, params: Params<K>): Promise<Reply<K>> {
      return invoke<Reply<K>>("call", { command: { name, params } });
    },
    async subscribe(handler: (event: BackendEvent) => void): Promise<void> {
      const channel = new Channel<BackendEvent>();
      channel.onmessage = handler;
      await invoke<null>("subscribe", { channel });
    },
  };
}
