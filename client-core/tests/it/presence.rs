//! What people say of how they are, told to contacts and to nobody else.

use std::time::Duration;

use client_core::{
    ErrorKind,
    model::{Availability, Conversation, Lasts, Presence, Privacy},
};

use crate::people::{Person, TestRelay, ana_and_luis};

/// Waits until the first conversation shows the other so.
async fn until(person: &mut Person, what: &str, is: impl Fn(&Presence) -> bool) {
    person
        .until(what, async |client| {
            let list = client.conversations().await?;
            Ok(list
                .first()
                .and_then(|row| row.presence.as_ref())
                .is_some_and(&is)
                .then_some(()))
        })
        .await;
}

/// Ends the apps: what they still do must not meet the end of the test's process.
async fn leave<const N: usize>(people: [Person; N]) {
    for person in people {
        person.stop().await;
    }
}

fn is_plain(presence: &Presence) -> bool {
    presence.connected && presence.availability == Availability::Active && presence.text.is_none()
}

fn says(presence: &Presence, availability: Availability, text: Option<&str>) -> bool {
    presence.connected
        && presence.availability == availability
        && presence.text.as_deref() == text
        && presence.since.is_some() == (availability != Availability::Active)
}

const FREE: Privacy = Privacy {
    read_receipts: true,
    typing: true,
    announce: true,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_says_is_seen_by_contacts_who_are_there_and_by_those_who_come_later() {
    let relay = TestRelay::start().await;
    let (mut ana, _, luis, _) = ana_and_luis(&relay).await;
    until(&mut ana, "Luis is there", is_plain).await;
    let client = luis.client();
    client
        .set_status_text("  at the  dentist ".to_owned(), Lasts::UntilChanged)
        .await
        .unwrap();
    client
        .set_do_not_disturb(Some(Lasts::UntilChanged))
        .await
        .unwrap();
    let quiet = |it: &Presence| says(it, Availability::DoNotDisturb, Some("at the dentist"));
    until(&mut ana, "Luis is not to be disturbed", quiet).await;

    // whoever comes later is told by the relay, whoever told it does so again after a restart
    let mut ana = ana.restart().await;
    until(&mut ana, "the relay kept it", quiet).await;
    let luis = luis.restart().await;
    assert_eq!(
        luis.client()
            .me()
            .await
            .unwrap()
            .presence
            .text
            .unwrap()
            .text,
        "at the dentist"
    );
    luis.client().set_do_not_disturb(None).await.unwrap();
    until(&mut ana, "only the text is left", |it| {
        says(it, Availability::Active, Some("at the dentist"))
    })
    .await;
    luis.client()
        .set_status_text(String::new(), Lasts::UntilChanged)
        .await
        .unwrap();
    until(&mut ana, "Luis is simply there", is_plain).await;
    leave([ana, luis]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_idle_is_shown_so_until_there_is_input_even_after_a_restart() {
    let relay = TestRelay::start().await;
    let (mut ana, _, luis, _) = ana_and_luis(&relay).await;
    until(&mut ana, "Luis is there", is_plain).await;
    let idle = Some(Duration::from_secs(300));
    luis.client().set_idle(idle).await.unwrap();
    until(&mut ana, "Luis is idle", |it| {
        says(it, Availability::Idle, None)
    })
    .await;
    luis.client().set_idle(None).await.unwrap();
    until(&mut ana, "Luis is back", is_plain).await;
    luis.client().set_idle(idle).await.unwrap();
    until(&mut ana, "Luis is idle again", |it| {
        says(it, Availability::Idle, None)
    })
    .await;
    // within the relay's grace nobody is told that he was gone: he takes it back himself
    let luis = luis.restart().await;
    until(&mut ana, "Luis starts anew", is_plain).await;
    leave([ana, luis]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hides_says_nothing_and_says_it_again_when_seen_again() {
    let relay = TestRelay::start().await;
    let (mut ana, _, luis, _) = ana_and_luis(&relay).await;
    let client = luis.client();
    client
        .set_do_not_disturb(Some(Lasts::UntilChanged))
        .await
        .unwrap();
    let quiet = |it: &Presence| says(it, Availability::DoNotDisturb, None);
    until(&mut ana, "Luis is not to be disturbed", quiet).await;
    let hidden = Privacy {
        announce: false,
        ..FREE
    };
    client.set_privacy(hidden).await.unwrap();
    until(&mut ana, "Luis is hidden", |it| {
        !it.connected && it.availability == Availability::Active && it.text.is_none()
    })
    .await;
    client
        .set_status_text("nobody sees this".to_owned(), Lasts::UntilChanged)
        .await
        .unwrap();
    client.set_privacy(FREE).await.unwrap();
    until(&mut ana, "Luis is seen again", |it| {
        says(it, Availability::DoNotDisturb, Some("nobody sees this"))
    })
    .await;
    leave([ana, luis]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_ends_it_and_its_end_brings_it_back() {
    let relay = TestRelay::start().await;
    let (mut ana, _, mut luis, _) = ana_and_luis(&relay).await;
    let (account, client) = (luis.client().account(), luis.client());
    client
        .set_do_not_disturb(Some(Lasts::UntilChanged))
        .await
        .unwrap();
    let quiet = |it: &Presence| says(it, Availability::DoNotDisturb, None);
    until(&mut ana, "Luis is not to be disturbed", quiet).await;
    ana.client().set_blocked(account, true).await.unwrap();
    let shown = |list: Vec<Conversation>| list[0].presence.clone();
    assert_eq!(shown(ana.conversations().await), None);
    until(&mut luis, "to Luis she is gone", |it| !it.connected).await;
    ana.client().set_blocked(account, false).await.unwrap();
    until(&mut ana, "Luis is shown again", quiet).await;
    leave([ana, luis]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_text_that_does_not_hold_is_refused() {
    let relay = TestRelay::start().await;
    let luis = Person::join("Luis", &relay.invite()).await;
    for text in ["a".repeat(101), "turned\u{202E}around".to_owned()] {
        let refused = luis
            .client()
            .set_status_text(text, Lasts::UntilChanged)
            .await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::TextInvalid);
    }
    assert_eq!(luis.client().me().await.unwrap().presence.text, None);
    leave([luis]).await;
}
