//! Asking somebody to be written to, and what the other makes of it.

use client_core::{
    ErrorKind,
    model::{
        ConversationKey, ConversationState, MessageKind, OutgoingState, Privacy, Standing,
        SystemEvent,
    },
};

use crate::people::{Person, TestRelay, ana_and_luis};

/// Two people with accounts who do not know each other.
pub(crate) async fn strangers(relay: &TestRelay) -> (Person, Person) {
    (
        Person::join("Ana", &relay.invite()).await,
        Person::join("Luis", &relay.invite()).await,
    )
}

/// Ana asks Luis; what each calls the conversation, once both see it.
pub(crate) async fn asked(
    ana: &mut Person,
    luis: &mut Person,
) -> (ConversationKey, ConversationKey) {
    let with_luis = ana
        .client()
        .open_account(luis.client().account())
        .await
        .unwrap();
    (with_luis, luis.conversation_with("Ana").await)
}

pub(crate) async fn standing(person: &mut Person, key: ConversationKey, wanted: Standing) {
    person
        .until(&format!("{wanted:?}"), async |client| {
            let list = client.conversations().await?;
            let found = list.iter().find(|conversation| conversation.key == key);
            Ok(found
                .is_some_and(|conversation| conversation.standing == wanted)
                .then_some(()))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_may_write_three_texts_and_learns_nothing_before_it_is_accepted() {
    let relay = TestRelay::start().await;
    let (mut ana, mut luis) = strangers(&relay).await;
    let (with_luis, with_ana) = asked(&mut ana, &mut luis).await;
    for text in ["one", "two", "three"] {
        ana.write(with_luis, text).await;
    }
    let fourth = ana.client().send_text(with_luis, "four".to_owned()).await;
    assert_eq!(fourth.unwrap_err().kind(), ErrorKind::RequestLimit);
    luis.until_texts(with_ana, &["one", "two", "three"]).await;
    standing(&mut luis, with_ana, Standing::Requested).await;
    ana.until_all(with_luis, OutgoingState::Sent).await;
    let conversation = ana.conversations().await.remove(0);
    assert_eq!(conversation.standing, Standing::Asked);
    assert_eq!(conversation.texts_left, Some(0));
    assert_eq!(conversation.title, "");
    assert_eq!(conversation.presence, None);
    let early = luis.client().send_text(with_ana, "hola".to_owned()).await;
    assert_eq!(early.unwrap_err().kind(), ErrorKind::Refused);

    luis.client().accept_request(with_ana).await.unwrap();
    standing(&mut ana, with_luis, Standing::Open).await;
    luis.write(with_ana, "hola").await;
    ana.write(with_luis, "four").await;
    luis.until_all(with_ana, OutgoingState::Delivered).await;
    let page = ana.client().messages(with_luis, None, 50).await.unwrap();
    let kinds: Vec<_> = page.messages.iter().map(|message| message.kind).collect();
    assert!(kinds.contains(&MessageKind::System(SystemEvent::RequestAccepted)));
    assert_eq!(ana.conversations().await[0].title, "Luis");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_found_by_a_handle_goes_by_it_until_the_name_is_told() {
    let relay = TestRelay::start().await;
    let (mut ana, mut luis) = strangers(&relay).await;
    let handle = Some("luis.vega".to_owned());
    luis.client().set_handle(handle).await.unwrap();
    let found = ana.client().open_handle("@Luis.Vega".to_owned());
    let with_luis = found.await.unwrap();
    assert_eq!(ana.conversations().await[0].title, "@luis.vega");

    let with_ana = luis.conversation_with("Ana").await;
    luis.client().accept_request(with_ana).await.unwrap();
    standing(&mut ana, with_luis, Standing::Open).await;
    assert_eq!(ana.conversations().await[0].title, "Luis");
    // who is known keeps the name
    let again = ana.client().open_handle("luis.vega".to_owned()).await;
    assert_eq!(again.unwrap(), with_luis);
    assert_eq!(ana.conversations().await[0].title, "Luis");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_request_is_gone_and_cannot_be_made_again_at_once() {
    let relay = TestRelay::start().await;
    let (mut ana, mut luis) = strangers(&relay).await;
    let (with_luis, with_ana) = asked(&mut ana, &mut luis).await;
    luis.client()
        .decline_request(with_ana, false)
        .await
        .unwrap();
    assert!(luis.conversations().await.is_empty());
    // the relay answers in order: it knows of the decline before Ana has written all that she may
    luis.client().create_invite().await.unwrap();
    // Ana learns it when she writes
    ana.until("the refusal", async |client| {
        let sent = client.send_text(with_luis, "are you there?".to_owned());
        // after the third nothing more is written
        let _written = sent.await;
        let list = client.conversations().await?;
        Ok((list[0].state == ConversationState::Refused).then_some(()))
    })
    .await;
    let again = ana
        .client()
        .open_account(luis.client().account())
        .await
        .unwrap();
    ana.until("another refusal", async |client| {
        let list = client.conversations().await?;
        let found = list.iter().find(|conversation| conversation.key == again);
        Ok(found
            .is_some_and(|conversation| conversation.state == ConversationState::Refused)
            .then_some(()))
    })
    .await;
    assert!(luis.conversations().await.is_empty());
}

/// Ana asks Luis and writes, he declines, and she learns it.
async fn declined(relay: &TestRelay) -> (Person, ConversationKey, Person) {
    let (mut ana, mut luis) = strangers(relay).await;
    let (with_luis, with_ana) = asked(&mut ana, &mut luis).await;
    ana.write(with_luis, "the first request").await;
    luis.until_texts(with_ana, &["the first request"]).await;
    luis.client()
        .decline_request(with_ana, false)
        .await
        .unwrap();
    // the relay knows of it when it answers what comes after it on the same connection
    luis.client().create_invite().await.unwrap();
    ana.write(with_luis, "too late").await;
    state(&mut ana, with_luis, ConversationState::Refused).await;
    ana.until_all_at_least_sent(with_luis).await;
    (ana, with_luis, luis)
}

async fn state(person: &mut Person, key: ConversationKey, wanted: ConversationState) {
    person
        .until(&format!("{wanted:?}"), async |client| {
            let list = client.conversations().await?;
            let found = list.iter().find(|conversation| conversation.key == key);
            Ok(found
                .is_some_and(|conversation| conversation.state == wanted)
                .then_some(()))
        })
        .await;
}

/// What failed is sent again, as the person wants it.
async fn retry_failed(person: &Person, key: ConversationKey) {
    let page = person.client().messages(key, None, 50).await.unwrap();
    for message in page.messages {
        if message.outgoing == Some(OutgoingState::Failed) {
            person.client().retry(key, message.id).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_declined_may_ask_again_after_thirty_days_and_it_arrives() {
    let after = [
        "UPDATE ended_conversations SET time = time - 31 * 86400000",
        // after 90 days the relay remembers nothing of it
        "DELETE FROM ended_conversations",
    ];
    for passed in after {
        let mut relay = TestRelay::start().await;
        let (mut ana, with_luis, mut luis) = declined(&relay).await;
        relay.stop().await;
        relay.change(passed);
        relay.start_again().await;
        let again = ana.client().open_account(luis.client().account()).await;
        assert_eq!(again.unwrap(), with_luis);
        let with_ana = luis.conversation_with("Ana").await;
        standing(&mut luis, with_ana, Standing::Requested).await;
        retry_failed(&ana, with_luis).await;
        // the texts of the first request do not count
        for text in ["one", "two"] {
            ana.write(with_luis, text).await;
        }
        luis.until_texts(with_ana, &["too late", "one", "two"])
            .await;
        luis.client().accept_request(with_ana).await.unwrap();
        standing(&mut ana, with_luis, Standing::Open).await;
        luis.write(with_ana, "welcome").await;
        ana.until_last(with_luis, "welcome").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_counts_when_it_is_tried_again_in_a_request() {
    let mut relay = TestRelay::start().await;
    let (mut ana, with_luis, luis) = declined(&relay).await;
    // a link that is over is no consent, as Ana's app learns after it took the texts
    let card = luis.client().create_contact_link().await.unwrap();
    luis.client().end_link(card.token).await.unwrap();
    let link = card.app.parse().unwrap();
    ana.client().open_link(link).await.unwrap();
    for text in ["one", "two", "three"] {
        ana.write(with_luis, text).await;
    }
    state(&mut ana, with_luis, ConversationState::Refused).await;
    ana.until_all_at_least_sent(with_luis).await;
    relay.stop().await;
    relay.change("DELETE FROM ended_conversations");
    relay.start_again().await;
    let again = ana.client().open_account(luis.client().account()).await;
    assert_eq!(again.unwrap(), with_luis);
    let page = ana.client().messages(with_luis, None, 50).await.unwrap();
    let mut outcomes = Vec::new();
    for message in page.messages {
        if message.outgoing == Some(OutgoingState::Failed) {
            let tried = ana.client().retry(with_luis, message.id).await;
            outcomes.push(tried.map(|_| message.text).map_err(|error| error.kind()));
        }
    }
    let gone = ["too late", "one", "two"].map(|text| Ok(text.to_owned()));
    assert_eq!(outcomes[..3], gone);
    assert_eq!(outcomes[3..], [Err(ErrorKind::RequestLimit)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_by_a_link_that_is_over_arrives_whole_once_it_is_accepted() {
    let mut relay = TestRelay::start().await;
    let (mut ana, mut luis) = strangers(&relay).await;
    let card = luis.client().create_contact_link().await.unwrap();
    luis.client().end_link(card.token).await.unwrap();
    let link = card.app.parse().unwrap();
    // all is written before the relay says a word
    relay.stop().await;
    let with_luis = ana.client().open_link(link).await.unwrap();
    let texts: Vec<String> = (0..10).map(|number| format!("text {number}")).collect();
    for text in &texts {
        ana.write(with_luis, text).await;
    }
    relay.start_again().await;
    let with_ana = luis.conversation_with("Ana").await;
    standing(&mut luis, with_ana, Standing::Requested).await;
    // the relay takes no more, and Ana sees why
    standing(&mut ana, with_luis, Standing::Asked).await;
    let shown = luis.texts(with_ana).await;
    let shown: Vec<_> = shown.iter().filter(|it| !it.starts_with('?')).collect();
    assert!(texts.iter().take(3).eq(shown), "three, and no more");
    luis.client().accept_request(with_ana).await.unwrap();
    let all: Vec<&str> = texts.iter().map(String::as_str).collect();
    luis.until_whole(with_ana, &all).await;
    standing(&mut ana, with_luis, Standing::Open).await;
    ana.until_all(with_luis, OutgoingState::Delivered).await;
    assert_eq!(luis.placed(with_ana).await, ana.placed(with_luis).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_of_who_declined_opens_the_conversation_at_once() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, mut luis) = declined(&relay).await;
    let card = luis.client().create_contact_link().await.unwrap();
    let link = card.app.parse().unwrap();
    let key = ana.client().open_link(link).await.unwrap();
    assert_eq!(key, with_luis);
    retry_failed(&ana, with_luis).await;
    let with_ana = luis.conversation_with("Ana").await;
    luis.until_texts(with_ana, &["too late"]).await;
    standing(&mut luis, with_ana, Standing::Open).await;
    luis.write(with_ana, "changed my mind").await;
    ana.until_last(with_luis, "changed my mind").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_opens_the_conversation_also_where_the_decline_was_not_noticed_yet() {
    let relay = TestRelay::start().await;
    let (mut ana, mut luis) = strangers(&relay).await;
    let (with_luis, with_ana) = asked(&mut ana, &mut luis).await;
    luis.client()
        .decline_request(with_ana, false)
        .await
        .unwrap();
    let card = luis.client().create_contact_link().await.unwrap();
    let link = card.app.parse().unwrap();
    let (key, written) = tokio::join!(
        ana.client().open_link(link),
        ana.client().send_text(with_luis, "by your card".to_owned())
    );
    assert_eq!(key.unwrap(), with_luis);
    written.unwrap();
    let with_ana = luis.conversation_with("Ana").await;
    luis.until_texts(with_ana, &["by your card"]).await;
    standing(&mut luis, with_ana, Standing::Open).await;
    for text in ["two", "three", "four"] {
        ana.write(with_luis, text).await;
    }
    luis.until_last(with_ana, "four").await;
    ana.until_all(with_luis, OutgoingState::Delivered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_back_has_accepted() {
    let relay = TestRelay::start().await;
    let (mut ana, mut luis) = strangers(&relay).await;
    let (ana_id, luis_id) = (ana.client().account(), luis.client().account());
    let (with_luis, with_ana) = tokio::join!(
        ana.client().open_account(luis_id),
        luis.client().open_account(ana_id)
    );
    let (with_luis, with_ana) = (with_luis.unwrap(), with_ana.unwrap());
    standing(&mut ana, with_luis, Standing::Open).await;
    standing(&mut luis, with_ana, Standing::Open).await;
    for number in 0..5 {
        ana.write(with_luis, &format!("a{number}")).await;
    }
    luis.until_texts(with_ana, &["a0", "a1", "a2", "a3", "a4"])
        .await;
    luis.write(with_ana, "bien").await;
    ana.until_texts(with_luis, &["a0", "a1", "a2", "a3", "a4", "bien"])
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_holds_back_what_is_written_and_nothing_of_it_is_missed_later() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    ana.write(with_luis, "before").await;
    luis.until_texts(with_ana, &["before"]).await;
    let ana_id = ana.client().account();
    luis.client().set_blocked(ana_id, true).await.unwrap();
    let refused = luis.client().send_text(with_ana, "no".to_owned()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(luis.client().blocked().await.unwrap()[0].account, ana_id);
    // the relay knows of the block when it answers what comes after it on the same connection
    luis.client().create_invite().await.unwrap();
    ana.write(with_luis, "during").await;
    ana.until_all_at_least_sent(with_luis).await;
    luis.client().set_blocked(ana_id, false).await.unwrap();
    luis.client().create_invite().await.unwrap();
    ana.write(with_luis, "after").await;
    luis.until_texts(with_ana, &["before", "after"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_is_told_and_only_where_both_want_it() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    ana.write(with_luis, "hola").await;
    luis.until_texts(with_ana, &["hola"]).await;
    read_all(&luis, with_ana).await;
    ana.until_all(with_luis, OutgoingState::Read).await;
    let page = ana.client().messages(with_luis, None, 1).await.unwrap();
    let message = &page.messages[0];
    assert!(message.delivered_at.is_some_and(|at| at >= message.time));
    assert!(message.read_at.is_some_and(|at| at >= message.time));

    let silent = Privacy {
        read_receipts: false,
        typing: false,
        announce: true,
    };
    ana.client().set_privacy(silent).await.unwrap();
    ana.write(with_luis, "otra").await;
    luis.until_texts(with_ana, &["hola", "otra"]).await;
    read_all(&luis, with_ana).await;
    luis.write(with_ana, "leído").await;
    ana.until_texts(with_luis, &["hola", "otra", "leído"]).await;
    let page = ana.client().messages(with_luis, None, 2).await.unwrap();
    assert_ne!(page.messages[0].outgoing, Some(OutgoingState::Read));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_of_a_request_is_told_once_it_is_accepted() {
    let relay = TestRelay::start().await;
    let (mut ana, mut luis) = strangers(&relay).await;
    let (with_luis, with_ana) = asked(&mut ana, &mut luis).await;
    ana.write(with_luis, "hola").await;
    luis.until_texts(with_ana, &["hola"]).await;
    read_all(&luis, with_ana).await;
    // whatever is told on that connection is told before this
    luis.client().create_invite().await.unwrap();
    ana.client().create_invite().await.unwrap();
    ana.until_all(with_luis, OutgoingState::Sent).await;
    luis.client().accept_request(with_ana).await.unwrap();
    ana.until_all(with_luis, OutgoingState::Read).await;
}

async fn read_all(person: &Person, key: ConversationKey) {
    let page = person.client().messages(key, None, 1).await.unwrap();
    let last = page.messages.last().unwrap().position;
    person.client().mark_read(key, last).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_and_presence_are_seen_and_hiding_works_both_ways() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, luis, with_ana) = ana_and_luis(&relay).await;
    ana.until("Luis is there", async |client| {
        let list = client.conversations().await?;
        Ok(list[0]
            .presence
            .as_ref()
            .is_some_and(|presence| presence.connected)
            .then_some(()))
    })
    .await;
    luis.client().typing(with_ana).await.unwrap();
    ana.until("Luis is typing", async |client| {
        Ok(client.conversations().await?[0].typing.then_some(()))
    })
    .await;
    luis.write(with_ana, "hola").await;
    ana.until_texts(with_luis, &["hola"]).await;
    // the text is on the disk a moment before its writer stops typing here
    ana.until("Luis has written", async |client| {
        Ok((!client.conversations().await?[0].typing).then_some(()))
    })
    .await;
    let hidden = Privacy {
        read_receipts: true,
        typing: true,
        announce: false,
    };
    luis.client().set_privacy(hidden).await.unwrap();
    ana.until("Luis is hidden", async |client| {
        let list = client.conversations().await?;
        Ok(list[0]
            .presence
            .as_ref()
            .is_none_or(|presence| !presence.connected)
            .then_some(()))
    })
    .await;
    assert_eq!(luis.conversations().await[0].presence, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_see_the_same_safety_number_and_comparing_it_marks_the_other() {
    let relay = TestRelay::start().await;
    let (ana, with_luis, luis, with_ana) = ana_and_luis(&relay).await;
    let shown = luis.client().safety_number(with_ana).await.unwrap();
    let compared = ana
        .client()
        .compare_safety_number(with_luis, shown.to_string())
        .await
        .unwrap();
    assert_eq!(compared, client_core::crypto::Comparison::Same);
    assert!(ana.conversations().await[0].verified);
    let ana = ana.restart().await;
    assert!(ana.conversations().await[0].verified);
}
