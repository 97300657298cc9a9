//! Lists of conversations that the relay shows to a device which has to enter all of them anew.

use client_core::{crypto::PeerDevices, model::SystemEvent};
use protocol::{
    AccountId, Blocks, ConversationId, ConversationOf, Conversations, ErrorCode, Frame,
    KeyPackageCount, Ready, Refusal,
};

use super::chat::{Chat, count, state_of};
use crate::peer::Peer;

fn of(conversation: [u8; 16], peer: AccountId) -> ConversationOf {
    ConversationOf {
        conversation: ConversationId::new(conversation),
        peer,
        requested: false,
    }
}

/// The relay says that it took more from Ana's device than she knows of: she asks it for a list.
fn asks_for_a_list(chat: &mut Chat) {
    let ready = Ready {
        sent: 1_000,
        ..chat.online.ana.ready(50)
    };
    chat.online.reconnect(&ready);
    for (id, frame) in chat.online.ana.sent() {
        match frame {
            Frame::PublishKeyPackages(_) => {
                chat.online.reply(id, &KeyPackageCount { count: 50 }.into());
            }
            Frame::ListBlocks(_) => {
                let accounts = Vec::new();
                chat.online.reply(id, &Blocks { accounts }.into());
            }
            frame => panic!("expected a question for blocks, not {frame:?}"),
        }
    }
}

/// Plays the relay with these lists, which lets her in nowhere.
fn shows(
    chat: &mut Chat,
    mut list: impl FnMut(Option<ConversationId>) -> Conversations,
) -> Vec<Frame> {
    asks_for_a_list(chat);
    chat.lie(|frame| match frame {
        Frame::ListConversations(request) => Some(list(request.after).into()),
        Frame::FetchGroup(_) => Some(Refusal::new(ErrorCode::NotMember).into()),
        Frame::ClaimKeyPackages(_) => Some(Refusal::new(ErrorCode::NoKeyPackages).into()),
        Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
        _ => None,
    })
}

#[test]
fn a_list_that_leads_in_a_circle_is_not_followed() {
    let mut chat = Chat::new();
    let carol = Peer::seeded(&chat.online.ana, 78).account();
    for conversations in [
        vec![of([1; 16], carol), of([2; 16], carol)],
        vec![of([2; 16], carol), of([1; 16], carol)],
        Vec::new(),
    ] {
        let page = Conversations {
            conversations,
            more: true,
        };
        let sent = shows(&mut chat, |_| page.clone());
        assert!(count(&sent, "list_conversations") <= 2, "{sent:?}");
        assert!(chat.is_online());
        chat = Chat::new();
    }
}

#[test]
fn a_list_without_end_ends() {
    let mut chat = Chat::new();
    let carol = Peer::seeded(&chat.online.ana, 78).account();
    asks_for_a_list(&mut chat);
    let (mut pages, mut next) = (0_u32, 0_u32);
    loop {
        let sent = chat.online.ana.sent();
        let list = sent
            .iter()
            .find(|(_, frame)| matches!(frame, Frame::ListConversations(_)));
        let Some((id, _)) = list else { break };
        pages += 1;
        assert!(pages < 200, "it never ends");
        let conversations = (next..next + 100).map(|number| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_be_bytes());
            of(id, carol)
        });
        let page = Conversations {
            conversations: conversations.collect(),
            more: true,
        };
        next += 100;
        chat.online.reply(*id, &page.into());
    }
    assert_eq!(pages, 101);
    assert!(chat.is_online());
}

#[test]
fn a_listed_conversation_without_us_is_not_entered() {
    let mut chat = Chat::new();
    let (mut carol, mut dora) = (
        Peer::seeded(&chat.online.ana, 78),
        Peer::seeded(&chat.online.ana, 79),
    );
    let id = ConversationId::new([7; 16]);
    let manifest = dora.keys.manifest();
    let devices: PeerDevices = dora.as_listed(&manifest);
    carol.mls(|mls| {
        mls.found_direct(id, 0, &[devices]).unwrap();
        mls.load(id, 0).unwrap().unwrap().merge_pending().unwrap();
    });
    let state = state_of(&mut carol, id, 1, 1);
    asks_for_a_list(&mut chat);
    let page = Conversations {
        conversations: vec![of([7; 16], carol.account())],
        more: false,
    };
    let sent = chat.lie(|frame| match frame {
        Frame::ListConversations(_) => Some(page.clone().into()),
        Frame::FetchGroup(fetch) if fetch.conversation == id => Some(state.clone().into()),
        _ => None,
    });
    assert_eq!(count(&sent, "commit"), 0, "{sent:?}");
    assert_eq!(chat.online.ana.reader.conversations().unwrap().len(), 1);
}

#[test]
fn a_conversation_that_is_listed_under_another_name_stays_that_of_its_members() {
    let mut chat = Chat::new();
    let carol = Peer::seeded(&chat.online.ana, 78).account();
    let before = chat.online.conversation();
    let page = Conversations {
        conversations: vec![ConversationOf {
            conversation: chat.id,
            peer: carol,
            requested: true,
        }],
        more: false,
    };
    shows(&mut chat, |_| page.clone());
    let after = chat.online.conversation();
    assert_eq!((after.peer, after.standing), (before.peer, before.standing));
    assert_eq!(chat.online.ana.reader.conversations().unwrap().len(), 1);
    assert_eq!(chat.lines(SystemEvent::Rejoined), 0);
}
