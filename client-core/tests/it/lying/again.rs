//! What is asked of Ana after her database went back in time: of a run of entries that she has ended, and partly forgotten.

use client_core::{
    content::{Again, Body, Content, Range, SealNote},
    crypto::clear_aad,
    store::chains::ChainId,
};
use protocol::{Blocks, Committed, Conversations, Entry, EntryKind, Frame, KeyPackageCount, Ready};

use super::chat::Chat;
use crate::peer::NOW;

/// The end of a chain whose length nobody knows.
const END: u64 = i64::MAX as u64;

/// The relay took more from Ana than she remembers, these too; she comes back into the conversation. What she says there.
fn goes_back(chat: &mut Chat, own: Vec<Entry>) -> Vec<(Body, SealNote)> {
    let ready = Ready {
        sent: 1_000,
        ..chat.online.ana.ready(50)
    };
    chat.online.reconnect(&ready);
    chat.push(own);
    let mut said = Vec::new();
    loop {
        let sent = chat.online.ana.sent();
        if sent.is_empty() {
            return said;
        }
        for (id, frame) in sent {
            let reply: Frame = match frame {
                Frame::PublishKeyPackages(_) => KeyPackageCount { count: 50 }.into(),
                Frame::ListBlocks(_) => Blocks {
                    accounts: Vec::new(),
                }
                .into(),
                Frame::ListConversations(_) => Conversations {
                    conversations: Vec::new(),
                    more: false,
                }
                .into(),
                Frame::FetchGroup(_) => chat.state().into(),
                Frame::Commit(commit) => {
                    let conversation = chat.id;
                    chat.peer
                        .mls(|mls| {
                            let mut group = mls.load(conversation, 0).unwrap().unwrap();
                            group.open(&commit.commit.0)
                        })
                        .unwrap();
                    chat.epoch += 1;
                    chat.last += 1;
                    let seq = chat.last;
                    Committed { seq, time: NOW }.into()
                }
                Frame::Append(append) => {
                    said.extend(chat.take_append(id, &append));
                    continue;
                }
                _ => continue,
            };
            chat.online.reply(id, &reply);
        }
    }
}

/// Ana wrote "mine" and went back: the chain and number that it had, and its place.
fn wrote_and_went_back() -> (Chat, Again) {
    let mut chat = Chat::new();
    chat.online.ana.engine.send_text(chat.key, "mine").unwrap();
    let taken = chat.take_appends();
    let [(Body::Text(_), note)] = taken.as_slice() else {
        panic!("expected a text, not {taken:?}")
    };
    let sent = Again {
        chain: note.chain,
        number: note.number,
        seq: chat.last,
        time: NOW,
    };
    let said = goes_back(&mut chat, Vec::new());
    // what came meanwhile she asks for by its positions
    let [(Body::Profile(_), note), ..] = said.as_slice() else {
        panic!("expected a greeting, not {said:?}")
    };
    assert_ne!(note.chain, sent.chain, "another chain begins");
    assert_eq!(note.number, 1);
    (chat, sent)
}

/// The peer asks for entries; what Ana answers, besides what she asks herself.
fn asked(chat: &mut Chat, chain: ChainId, first: u64, last: u64) -> Vec<(Body, SealNote)> {
    let content = Content::missing(chat.peer.random(), Range { chain, first, last });
    let note = chat.note();
    let entry = chat.seal(&content, &note);
    chat.push(vec![entry]);
    let mut answers = chat.take_appends();
    answers.retain(|(body, _)| !matches!(body, Body::Missing(_)));
    answers
}

#[test]
fn what_is_sent_again_after_a_roll_back_names_the_chain_that_it_was_in_and_its_place() {
    let (mut chat, sent) = wrote_and_went_back();
    let answer = asked(&mut chat, sent.chain, sent.number, sent.number);
    let [(Body::Text(text), note), (Body::Resent(range), _)] = answer.as_slice() else {
        panic!("expected the text and an end, not {answer:?}")
    };
    assert_eq!(text, "mine");
    assert_ne!(note.chain, sent.chain);
    assert_eq!(note.again, Some(sent));
    assert_eq!((range.chain, range.last), (sent.chain, sent.number));
}

#[test]
fn who_asks_by_positions_is_told_who_we_are() {
    let mut chat = Chat::new();
    chat.online.ana.engine.send_text(chat.key, "mine").unwrap();
    chat.take_appends();
    let answer = asked(&mut chat, [0; 8].into(), 1, END);
    let told = |wanted: fn(&Body) -> bool| answer.iter().filter(|(it, _)| wanted(it)).count();
    // with what shows that she held a link: that may be what was lost
    let proves = |it: &Body| matches!(it, Body::Profile(profile) if profile.proof.is_some());
    assert_eq!(told(proves), 1, "{answer:?}");
    assert_eq!(told(|it| matches!(it, Body::Text(_))), 1, "{answer:?}");
    assert_eq!(told(|it| matches!(it, Body::Resent(_))), 1, "{answer:?}");
}

/// The ranges of positions that are asked for.
fn positions(said: &[(Body, SealNote)]) -> Vec<Range> {
    let ranges = said.iter().filter_map(|(body, _)| match body {
        Body::Missing(range) if *range.chain == [0; 8] => Some(*range),
        _ => None,
    });
    ranges.collect()
}

#[test]
fn a_question_for_all_that_was_written_is_asked_again_until_it_is_answered() {
    let mut chat = Chat::new();
    let before = chat.last;
    let asked = positions(&goes_back(&mut chat, Vec::new()));
    let [question] = asked.as_slice() else {
        panic!("expected one question, not {asked:?}")
    };
    assert_eq!((question.first, question.last), (before + 1, END));
    // the peer, which was asked, comes back from a time before
    let comes_back = |chat: &mut Chat| {
        let (id, state) = (chat.id, chat.state());
        let rejoined = chat.peer.mls(|mls| {
            mls.rejoin(id, 0, &state.group_info.0, &state.tree.0)
                .unwrap()
        });
        let entry = chat.entry(EntryKind::Commit, &rejoined.commit);
        chat.merge();
        chat.push(vec![entry]);
        positions(&chat.take_appends())
    };
    assert_eq!(comes_back(&mut chat), asked, "the same question");
    // it answers a part
    let tell = |chat: &mut Chat, first: u64, last: u64| {
        let chain = [0; 8].into();
        let content = Content::resent(chat.peer.random(), Range { chain, first, last });
        let note = chat.note();
        let entry = chat.seal(&content, &note);
        chat.push(vec![entry]);
        positions(&chat.take_appends())
    };
    let rest = before + 3;
    let asked = tell(&mut chat, before + 1, rest - 1);
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!((asked[0].first, asked[0].last), (rest, END));
    // an answer to something else ends nothing
    assert_eq!(tell(&mut chat, rest + 1, END), []);
    assert_eq!(comes_back(&mut chat), asked);
    assert_eq!(tell(&mut chat, rest, END), []);
    assert_eq!(comes_back(&mut chat), [], "it was answered");
}

#[test]
fn what_a_database_has_forgotten_of_a_chain_is_not_called_complete() {
    let (mut chat, sent) = wrote_and_went_back();
    for last in [sent.number + 5, END] {
        let answer = asked(&mut chat, sent.chain, sent.number, last);
        let Some((Body::Resent(range), _)) = answer.last() else {
            panic!("expected an end, not {answer:?}")
        };
        assert_eq!(range.last, sent.number, "no further than what is known");
        assert_eq!(asked(&mut chat, sent.chain, sent.number + 1, last), []);
    }
    // nothing is known of a chain that is not hers
    assert_eq!(asked(&mut chat, [9; 8].into(), 1, END), []);
}

#[test]
fn what_had_left_before_a_roll_back_is_sent_again_by_the_number_that_it_had() {
    let mut chat = Chat::new();
    chat.online.ana.engine.send_text(chat.key, "mine").unwrap();
    let Some((_, Frame::Append(append))) = chat.online.ana.sent().pop() else {
        panic!("expected a text")
    };
    // the relay has it, and Ana's copy does not know
    let sealed = &append.entries[0];
    let note = clear_aad(&sealed.bytes.0).and_then(|aad| SealNote::decode(&aad));
    let note = note.unwrap();
    let mut echo = chat.entry(EntryKind::Application, &sealed.bytes.0);
    echo.sender = chat.online.register.device;
    echo.client_id = sealed.client_id;
    let sent = Again {
        chain: note.chain,
        number: note.number,
        seq: echo.seq,
        time: echo.time,
    };
    let said = goes_back(&mut chat, vec![echo]);
    let texts = said
        .iter()
        .filter(|(body, _)| matches!(body, Body::Text(_)));
    assert_eq!(texts.count(), 0, "it is there already: {said:?}");
    let answer = asked(&mut chat, sent.chain, sent.number, sent.number);
    let [(Body::Text(text), note)] = answer.as_slice() else {
        panic!("expected the text, not {answer:?}")
    };
    assert_eq!((text.as_str(), note.again), ("mine", Some(sent)));
}
