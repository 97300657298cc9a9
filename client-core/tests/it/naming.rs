//! A person changes its own name, and whoever has it learns that.

use client_core::{
    Client, ErrorKind, Event,
    content::Content,
    model::{OutgoingState, Standing},
    store::{Database, conversations, outbox},
};
use protocol::{Done, Frame};
use tokio::runtime::Handle;

use crate::{
    peer::Online,
    people::{Person, TestRelay, ana_and_luis},
    recovery::confirm_code,
    requests::{asked, standing, strangers},
};

async fn rename(client: &Client, name: &str) {
    client.set_name(name.to_owned()).await.unwrap();
}

/// The relay answered for everything before, because it answers what comes after that on the same connection.
async fn until_answered(person: &Person) {
    person.client().create_invite().await.unwrap();
}

/// Ends the app and starts it again; how many profiles waited in between.
async fn restart_counting_profiles(person: Person) -> (Person, usize) {
    let mut waiting = 0;
    let person = person
        .restart_after(|path, key| {
            let database = Database::open(path, key).unwrap();
            let connection = database.connection();
            for conversation in conversations::established(connection).unwrap() {
                let rows = outbox::all(connection, conversation).unwrap();
                waiting += rows
                    .iter()
                    .filter(|row| Content::is_profile(&row.content))
                    .count();
            }
        })
        .await;
    (person, waiting)
}

async fn titles(person: &Person) -> Vec<String> {
    let conversations = person.conversations().await;
    conversations.into_iter().map(|row| row.title).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_name_reaches_the_other_also_who_was_away() {
    let relay = TestRelay::start().await;
    let (ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    rename(ana.client(), "  Ana   María ").await;
    assert_eq!(ana.client().me().await.unwrap().name, "Ana María");
    assert_eq!(luis.conversation_with("Ana María").await, with_ana);

    let meanwhile = async {
        rename(ana.client(), "Ana Vega").await;
        ana.write(with_luis, "I have married").await;
    };
    let mut luis = luis.away_while(meanwhile, |_, _| {}).await;
    luis.until_texts(with_ana, &["I have married"]).await;
    assert_eq!(titles(&luis).await, ["Ana Vega"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_names_that_change_without_a_connection_the_last_one_is_told() {
    let mut relay = TestRelay::start().await;
    let (ana, _, mut luis, with_ana) = ana_and_luis(&relay).await;
    until_answered(&ana).await;
    relay.stop().await;
    rename(ana.client(), "Anna").await;
    rename(ana.client(), "Ana Vega").await;
    let (ana, waiting) = restart_counting_profiles(ana).await;
    assert_eq!(waiting, 1);
    assert_eq!(ana.client().me().await.unwrap().name, "Ana Vega");
    relay.start_again().await;
    assert_eq!(luis.conversation_with("Ana Vega").await, with_ana);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_same_name_nor_one_that_cannot_be_used_is_told() {
    let mut relay = TestRelay::start().await;
    let (ana, _, luis, _) = ana_and_luis(&relay).await;
    until_answered(&ana).await;
    relay.stop().await;
    for same in ["Ana", " Ana "] {
        rename(ana.client(), same).await;
    }
    for bad in [
        String::new(),
        "   ".to_owned(),
        "a".repeat(65),
        "A\nna".to_owned(),
    ] {
        let refused = ana.client().set_name(bad).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NameInvalid);
    }
    let (ana, waiting) = restart_counting_profiles(ana).await;
    assert_eq!(waiting, 0);
    assert_eq!(ana.client().me().await.unwrap().name, "Ana");
    assert_eq!(titles(&luis).await, ["Ana"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_asked_is_known_by_the_name_that_it_has_when_it_accepts() {
    let relay = TestRelay::start().await;
    let (mut ana, mut luis) = strangers(&relay).await;
    let (with_luis, with_ana) = asked(&mut ana, &mut luis).await;
    rename(luis.client(), "Luis Vega").await;
    let (luis, waiting) = restart_counting_profiles(luis).await;
    assert_eq!(waiting, 0);
    luis.client().accept_request(with_ana).await.unwrap();
    assert_eq!(ana.conversation_with("Luis Vega").await, with_luis);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_may_change_its_name_often_and_still_write_three_texts() {
    let relay = TestRelay::start().await;
    let (mut ana, mut luis) = strangers(&relay).await;
    let (with_luis, with_ana) = asked(&mut ana, &mut luis).await;
    // a name that was written wrong is put right at once
    for number in 1..=3 {
        rename(ana.client(), &format!("Ana {number}")).await;
        let name = format!("Ana {number}");
        assert_eq!(luis.conversation_with(&name).await, with_ana);
    }
    // what goes beyond that waits
    for number in 4..=9 {
        rename(ana.client(), &format!("Ana {number}")).await;
        until_answered(&ana).await;
    }
    for text in ["one", "two", "three"] {
        ana.write(with_luis, text).await;
    }
    luis.until_texts(with_ana, &["one", "two", "three"]).await;
    ana.until_all(with_luis, OutgoingState::Sent).await;
    assert_eq!(titles(&luis).await, ["Ana 3"]);
    standing(&mut ana, with_luis, Standing::Asked).await;

    luis.client().accept_request(with_ana).await.unwrap();
    assert_eq!(luis.conversation_with("Ana 9").await, with_ana);
    let (_, waiting) = restart_counting_profiles(ana).await;
    assert_eq!(waiting, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_changed_often_does_not_stand_in_the_way_of_a_link() {
    let relay = TestRelay::start().await;
    let (mut ana, mut luis) = strangers(&relay).await;
    let (with_luis, with_ana) = asked(&mut ana, &mut luis).await;
    for number in 1..=9 {
        rename(ana.client(), &format!("Ana {number}")).await;
        until_answered(&ana).await;
    }
    for text in ["one", "two", "three"] {
        ana.write(with_luis, text).await;
    }
    luis.until_texts(with_ana, &["one", "two", "three"]).await;
    let card = luis.client().create_contact_link().await.unwrap();
    let link = card.app.parse().unwrap();
    assert_eq!(ana.client().open_link(link).await.unwrap(), with_luis);
    standing(&mut luis, with_ana, Standing::Open).await;
    standing(&mut ana, with_luis, Standing::Open).await;
    assert_eq!(luis.conversation_with("Ana 9").await, with_ana);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_blocked_learns_a_new_name_once_the_block_is_over() {
    let relay = TestRelay::start().await;
    let (ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    until_answered(&ana).await;
    let blocked = luis.client().account();
    ana.client().set_blocked(blocked, true).await.unwrap();
    rename(ana.client(), "Ana Vega").await;
    let (ana, waiting) = restart_counting_profiles(ana).await;
    assert_eq!(waiting, 1);
    assert_eq!(titles(&luis).await, ["Ana"]);
    ana.client().set_blocked(blocked, false).await.unwrap();
    ana.write(with_luis, "hola").await;
    luis.until_texts(with_ana, &["hola"]).await;
    assert_eq!(titles(&luis).await, ["Ana Vega"]);
}

/// The name under which an account comes back on another computer, where the person gives none.
async fn name_in_the_record(words: &str, relay: &TestRelay) -> String {
    let lost = client_core::restoring::Lost::parse(words, &relay.invite().to_app()).unwrap();
    let found = lost.find(&Handle::current()).await.unwrap();
    let person = Person::restore(None, &found).await;
    person.client().me().await.unwrap().name
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recovery_record_has_the_name_of_when_its_code_was_written_down() {
    let relay = TestRelay::start().await;
    let (ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    ana.write(with_luis, "hola").await;
    luis.until_texts(with_ana, &["hola"]).await;
    rename(luis.client(), "Luis Vega").await;
    until_answered(&luis).await;
    let words = confirm_code(&mut luis).await;
    rename(luis.client(), "Luis Otro").await;
    until_answered(&luis).await;
    luis.stop().await;
    assert_eq!(name_in_the_record(&words, &relay).await, "Luis Vega");
}

/// The ids of the recovery records that Ana told the relay since the last call.
fn told_records(online: &Online) -> Vec<u32> {
    let sent = online.ana.sent().into_iter();
    sent.filter_map(|(id, frame)| matches!(frame, Frame::StoreRecord(_)).then_some(id))
        .collect()
}

#[test]
fn the_answer_for_an_earlier_record_is_not_taken_for_that_of_the_newest() {
    let mut online = Online::new();
    let mut ids = Vec::new();
    for name in ["Anna", "Ana Vega"] {
        online.ana.engine.set_name(name).unwrap();
        let [id] = told_records(&online)[..] else {
            panic!("one record for each name")
        };
        ids.push(id);
    }
    online.reply(ids[0], &Done {}.into());
    // the newest is told again, for nobody knows whether it came
    online.reconnect(&online.ana.ready(50));
    let [id] = told_records(&online)[..] else {
        panic!("the record was not told again")
    };
    online.reply(id, &Done {}.into());
    online.reconnect(&online.ana.ready(50));
    assert!(told_records(&online).is_empty());
}

#[test]
fn a_changed_name_is_announced_and_the_same_one_is_not() {
    let mut online = Online::new();
    online.ana.engine.take_events();
    online.ana.engine.set_name(" Ana ").unwrap();
    assert!(!online.ana.engine.take_events().contains(&Event::MeChanged));
    online.ana.engine.set_name("Ana Vega").unwrap();
    assert!(online.ana.engine.take_events().contains(&Event::MeChanged));
}
