use std::io::Write;

use data_encoding::HEXLOWER;
use protocol::AccountId;
use serde::Serialize;

use crate::{
    calendar,
    error::Result,
    export::{Page, clean_name},
    model::{Message, MessageKind, OutgoingState},
    store::exporting::Participants,
};

pub(super) struct JsonPage<'a> {
    output: &'a mut dyn Write,
    separator: &'static str,
}

#[derive(Serialize)]
struct JsonPerson {
    account: String,
    name: String,
}

#[derive(Serialize)]
struct JsonMessage<'a> {
    id: String,
    time: String,
    sender: String,
    mine: bool,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<String>,
}

impl<'a> JsonPage<'a> {
    pub(super) fn new(output: &'a mut dyn Write) -> Self {
        Self {
            output,
            separator: "\n",
        }
    }
}

impl Page for JsonPage<'_> {
    fn begin(&mut self, exported: u64, participants: &Participants) -> Result<()> {
        let me = serde_json::to_string(&person(&participants.me))?;
        let peer = serde_json::to_string(&person(&participants.peer))?;
        let time = calendar::rfc3339(exported);
        Ok(write!(
            self.output,
            "{{\n\"format\": \"relevo-conversation\",\n\"version\": 1,\n\"exported\": \"{time}\",\n\
             \"me\": {me},\n\"peer\": {peer},\n\"messages\": ["
        )?)
    }

    fn message(&mut self, message: &Message) -> Result<()> {
        let (kind, event) = match message.kind {
            MessageKind::Text => ("text", None),
            MessageKind::System(event) => ("system", Some(event.name())),
            MessageKind::Unreadable => ("unreadable", None),
            MessageKind::Unsupported => ("unsupported", None),
        };
        let state = message.outgoing.map(|state| match state {
            OutgoingState::Queued => "queued",
            OutgoingState::Sent => "sent",
            OutgoingState::Delivered => "delivered",
            OutgoingState::Read => "read",
            OutgoingState::Failed => "failed",
        });
        // before that the time of a message is our estimate
        let sent = matches!(
            message.outgoing,
            Some(OutgoingState::Sent | OutgoingState::Delivered | OutgoingState::Read)
        );
        let line = JsonMessage {
            id: HEXLOWER.encode(message.id.as_bytes()),
            time: calendar::rfc3339(message.time),
            sender: HEXLOWER.encode(message.sender.as_bytes()),
            mine: message.outgoing.is_some(),
            kind,
            event,
            text: (message.kind == MessageKind::Text).then_some(message.text.as_str()),
            state,
            sent: sent.then(|| calendar::rfc3339(message.time)),
            delivered: message.delivered_at.map(calendar::rfc3339),
            read: message.read_at.map(calendar::rfc3339),
        };
        self.output.write_all(self.separator.as_bytes())?;
        self.separator = ",\n";
        Ok(serde_json::to_writer(&mut *self.output, &line)?)
    }

    fn end(&mut self) -> Result<()> {
        Ok(self.output.write_all(b"\n]\n}\n")?)
    }
}

fn person((account, name): &(AccountId, String)) -> JsonPerson {
    JsonPerson {
        account: HEXLOWER.encode(account.as_bytes()),
        name: clean_name(name),
    }
}
