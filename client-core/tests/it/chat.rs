//! Messages between two people.

use client_core::{
    ErrorKind,
    model::{ConnectionState, ConversationState, OutgoingState},
    store::{Database, conversations, messages},
};

use crate::people::{Person, TestRelay, ana_and_luis};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invite_makes_an_account_and_a_conversation_that_carries_messages_both_ways() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    luis.write(with_ana, "Hola Ana").await;
    ana.until_texts(with_luis, &["Hola Ana"]).await;
    ana.write(with_luis, "Hola Luis 👋").await;
    luis.until_texts(with_ana, &["Hola Ana", "Hola Luis 👋"])
        .await;
    luis.until_all(with_ana, OutgoingState::Delivered).await;
    ana.until_all(with_luis, OutgoingState::Delivered).await;
    assert_eq!(ana.conversations().await[0].unread, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_before_the_relay_answers_arrives_in_order() {
    let mut relay = TestRelay::start().await;
    let mut ana = Person::join("Ana", &relay.invite()).await;
    let invite = ana.invite().await;
    relay.stop().await;
    let mut luis = Person::begin("Luis", &invite);
    let key = luis.conversations().await[0].key;
    for number in 0..10 {
        let message = luis.write(key, &format!("{number}")).await;
        assert_eq!(message.outgoing, Some(OutgoingState::Queued));
    }
    assert_eq!(
        luis.conversations().await[0].state,
        ConversationState::Opening
    );
    relay.start_again().await;
    let with_luis = ana.conversation_with("Luis").await;
    let expected: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    ana.until_texts(with_luis, &expected).await;
    luis.until_all(key, OutgoingState::Delivered).await;
    luis.until_texts(key, &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_written_while_the_relay_is_away_go_out_when_it_is_back() {
    let mut relay = TestRelay::start().await;
    let (mut ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    relay.stop().await;
    ana.until("offline", async |client| {
        Ok((client.connection().await?.state != ConnectionState::Online).then_some(()))
    })
    .await;
    ana.write(with_luis, "one").await;
    luis.write(with_ana, "two").await;
    relay.start_again().await;
    ana.client().reconnect().await.unwrap();
    luis.client().reconnect().await.unwrap();
    luis.until("both", async |client| {
        Ok((client.messages(with_ana, None, 10).await?.messages.len() == 3).then_some(()))
    })
    .await;
    ana.until("both", async |client| {
        Ok((client.messages(with_luis, None, 10).await?.messages.len() == 3).then_some(()))
    })
    .await;
    ana.until_all(with_luis, OutgoingState::Delivered).await;
    luis.until_all(with_ana, OutgoingState::Delivered).await;
    assert_eq!(
        ana.texts(with_luis).await,
        luis.texts(with_ana).await,
        "one order for both"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_app_has_its_history_and_gets_what_it_missed() {
    let relay = TestRelay::start().await;
    let (ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    luis.write(with_ana, "before").await;
    let mut ana = ana.restart().await;
    ana.until_texts(with_luis, &["before"]).await;
    let ana = ana.restart().await;
    luis.write(with_ana, "after").await;
    luis.until_all(with_ana, OutgoingState::Delivered).await;
    let mut ana = ana.restart().await;
    ana.until_texts(with_luis, &["before", "after"]).await;
    ana.write(with_luis, "seen").await;
    luis.until_texts(with_ana, &["before", "after", "seen"])
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_who_open_each_others_links_at_once_get_one_conversation() {
    let mut relay = TestRelay::start().await;
    let mut ana = Person::join("Ana", &relay.invite()).await;
    let mut eva = Person::join("Eva", &relay.invite()).await;
    let (of_ana, of_eva) = (ana.invite().await, eva.invite().await);
    relay.stop().await;
    for person in [&mut ana, &mut eva] {
        person
            .until("offline", async |client| {
                Ok((client.connection().await?.state != ConnectionState::Online).then_some(()))
            })
            .await;
    }
    let with_eva = ana.client().open_link(of_eva).await.unwrap();
    let with_ana = eva.client().open_link(of_ana).await.unwrap();
    ana.write(with_eva, "from Ana").await;
    eva.write(with_ana, "from Eva").await;
    relay.start_again().await;
    ana.client().reconnect().await.unwrap();
    eva.client().reconnect().await.unwrap();
    assert_eq!(ana.conversation_with("Eva").await, with_eva);
    assert_eq!(eva.conversation_with("Ana").await, with_ana);
    for (person, key) in [(&mut ana, with_eva), (&mut eva, with_ana)] {
        person.until_all(key, OutgoingState::Delivered).await;
        person
            .until("both texts", async |client| {
                Ok((client.messages(key, None, 10).await?.messages.len() == 3).then_some(()))
            })
            .await;
    }
    assert_eq!(ana.texts(with_eva).await, eva.texts(with_ana).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_messages_each_way_arrive_once_and_in_the_same_order() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    // the commit that made the conversation, two profiles, and the texts
    let last = messages::position_of(1 + 2 + 600);
    for number in 0..300 {
        ana.write(with_luis, &format!("a{number}")).await;
        luis.write(with_ana, &format!("l{number}")).await;
    }
    for (person, key) in [(&mut ana, with_luis), (&mut luis, with_ana)] {
        person
            .until("all of them", async |client| {
                let page = client.messages(key, None, 1).await?;
                let waiting = client.connection().await?.waiting;
                Ok(
                    (waiting == 0 && page.messages.iter().all(|message| message.position == last))
                        .then_some(()),
                )
            })
            .await;
    }
    let texts = ana.texts(with_luis).await;
    assert_eq!(texts.len(), 600);
    assert_eq!(texts, luis.texts(with_ana).await);
    let mine: Vec<String> = texts
        .iter()
        .filter(|text| text.starts_with('a'))
        .cloned()
        .collect();
    assert_eq!(
        mine,
        (0..300)
            .map(|number| format!("a{number}"))
            .collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_found_by_part_of_a_word_without_accents() {
    let relay = TestRelay::start().await;
    let (ana, with_luis, mut luis, _) = ana_and_luis(&relay).await;
    ana.write(with_luis, "Mañana vamos a la estación del tren")
        .await;
    ana.write(with_luis, "東京タワーで会いましょう").await;
    for query in [
        "estacion",
        "ESTACIÓN",
        "stac",
        "manana",
        "tren vam",
        "タワー",
        "塔 nothing",
        "東京",
    ] {
        let expected = usize::from(!query.contains("nothing"));
        luis.until(query, async |client| {
            Ok((client.search(query.to_owned(), 10).await?.len() == expected).then_some(()))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_invite_makes_no_second_account() {
    let relay = TestRelay::start().await;
    let invite = relay.invite();
    let _ana = Person::join("Ana", &invite).await;
    let eva = Person::begin("Eva", &invite);
    let error = eva.client().registered().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LinkExpired);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_link_and_a_link_of_another_relay_open_nothing() {
    let relay = TestRelay::start().await;
    let other = TestRelay::start().await;
    let ana = Person::join("Ana", &relay.invite()).await;
    let eva = Person::join("Eva", &other.invite()).await;
    let own = ana.invite().await;
    assert_eq!(
        ana.client().open_link(own).await.unwrap_err().kind(),
        ErrorKind::OwnLink
    );
    let foreign = eva.invite().await;
    assert_eq!(
        ana.client().open_link(foreign).await.unwrap_err().kind(),
        ErrorKind::WrongRelay
    );
    assert!(ana.conversations().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leaf_is_renewed_after_five_hundred_entries_also_before_its_time() {
    let relay = TestRelay::start().await;
    let (ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    let mut ana = ana
        .restart_after(|database, key| {
            let mut database = Database::open(database, key).unwrap();
            database
                .write(|write| conversations::count_sealed(write, with_luis, 500))
                .unwrap();
        })
        .await;
    for text in ["before", "after"] {
        ana.write(with_luis, text).await;
        luis.until_last(with_ana, text).await;
        ana.until_all(with_luis, OutgoingState::Delivered).await;
    }
    ana.restart_after(|database, key| {
        let database = Database::open(database, key).unwrap();
        let worn = conversations::is_worn(database.connection(), with_luis, 500).unwrap();
        assert!(!worn, "the leaf is that of five hundred entries ago");
    })
    .await;
}
