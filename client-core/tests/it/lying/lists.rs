//! What a device asks for that lost its database, or has one that is too old: whom the person blocked, and which conversations
//! there are. It asks until it has them, and no list goes on for ever.

use client_core::model::{ConversationState, Standing};
use protocol::{
    AccountId, Blocks, ClientId, Committed, ConversationId, ConversationOf, Conversations,
    Delivered, Entries, Entry, EntryKind, ErrorCode, Frame, KeyPackageCount, ListConversations,
    News, Page, Ready, Refusal, StreamId,
};

use super::chat::{Chat, count, state_of};
use crate::peer::{CONVERSATION, NOW, Online, Peer};

/// A relay that took more from Ana than she remembers: her database is a former one.
fn gone_back() -> Online {
    let mut online = Online::new();
    reconnect(&mut online);
    online
}

fn reconnect(online: &mut Online) {
    let ready = Ready {
        sent: 5,
        ..online.ana.ready(50)
    };
    online.reconnect(&ready);
}

/// Answers what is asked besides the lists; what is asked of them.
fn asked(online: &mut Online) -> Vec<(u32, Frame)> {
    let mut asked = Vec::new();
    for (id, frame) in online.ana.sent() {
        match frame {
            Frame::PublishKeyPackages(_) => {
                online.reply(id, &KeyPackageCount { count: 50 }.into());
            }
            Frame::Ack(_) => {}
            frame => asked.push((id, frame)),
        }
    }
    asked
}

/// The one list that is asked for.
fn asked_once(online: &mut Online) -> (u32, Frame) {
    let mut asked = asked(online);
    assert_eq!(asked.len(), 1, "{asked:?}");
    asked.remove(0)
}

fn list_blocks(online: &mut Online, accounts: Vec<AccountId>) {
    let (id, frame) = asked_once(online);
    assert!(matches!(frame, Frame::ListBlocks(_)), "{frame:?}");
    online.reply(id, &Blocks { accounts }.into());
}

fn asked_after(online: &mut Online, after: Option<ConversationId>) -> u32 {
    let (id, frame) = asked_once(online);
    assert_eq!(frame, ListConversations { after }.into());
    id
}

fn page(of: &[(u8, &Peer)], more: bool) -> Frame {
    let conversations = of.iter().map(|(number, peer)| ConversationOf {
        conversation: ConversationId::new([*number; 16]),
        peer: peer.account(),
        requested: false,
    });
    Conversations {
        conversations: conversations.collect(),
        more,
    }
    .into()
}

fn entry(peer: &mut Peer, kind: EntryKind, bytes: &[u8]) -> Entry {
    Entry {
        seq: 1,
        sender: peer.device(),
        kind,
        incarnation: 0,
        epoch: 1,
        time: NOW,
        client_id: ClientId::new(peer.random()),
        conversation: (kind == EntryKind::Welcome).then_some(CONVERSATION),
        bytes: bytes.to_vec().into(),
        start: None,
    }
}

#[test]
fn a_list_is_asked_for_again_after_each_disconnect_until_it_came_whole() {
    let mut online = gone_back();
    let peers: Vec<Peer> = (80..83)
        .map(|seed| Peer::seeded(&online.ana, seed))
        .collect();
    // the connection ends before either list came
    assert!(matches!(asked_once(&mut online).1, Frame::ListBlocks(_)));
    reconnect(&mut online);
    list_blocks(&mut online, Vec::new());
    asked_after(&mut online, None);
    reconnect(&mut online);
    let id = asked_after(&mut online, None);
    online.reply(id, &page(&[(1, &peers[0]), (2, &peers[1])], true));
    asked_after(&mut online, Some(ConversationId::new([2; 16])));
    // and between two parts
    reconnect(&mut online);
    let id = asked_after(&mut online, Some(ConversationId::new([2; 16])));
    online.reply(id, &page(&[(3, &peers[2])], false));
    let fetched = asked(&mut online);
    let wanted: Vec<ConversationId> = fetched
        .iter()
        .map(|(_, frame)| match frame {
            Frame::FetchGroup(fetch) => fetch.conversation,
            frame => panic!("expected a fetch of a group, not {frame:?}"),
        })
        .collect();
    assert_eq!(wanted, [1, 2, 3].map(|it| ConversationId::new([it; 16])));
    reconnect(&mut online);
    let lists = asked(&mut online);
    assert!(
        lists
            .iter()
            .all(|(_, frame)| matches!(frame, Frame::FetchGroup(_))),
        "{lists:?}"
    );
}

#[test]
fn a_refused_list_is_asked_for_again_after_a_pause() {
    let mut online = gone_back();
    for _ in 0..3 {
        let (id, frame) = asked_once(&mut online);
        assert!(matches!(frame, Frame::ListBlocks(_)));
        online.refuse(id, Refusal::new(ErrorCode::RateLimited));
        assert_eq!(asked(&mut online), []);
        online.ana.pass_until_wake();
    }
    list_blocks(&mut online, Vec::new());
    asked_after(&mut online, None);
}

#[test]
fn a_list_that_repeats_itself_or_never_ends_is_left() {
    let mut online = gone_back();
    let peer = Peer::seeded(&online.ana, 80);
    list_blocks(&mut online, Vec::new());
    let id = asked_after(&mut online, None);
    online.reply(id, &page(&[(7, &peer)], true));
    let id = asked_after(&mut online, Some(ConversationId::new([7; 16])));
    online.reply(id, &page(&[(7, &peer)], true));
    let frames: Vec<Frame> = asked(&mut online).into_iter().map(|it| it.1).collect();
    assert_eq!(count(&frames, "list_conversations"), 0, "{frames:?}");

    let mut online = gone_back();
    list_blocks(&mut online, Vec::new());
    let (mut pages, mut next) = (0, 0_u32);
    while let Some((id, Frame::ListConversations(_))) = asked(&mut online).pop() {
        pages += 1;
        let conversations = (next..next + 500).map(|number| {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_be_bytes());
            ConversationOf {
                conversation: ConversationId::new(id),
                peer: peer.account(),
                requested: false,
            }
        });
        next += 500;
        let conversations = conversations.collect();
        let more = true;
        online.reply(
            id,
            &Conversations {
                conversations,
                more,
            }
            .into(),
        );
    }
    assert_eq!(pages, 21);
}

#[test]
fn nothing_is_entered_before_it_is_known_whom_the_person_blocked_and_what_was_accepted() {
    let mut online = gone_back();
    let mut peer = Peer::new(&online.ana);
    peer.found(&online);
    peer.mls(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().merge_pending())
        .unwrap();
    // what the peer writes comes before any list
    let stream = StreamId::Conversation(CONVERSATION);
    let entries = vec![entry(&mut peer, EntryKind::Application, b"sealed")];
    online.reply(0, &Entries { stream, entries }.into());
    list_blocks(&mut online, Vec::new());
    let id = asked_after(&mut online, None);
    online.reply(id, &page(&[(8, &peer)], false));
    let (id, frame) = asked_once(&mut online);
    assert!(matches!(frame, Frame::FetchGroup(_)), "{frame:?}");
    let state = state_of(&mut peer, CONVERSATION, 1, 1);
    online.reply(id, &state.into());
    let (id, frame) = asked_once(&mut online);
    assert!(matches!(frame, Frame::Commit(_)), "{frame:?}");
    online.reply(id, &Committed { seq: 2, time: NOW }.into());
    let conversation = online.conversation();
    assert_eq!(conversation.state, ConversationState::Established);
    assert_eq!(conversation.standing, Standing::Open);
    // what was pushed before the conversation was here was acknowledged, and does not come again by itself
    let sent = online.ana.sent();
    let reads_on =
        |(_, frame): &(u32, Frame)| matches!(frame, Frame::Fetch(fetch) if fetch.from == 3);
    assert!(sent.iter().any(reads_on), "{sent:?}");
}

#[test]
fn a_welcome_that_comes_before_the_list_makes_no_request_of_an_old_conversation() {
    for (requested, standing) in [(false, Standing::Open), (true, Standing::Requested)] {
        let mut online = gone_back();
        let mut peer = Peer::new(&online.ana);
        let founded = peer.found(&online);
        let entries = vec![entry(
            &mut peer,
            EntryKind::Welcome,
            &founded.welcomes[0].bytes,
        )];
        let stream = StreamId::Inbox;
        online.reply(0, &Entries { stream, entries }.into());
        assert_eq!(online.conversation().standing, Standing::Requested);
        list_blocks(&mut online, Vec::new());
        let id = asked_after(&mut online, None);
        let mut list = page(&[(8, &peer)], false);
        if let Frame::Conversations(list) = &mut list {
            list.conversations[0].requested = requested;
        }
        online.reply(id, &list);
        assert_eq!(online.conversation().standing, standing);
    }
}

#[test]
fn a_list_opens_no_request_that_waited_for_the_person_before() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    online.welcome(&mut peer, &founded, 0, 1);
    assert_eq!(online.conversation().standing, Standing::Requested);
    online.ana.sent();
    reconnect(&mut online);
    list_blocks(&mut online, Vec::new());
    let sent = asked(&mut online);
    let list = |(_, frame): &&(u32, Frame)| matches!(frame, Frame::ListConversations(_));
    let id = sent.iter().find(list).expect("the list is asked for").0;
    online.reply(id, &page(&[(8, &peer)], false));
    assert_eq!(online.conversation().standing, Standing::Requested);
}

#[test]
fn a_conversation_that_is_not_here_and_was_delivered_to_is_looked_up_once_on_a_connection() {
    let mut online = Online::new();
    let unknown = |online: &mut Online| {
        for number in [9, 10] {
            let conversation = ConversationId::new([number; 16]);
            online.reply(
                0,
                &Delivered {
                    conversation,
                    seq: 7,
                }
                .into(),
            );
        }
        asked(online)
    };
    for _ in 0..2 {
        let ready = online.ana.ready(50);
        online.reconnect(&ready);
        let sent = unknown(&mut online);
        let [(id, Frame::Fetch(fetch))] = sent.as_slice() else {
            panic!("expected a look into the inbox, not {sent:?}")
        };
        assert_eq!(fetch.stream, StreamId::Inbox);
        let nothing = Page {
            entries: Vec::new(),
            last: 0,
            base: 0,
            kept: 0,
        };
        online.reply(*id, &nothing.into());
        list_blocks(&mut online, Vec::new());
        let id = asked_after(&mut online, None);
        let (conversations, more) = (Vec::new(), false);
        online.reply(
            id,
            &Conversations {
                conversations,
                more,
            }
            .into(),
        );
        assert_eq!(unknown(&mut online), []);
    }
    // a welcome that is on its way explains it
    let news = vec![News {
        stream: StreamId::Inbox,
        last: 1,
        base: 0,
    }];
    let ready = Ready {
        news,
        ..online.ana.ready(50)
    };
    online.reconnect(&ready);
    assert_eq!(unknown(&mut online), []);
}

#[test]
fn a_welcome_that_comes_again_explains_what_is_delivered_behind_it() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    online.welcome(&mut peer, &founded, 0, 1);
    assert_eq!(asked(&mut online), []);
    let delivered: Frame = Delivered {
        conversation: CONVERSATION,
        seq: 9,
    }
    .into();
    for comes_again in [true, false] {
        // a relay that died before it had written down what was acknowledged
        let inbox = News {
            stream: StreamId::Inbox,
            last: 1,
            base: 0,
        };
        let ready = Ready {
            news: comes_again.then_some(inbox).into_iter().collect(),
            ..online.ana.ready(50)
        };
        online.reconnect(&ready);
        if comes_again {
            online.welcome(&mut peer, &founded, 0, 1);
        }
        online.reply(0, &delivered);
        let sent = asked(&mut online);
        let doubts = sent
            .iter()
            .any(|(_, frame)| matches!(frame, Frame::ListBlocks(_)));
        assert_eq!(doubts, !comes_again, "{sent:?}");
    }
}

#[test]
fn whom_the_relay_lists_as_blocked_is_blocked_and_nobody_is_let_in_by_a_list() {
    let mut online = Online::new();
    let (one, other) = (AccountId::new([1; 16]), AccountId::new([2; 16]));
    online.ana.engine.set_blocked(one, true).unwrap();
    let (id, frame) = asked_once(&mut online);
    assert!(matches!(frame, Frame::SetBlock(_)), "{frame:?}");
    online.reply(id, &protocol::Done {}.into());
    reconnect(&mut online);
    list_blocks(&mut online, vec![other]);
    let blocked = online.ana.reader.blocked().unwrap();
    let mut accounts: Vec<AccountId> = blocked.iter().map(|it| it.account).collect();
    accounts.sort();
    assert_eq!(accounts, [one, other]);
    // the relay is told of the one that it does not have
    let told = asked(&mut online);
    let blocks: Vec<&Frame> = told
        .iter()
        .map(|(_, frame)| frame)
        .filter(|frame| matches!(frame, Frame::SetBlock(set) if set.account == one && set.blocked))
        .collect();
    assert_eq!(blocks.len(), 1, "{told:?}");
    assert_eq!(online.ana.reader.conversations().unwrap().len(), 0);
}

#[test]
fn a_listed_conversation_of_others_is_not_entered() {
    let mut online = gone_back();
    let (mut carol, mut dora) = (Peer::seeded(&online.ana, 78), Peer::seeded(&online.ana, 79));
    let manifest = dora.keys.manifest();
    let devices = dora.as_listed(&manifest);
    carol.mls(|mls| {
        mls.found_direct(CONVERSATION, 0, &[devices]).unwrap();
        let mut group = mls.load(CONVERSATION, 0).unwrap().unwrap();
        group.merge_pending().unwrap();
    });
    list_blocks(&mut online, Vec::new());
    let id = asked_after(&mut online, None);
    online.reply(id, &page(&[(8, &carol)], false));
    let (id, frame) = asked_once(&mut online);
    assert!(matches!(frame, Frame::FetchGroup(_)), "{frame:?}");
    let state = state_of(&mut carol, CONVERSATION, 1, 1);
    online.reply(id, &state.into());
    assert_eq!(asked(&mut online), []);
    assert!(online.ana.reader.conversations().unwrap().is_empty());
}

#[test]
fn a_conversation_that_is_listed_under_another_name_stays_that_of_its_members() {
    let mut online = gone_back();
    let (mut peer, carol) = (Peer::new(&online.ana), Peer::seeded(&online.ana, 78));
    peer.found(&online);
    peer.mls(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().merge_pending())
        .unwrap();
    list_blocks(&mut online, Vec::new());
    let id = asked_after(&mut online, None);
    online.reply(id, &page(&[(8, &carol)], false));
    let (id, _) = asked_once(&mut online);
    let state = state_of(&mut peer, CONVERSATION, 1, 1);
    online.reply(id, &state.into());
    let (id, frame) = asked_once(&mut online);
    assert!(matches!(frame, Frame::Commit(_)), "{frame:?}");
    online.reply(id, &Committed { seq: 2, time: NOW }.into());
    let conversation = online.conversation();
    assert_eq!(conversation.peer, peer.account());
    // and she is not taken for somebody whom the person accepted
    assert_eq!(conversation.standing, Standing::Requested);
}

#[test]
fn entries_of_any_number_of_conversations_that_are_not_here_lead_to_a_bounded_number_of_intents() {
    let mut chat = Chat::new();
    let mut entry = chat.entry(EntryKind::Application, b"of another conversation");
    chat.last -= 1;
    for number in 0..600_u32 {
        let mut id = [7; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let stream = StreamId::Conversation(ConversationId::new(id));
        entry.seq = 1;
        let entries = vec![entry.clone()];
        chat.online.reply(0, &Entries { stream, entries }.into());
    }
    let database = &chat.online.ana.database;
    let wanted: u32 = database
        .query_row("SELECT count(*) FROM rejoins", [], |row| row.get(0))
        .unwrap();
    assert_eq!(wanted, 256);
    assert!(chat.is_online());
    chat.say("goes on");
    assert_eq!(chat.texts(), ["goes on"]);
}
