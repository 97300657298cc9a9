/** What can be done with the open conversation. */
import type { Message, MessageId } from "../../ipc/bindings.ts";

export type ConversationActions = {
  onback: () => void;
  /** Reads the messages again that could not be read. */
  onreload: () => void;
  onsend: () => void;
  onshown: (order: number) => void;
  onretry: (id: MessageId) => void;
  ondelete: (id: MessageId) => void;
  ondetails: (message: Message) => void;
  onaccept: () => void;
  ondecline: () => void;
  /** Asks first. */
  onblock: () => void;
  onunblock: () => void;
  onsafety: () => void;
  onexport: () => void;
};
