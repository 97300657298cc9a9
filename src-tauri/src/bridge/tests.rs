use client_core::{Event as Change, model};
use protocol::{AccountId, MessageId};
use tauri::ipc::InvokeResponseBody;

use super::{pending::MOST_MESSAGES, *};

type Heard = Arc<Mutex<Vec<serde_json::Value>>>;

fn page() -> (Channel<Event>, Heard) {
    let heard = Heard::default();
    let ear = Arc::clone(&heard);
    let channel = Channel::new(move |body| {
        let InvokeResponseBody::Json(text) = body else {
            panic!("events are JSON")
        };
        ear.lock()
            .unwrap()
            .push(serde_json::from_str(&text).unwrap());
        Ok(())
    });
    (channel, heard)
}

fn types(heard: &Heard) -> Vec<String> {
    heard
        .lock()
        .unwrap()
        .iter()
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect()
}

fn id(number: usize) -> MessageId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    MessageId::new(bytes)
}

const KEY: model::ConversationKey = model::ConversationKey(7);

#[test]
fn what_happens_before_somebody_listens_arrives_once_in_one_piece() {
    let bridge = Bridge::default();
    bridge.change(|inner| {
        for _ in 0..3 {
            inner.pending.add(Change::MessageChanged(KEY, id(1)));
            inner.pending.add(Change::ConversationChanged(KEY));
            inner.pending.add(Change::SearchIndexed);
        }
        inner.pending.add(Change::MessageChanged(KEY, id(2)));
        inner.pending.add(Change::MessageRemoved(KEY, id(2)));
    });
    bridge.open_link("relevo:i#one".to_owned());
    bridge.open_link("relevo:i#two".to_owned());

    let (channel, heard) = page();
    bridge.subscribe(channel);

    assert_eq!(
        types(&heard),
        [
            "conversationsChanged",
            "messagesRemoved",
            "messagesChanged",
            "searchIndexed",
            "linkOpened"
        ]
    );
    let heard = heard.lock().unwrap();
    assert_eq!(heard[0]["keys"], serde_json::json!([7]));
    assert_eq!(heard[1]["ids"], serde_json::json!([id(2).to_hex()]));
    assert_eq!(heard[2]["ids"], serde_json::json!([id(1).to_hex()]));
    assert_eq!(heard[4]["text"], "relevo:i#two");
}

#[test]
fn a_page_that_is_loaded_again_is_the_only_one_that_hears() {
    let bridge = Bridge::default();
    let (first, heard_first) = page();
    bridge.subscribe(first);
    bridge.open_link("relevo:1".to_owned());
    let (second, heard_second) = page();
    bridge.subscribe(second);
    bridge.open_link("relevo:2".to_owned());
    assert_eq!(heard_first.lock().unwrap().len(), 1);
    assert_eq!(heard_second.lock().unwrap().len(), 1);
}

#[test]
fn a_page_that_is_gone_is_forgotten_and_the_next_one_hears() {
    let bridge = Bridge::default();
    bridge.subscribe(Channel::new(|_| Err(tauri::Error::WebviewNotFound)));
    bridge.open_link(String::new());
    let (channel, heard) = page();
    bridge.subscribe(channel);
    bridge.open_link("relevo:2".to_owned());
    assert_eq!(types(&heard), ["linkOpened"]);
}

#[test]
fn what_waits_is_bounded() {
    let mut pending = Pending::default();
    for number in 0..MOST_MESSAGES + 500 {
        pending.add(Change::MessageChanged(KEY, id(number)));
    }
    let [Event::MessagesChanged { ids, .. }] = &pending.take()[..] else {
        panic!("one event")
    };
    assert_eq!(ids.len(), MOST_MESSAGES);
    assert_eq!(pending.take(), []);
}

#[test]
fn the_changes_of_a_notice_are_one_event_to_the_page() {
    let bridge = Arc::new(Bridge::default());
    let (channel, heard) = page();
    bridge.subscribe(channel);
    let events = (0..100)
        .map(|number| Change::MessageChanged(KEY, id(number)))
        .collect();
    bridge.pass_on(Notice {
        account: AccountId::new([1; 16]),
        events,
    });
    assert_eq!(types(&heard), ["messagesChanged"]);
    assert_eq!(
        heard.lock().unwrap()[0]["ids"].as_array().unwrap().len(),
        100
    );
}
