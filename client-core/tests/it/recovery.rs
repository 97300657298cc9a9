//! Coming back: a database that lost its groups, a computer that is gone, a profile that went back in time.

use std::fs;

use client_core::{
    ErrorKind,
    model::{ConversationKey, MessageKind, OutgoingState, RecoveryState, SystemEvent},
    restoring::Lost,
    store::{Database, mls},
};
use relay_server::Relay;
use tokio::runtime::Handle;

use crate::people::{self, Person, TestRelay, ana_and_luis};

/// Waits until a conversation has a line of this kind.
async fn until_told(person: &mut Person, key: ConversationKey, event: SystemEvent) {
    person
        .until(&format!("{event:?}"), async |client| {
            let page = client.messages(key, None, 50).await?;
            Ok(page
                .messages
                .iter()
                .any(|message| message.kind == MessageKind::System(event))
                .then_some(()))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_its_groups_comes_back_and_gets_what_it_missed() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, luis, with_ana) = ana_and_luis(&relay).await;
    ana.write(with_luis, "before").await;
    ana.until_all_at_least_sent(with_luis).await;
    let mut luis = luis
        .restart_after(|database, key| {
            let mut database = Database::open(database, key).unwrap();
            database
                .write(|write| {
                    write.connection().execute_batch(mls::FORGET).unwrap();
                    Ok(())
                })
                .unwrap();
        })
        .await;
    ana.write(with_luis, "after").await;
    until_told(&mut luis, with_ana, SystemEvent::Rejoined).await;
    luis.write(with_ana, "back").await;
    ana.until("the answer", async |client| {
        let page = client.messages(with_luis, None, 1).await?;
        Ok(page
            .messages
            .first()
            .is_some_and(|message| message.text == "back")
            .then_some(()))
    })
    .await;
    ana.write(with_luis, "at last").await;
    let all = ["before", "after", "back", "at last"];
    luis.until_whole(with_ana, &all).await;
    ana.until_all_at_least_sent(with_luis).await;
    assert_eq!(luis.client().troubles().await.unwrap().missing, 0);
    // what was sent again is where it was written
    assert_eq!(luis.placed(with_ana).await, ana.placed(with_luis).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_lost_everything_but_its_keys_is_sent_again_what_the_other_wrote() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    ana.write(with_luis, "before").await;
    luis.until_texts(with_ana, &["before"]).await;
    ana.until_all(with_luis, OutgoingState::Delivered).await;
    let meanwhile = async {
        ana.write(with_luis, "between").await;
        ana.until_all_at_least_sent(with_luis).await;
    };
    let mut luis = luis.restart_without_messages(meanwhile).await;
    let with_ana = luis.conversation_with("Ana").await;
    luis.until_whole(with_ana, &["before", "between"]).await;
    ana.until_all(with_luis, OutgoingState::Delivered).await;
    assert_eq!(luis.placed(with_ana).await, ana.placed(with_luis).await);
    assert_eq!(luis.client().troubles().await.unwrap().missing, 0);
}

/// Luis writes his code down; the words.
pub(crate) async fn confirm_code(luis: &mut Person) -> String {
    luis.until("the code is due", async |client| {
        Ok((client.me().await?.recovery == RecoveryState::Due).then_some(()))
    })
    .await;
    let shown = luis.client().recovery_code().await.unwrap();
    let answers = shown
        .ask
        .iter()
        .map(|position| (*position, shown.words[position - 1].to_owned()))
        .collect();
    luis.client().confirm_recovery_code(answers).await.unwrap();
    shown.words.join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_other_wrote_before_a_device_with_a_backup_is_back_arrives() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    ana.write(with_luis, "before").await;
    luis.until_texts(with_ana, &["before"]).await;
    let words = confirm_code(&mut luis).await;
    let folder = tempfile::tempdir().unwrap();
    ana.write(with_luis, "in the backup").await;
    luis.until_last(with_ana, "in the backup").await;
    let meanwhile = async {
        ana.write(with_luis, "while it was closed").await;
        ana.until_all_at_least_sent(with_luis).await;
    };
    let restarted = luis.restart_with_backup(&words, folder.path(), meanwhile);
    let mut luis = restarted.await;
    // it is on its way back
    for text in ["one", "two", "three"] {
        ana.write(with_luis, text).await;
    }
    until_told(&mut luis, with_ana, SystemEvent::Rejoined).await;
    ana.write(with_luis, "when it was back").await;
    let all = [
        "before",
        "in the backup",
        "while it was closed",
        "one",
        "two",
        "three",
        "when it was back",
    ];
    luis.until_whole(with_ana, &all).await;
    ana.until_all(with_luis, OutgoingState::Delivered).await;
    assert_eq!(luis.placed(with_ana).await, ana.placed(with_luis).await);
    assert_eq!(luis.client().troubles().await.unwrap().missing, 0);
}

/// Ana wrote to Luis, whose computer is gone since; the words of his code.
async fn ana_and_lost_luis(relay: &TestRelay) -> (Person, ConversationKey, String) {
    let (mut ana, with_luis, mut luis, with_ana) = ana_and_luis(relay).await;
    ana.write(with_luis, "before").await;
    luis.until_texts(with_ana, &["before"]).await;
    ana.until_all(with_luis, OutgoingState::Delivered).await;
    let words = confirm_code(&mut luis).await;
    let (folder, _) = luis.stop().await;
    fs::remove_dir_all(folder.path()).unwrap();
    (ana, with_luis, words)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_device_of_an_account_had_is_sent_again_to_its_new_one() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, words) = ana_and_lost_luis(&relay).await;
    ana.write(with_luis, "to nobody").await;
    ana.until_all_at_least_sent(with_luis).await;
    let lost = Lost::parse(&words, &relay.invite().to_app()).unwrap();
    let found = lost.find(&Handle::current()).await.unwrap();
    let mut luis = Person::restore(Some("Luis"), &found).await;
    let with_ana = luis.conversation_with("Ana").await;
    // not what the lost computer had
    luis.until_whole(with_ana, &["to nobody"]).await;
    ana.until_all(with_luis, OutgoingState::Delivered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_device_had_is_sent_again_also_by_who_was_away_when_the_new_one_came_in() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, words) = ana_and_lost_luis(&relay).await;
    ana.write(with_luis, "to nobody").await;
    ana.until_all_at_least_sent(with_luis).await;
    let lost = Lost::parse(&words, &relay.invite().to_app()).unwrap();
    let mut came_in = None;
    let comes_in = async {
        let found = lost.find(&Handle::current()).await.unwrap();
        let mut luis = Person::restore(Some("Luis"), &found).await;
        luis.until("the conversation", async |client| {
            Ok((!client.conversations().await?.is_empty()).then_some(()))
        })
        .await;
        luis
    };
    let mut ana = ana
        .restart_after(|_, _| {
            let block = || Handle::current().block_on(comes_in);
            came_in = Some(tokio::task::block_in_place(block));
        })
        .await;
    let mut luis = came_in.unwrap();
    let with_ana = luis.conversation_with("Ana").await;
    luis.until_whole(with_ana, &["to nobody"]).await;
    ana.until_all(with_luis, OutgoingState::Delivered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_much_no_device_of_an_account_had_all_of_it_is_sent_again_to_its_new_one() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, words) = ana_and_lost_luis(&relay).await;
    // more than goes out at once, and than one answer has besides
    let texts: Vec<String> = (0..1_150).map(|number| format!("text {number}")).collect();
    for text in &texts {
        ana.write(with_luis, text).await;
    }
    ana.until_all_at_least_sent(with_luis).await;
    let lost = Lost::parse(&words, &relay.invite().to_app()).unwrap();
    let found = lost.find(&Handle::current()).await.unwrap();
    let mut luis = Person::restore(Some("Luis"), &found).await;
    let with_ana = luis.conversation_with("Ana").await;
    luis.until("all of it", async |client| {
        let shown = people::all_texts(client, with_ana).await?;
        let written = shown.iter().filter(|text| !text.starts_with('?'));
        Ok(written.eq(texts.iter()).then_some(()))
    })
    .await;
    assert_eq!(luis.client().troubles().await.unwrap().missing, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recovery_code_brings_an_account_back_on_another_computer() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    luis.write(with_ana, "hola").await;
    ana.until_texts(with_luis, &["hola"]).await;
    ana.write(with_luis, "hola, Luis").await;
    luis.until("the code is due", async |client| {
        Ok((client.me().await?.recovery == RecoveryState::Due).then_some(()))
    })
    .await;
    let shown = luis.client().recovery_code().await.unwrap();
    let wrong_word = |position: usize| match shown.words[position - 1] {
        "zebra" => "abandon".to_owned(),
        _ => "zebra".to_owned(),
    };
    let wrong = luis
        .client()
        .confirm_recovery_code(vec![
            (shown.ask[0], wrong_word(shown.ask[0])),
            (shown.ask[1], wrong_word(shown.ask[1])),
        ])
        .await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::WrongWord);
    // right words, but not those that were asked for
    let others = (1..=shown.words.len()).filter(|position| !shown.ask.contains(position));
    let others: Vec<_> = others
        .take(2)
        .map(|position| (position, shown.words[position - 1].to_owned()))
        .collect();
    let mixed = vec![
        (shown.ask[0], shown.words[shown.ask[0] - 1].to_owned()),
        others[0].clone(),
    ];
    for answers in [others, mixed] {
        let wrong = luis.client().confirm_recovery_code(answers).await;
        assert_eq!(wrong.unwrap_err().kind(), ErrorKind::WrongWord);
    }
    let answers = shown
        .ask
        .iter()
        .map(|position| (*position, shown.words[position - 1].to_owned()))
        .collect();
    luis.client().confirm_recovery_code(answers).await.unwrap();
    assert_eq!(
        luis.client().me().await.unwrap().recovery,
        RecoveryState::Confirmed
    );
    let gone = luis.client().recovery_code().await;
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::NotFound);
    // whom he blocked he blocked for good
    let marta = Person::join("Marta", &relay.invite()).await;
    let marta = marta.client().account();
    luis.client().set_blocked(marta, true).await.unwrap();
    luis.client().create_invite().await.unwrap();
    let account = luis.client().account();
    let (folder, _) = luis.stop().await;
    fs::remove_dir_all(folder.path()).unwrap();

    let lost = Lost::parse(&shown.words.join(" "), &relay.invite().to_app()).unwrap();
    let found = lost.find(&Handle::current()).await.unwrap();
    let mut luis = Person::restore(None, &found).await;
    assert_eq!(luis.client().account(), account);
    assert_eq!(luis.client().me().await.unwrap().name, "Luis");
    let with_ana = luis.conversation_with("Ana").await;
    luis.write(with_ana, "new computer").await;
    ana.until_last(with_luis, "new computer").await;
    ana.write(with_luis, "the same Luis").await;
    luis.until_last(with_ana, "the same Luis").await;
    until_told(&mut ana, with_luis, SystemEvent::DevicesChanged).await;
    assert_eq!(ana.conversations().await.len(), 1);
    let blocked = luis.client().blocked().await.unwrap();
    let accounts: Vec<_> = blocked.iter().map(|it| it.account).collect();
    assert_eq!(accounts, [marta]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_code_finds_nothing() {
    let relay = TestRelay::start().await;
    let _ana = Person::join("Ana", &relay.invite()).await;
    let words = format!("{}art", "abandon ".repeat(23));
    let lost = Lost::parse(&words, &relay.address().to_string());
    let lost = lost.unwrap();
    assert!(lost.relay.is_none());
    // nobody vouches for the self-signed relay but the code, which it has nothing for
    let refused = lost.find(&Handle::current()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NoRecoveryRecord);
    let typo = Lost::parse(&words.replace("art", "arm"), "relay.example");
    assert_eq!(typo.unwrap_err().kind(), ErrorKind::WrongCode);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_went_back_in_time_enters_its_conversations_anew() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, luis, with_ana) = ana_and_luis(&relay).await;
    luis.write(with_ana, "one").await;
    ana.until_texts(with_luis, &["one"]).await;
    let (luis, old) = luis.restart_keeping_a_copy().await;
    luis.write(with_ana, "two").await;
    ana.until_texts(with_luis, &["one", "two"]).await;
    ana.write(with_luis, "three").await;
    let mut luis = luis.restart_from(old).await;
    until_told(&mut luis, with_ana, SystemEvent::Rejoined).await;
    luis.write(with_ana, "four").await;
    ana.until_last(with_luis, "four").await;
    ana.write(with_luis, "five").await;
    luis.until_last(with_ana, "five").await;
    luis.until("three comes again", async |client| {
        let page = client.messages(with_ana, None, 50).await?;
        Ok(page
            .messages
            .iter()
            .any(|message| message.text == "three")
            .then_some(()))
    })
    .await;
    let texts = ana.texts(with_luis).await;
    let shown: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(shown, ["one", "two", "three", "four", "five"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_went_back_in_time_reads_again_what_it_had_only_read() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, luis, with_ana) = ana_and_luis(&relay).await;
    let (mut luis, old) = luis.restart_keeping_a_copy().await;
    ana.write(with_luis, "one").await;
    luis.until_texts(with_ana, &["one"]).await;
    ana.until_all(with_luis, OutgoingState::Delivered).await;
    // it has sent nothing since, and nobody writes anything more
    let mut luis = luis.restart_from(old).await;
    luis.until_texts(with_ana, &["one"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_went_back_in_time_finds_a_request_again_that_it_never_answered() {
    let relay = TestRelay::start().await;
    let ana = Person::join("Ana", &relay.invite()).await;
    let luis = Person::join("Luis", &relay.invite()).await;
    let (mut luis, old) = luis.restart_keeping_a_copy().await;
    let to_luis = ana.client().open_account(luis.client().account());
    let with_luis = to_luis.await.unwrap();
    ana.write(with_luis, "one").await;
    let with_ana = luis.conversation_with("Ana").await;
    luis.until_texts(with_ana, &["one"]).await;
    // it has sent nothing ever, and does not know any more that there is a conversation
    let mut luis = luis.restart_from(old).await;
    let with_ana = luis.conversation_with("Ana").await;
    luis.client().accept_request(with_ana).await.unwrap();
    luis.until_each_once(with_ana, &["one"]).await;
    ana.write(with_luis, "two").await;
    luis.until_each_once(with_ana, &["one", "two"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_that_went_back_in_time_uses_no_key_again_in_a_conversation_that_it_forgot() {
    let relay = TestRelay::start().await;
    let mut ana = Person::join("Ana", &relay.invite()).await;
    let luis = Person::join("Luis", &relay.invite()).await;
    let (mut luis, old) = luis.restart_keeping_a_copy().await;
    let to_luis = ana.client().open_account(luis.client().account());
    let with_luis = to_luis.await.unwrap();
    let with_ana = luis.conversation_with("Ana").await;
    luis.client().accept_request(with_ana).await.unwrap();
    luis.write(with_ana, "one").await;
    ana.until_each_once(with_luis, &["one"]).await;
    // what it wrote is at Ana's only; the welcome is still at the relay
    let mut luis = luis.restart_from(old).await;
    let with_ana = luis.conversation_with("Ana").await;
    until_told(&mut luis, with_ana, SystemEvent::Rejoined).await;
    luis.write(with_ana, "two").await;
    ana.until_each_once(with_luis, &["one", "two"]).await;
    let page = ana.client().messages(with_luis, None, 50).await.unwrap();
    let kinds = page.messages.iter().map(|message| message.kind);
    assert_eq!(
        kinds
            .filter(|kind| *kind == MessageKind::Unreadable)
            .count(),
        0
    );
}

/// The computer on which Luis and the relay run goes back in time; whether the relay is told so.
async fn a_computer_goes_back(marked: bool) {
    let mut relay = TestRelay::start().await;
    let (mut ana, with_luis, luis, with_ana) = ana_and_luis(&relay).await;
    luis.write(with_ana, "one").await;
    ana.until_texts(with_luis, &["one"]).await;
    let copy = tempfile::tempdir().unwrap();
    let backup = copy.path().join("relay.db");
    let folder = relay.folder().to_owned();
    let back_up = || Relay::open(&folder).unwrap().backup(&backup).unwrap();
    let (luis, old) = luis.restart_keeping_a_copy_and(back_up).await;
    luis.write(with_ana, "two").await;
    luis.write(with_ana, "three").await;
    ana.until_texts(with_luis, &["one", "two", "three"]).await;
    relay.stop().await;
    let mut luis = luis
        .restart_after(|database, _| {
            fs::copy(old.path().join("relevo.db"), database).unwrap();
            for name in ["relay.db", "relay.db-wal", "relay.db-shm"] {
                // the last two are there only where the relay did not end by itself
                drop(fs::remove_file(folder.join(name)));
            }
            fs::copy(&backup, folder.join("relay.db")).unwrap();
            if marked {
                Relay::open(&folder).unwrap().mark_restored().unwrap();
            }
        })
        .await;
    relay.start_again().await;
    for text in ["four", "five", "six"] {
        luis.write(with_ana, text).await;
        luis.until_all_at_least_sent(with_ana).await;
    }
    let all = ["one", "two", "three", "four", "five", "six"];
    ana.until_each_once(with_luis, &all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_went_back_in_time_together_with_the_relay_loses_no_new_text() {
    a_computer_goes_back(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_went_back_in_time_together_with_a_relay_that_was_restored_loses_no_new_text() {
    a_computer_goes_back(true).await;
}
