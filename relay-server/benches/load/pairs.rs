//! Pairs of devices that hold a direct conversation.

use std::net::SocketAddr;

use protocol::{Ack, ClaimedKeyPackage, ConversationId, Frame, LinkSecret, NewLink, StreamId};

use crate::{
    machine::RelayProcess,
    people::{Device, Person, direct, draw},
    wire::Wire,
};

/// A pair that is registered and not connected.
pub(crate) struct Prepared {
    conversation: ConversationId,
    sender: Person,
    receiver: Person,
}

/// A pair that is connected.
pub(crate) struct Pair {
    pub(crate) conversation: ConversationId,
    pub(crate) sender: Wire,
    pub(crate) receiver: Option<Wire>,
    pub(crate) receiver_device: Device,
    /// The seq of the last entry.
    pub(crate) last: u64,
}

/// Registers twice as many people and makes their conversations, all through the protocol.
pub(crate) async fn make(relay: &RelayProcess, count: usize) -> Vec<Prepared> {
    let token = relay.invite(u16::try_from(2 * count).unwrap());
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        let (sender, receiver) = (Person::new(relay.id(), 1), Person::new(relay.id(), 1));
        let mut receiver_wire = Wire::register(relay.address(), &receiver, token).await;
        let link = LinkSecret::new(draw()).token();
        let expires = u64::try_from(
            std::time::UNIX_EPOCH
                .elapsed()
                .expect("after 1970")
                .as_millis(),
        );
        let expires = expires.unwrap() + 3_600_000;
        receiver_wire
            .send(
                1,
                NewLink {
                    token: link,
                    invite: false,
                    uses: 1,
                    expires,
                },
            )
            .await;
        let Frame::Done(_) = receiver_wire.next().await else {
            panic!("no link")
        };
        let mut sender_wire = Wire::register(relay.address(), &sender, token).await;
        let device = receiver.device();
        let packages = [ClaimedKeyPackage {
            device: device.id,
            bytes: device.key_package(),
        }];
        let (_, request) = direct(sender.device(), receiver.account, Some(link), &packages);
        let conversation = request.conversation;
        sender_wire.send(1, request).await;
        loop {
            match sender_wire.next().await {
                Frame::Committed(_) => break,
                Frame::Refusal(refusal) => panic!("refused: {refusal:?}"),
                _ => {}
            }
        }
        // the welcome, so that the conversation may begin
        loop {
            if let Frame::Entries(entries) = receiver_wire.next().await {
                let seq = entries.entries.last().unwrap().seq;
                receiver_wire
                    .send(
                        0,
                        Ack {
                            stream: StreamId::Inbox,
                            seq,
                        },
                    )
                    .await;
                break;
            }
        }
        sender_wire
            .send(
                0,
                Ack {
                    stream: StreamId::Conversation(conversation),
                    seq: 1,
                },
            )
            .await;
        // answered after the acknowledgements were read
        for wire in [&mut sender_wire, &mut receiver_wire] {
            wire.send(2, protocol::Announce { announce: false }).await;
            while !matches!(wire.next().await, Frame::Done(_)) {}
        }
        pairs.push(Prepared {
            conversation,
            sender,
            receiver,
        });
    }
    pairs
}

impl Prepared {
    pub(crate) async fn connect(self, address: SocketAddr) -> Pair {
        let sender = Wire::login(address, self.sender.device()).await;
        let receiver = Wire::login(address, self.receiver.device()).await;
        let receiver_device = self.receiver.devices.into_iter().next().unwrap();
        Pair {
            conversation: self.conversation,
            sender,
            receiver: Some(receiver),
            receiver_device,
            last: 1,
        }
    }
}
