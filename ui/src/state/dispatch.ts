/** The one place where events of the program reach the state. */
import type { BackendEvent } from "../ipc/backend.ts";
import type { Connection, ConversationKey, Me, MessageId } from "../ipc/bindings.ts";

export interface EventTargets {
  conversationsChanged(): void;
  messagesChanged(conversation: ConversationKey, ids: readonly MessageId[]): void;
  messagesRemoved(conversation: ConversationKey, ids: readonly MessageId[]): void;
  searchIndexed(): void;
  connectionChanged(connection: Connection): void;
  meChanged(me: Me): void;
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
    case "meChanged":
      return targets.meChanged(event.me);
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
