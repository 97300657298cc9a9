/** The one place where events of the program reach the state. */
import type { BackendEvent } from "../ipc/backend.ts";
import type { BackupTrouble, Connection, ConversationKey, Me, MessageId } from "../ipc/bindings.ts";

export interface EventTargets {
  conversationsChanged(): void;
  messagesChanged(conversation: ConversationKey, ids: readonly MessageId[]): void;
  messagesRemoved(conversation: ConversationKey, ids: readonly MessageId[]): void;
  searchIndexed(): void;
  connectionChanged(connection: Connection): void;
  databaseDamaged(): void;
  meChanged(me: Me): void;
  backupTroubleChanged(trouble: BackupTrouble | null): void;
  engineFailed(): void;
  linkOpened(text: string): void;
}

export function dispatch(event: BackendEvent, targets: EventTargets): void {
  switch (event.type) {
    case "conversationsChanged":
      return targets.conversationsChanged();
    case "messagesChanged":
      return targets.messagesChanged(event.conversation, event.ids);
    case "messagesRemoved":
      return targets.messagesRemoved(event.conversation, event.ids);
    case "searchIndexed":
      return targets.searchIndexed();
    case "connectionChanged":
      return targets.connectionChanged(event.connection);
    case "databaseDamaged":
      return targets.databaseDamaged();
    case "meChanged":
      return targets.meChanged(event.me);
    case "backupTroubleChanged":
      return targets.backupTroubleChanged(event.trouble);
    case "engineFailed":
      return targets.engineFailed();
    case "linkOpened":
      return targets.linkOpened(event.text);
    default: {
      const unknown: never = event;
      throw new Error(`event without a target: ${JSON.stringify(unknown)}`);
    }
  }
}
