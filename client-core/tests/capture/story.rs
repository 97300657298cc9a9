//! What people do with the app: all of it, so that each kind of frame leaves.

use client_core::{
    ErrorKind,
    connection::TokioNetwork,
    model::{ConversationKey, Lasts, Message, MessageKind, OutgoingState, Privacy, Standing},
    restoring::Lost,
    store::{Database, conversations},
};
use protocol::Link;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Handle,
};

use crate::{
    people::TestRelay,
    recording::{Recorder, Somebody},
    search::Secret,
};

/// Nothing in these occurs by chance.
pub(crate) const ANA: &str = "Ana Quetzalcóatl 7f3ad1";
const LUIS: &str = "Luis Xochimilco 91bc44";
const MARTA: &str = "Marta Teotihuacán 2e60bd";
pub(crate) const HANDLE: &str = "quetzal7f3ad1";
const DRAFT: &str = "not sent yet: the spare key lies under Zanzibar 55e0c2";
const STATUS: &str = "gone to Tegucigalpa 9d41fe";
const SOUGHT: &str = "sought in vain: Samarkand 77d0a3";
const REQUEST: &str = "do you remember Chichicastenango 0b82f4";
const RENEWED: &str = "with a new leaf, Antananarivo 48ce15";
const BROUGHT_BACK: &str = "from another computer, Ulaanbaatar e91b07";

/// A short one, one that fills several paddings, and one that is not in Latin letters.
fn texts() -> [String; 4] {
    [
        "Meet me at Kilimanjaro 3c19ab".to_owned(),
        format!("{} Ouagadougou 8d02f7", "A long story. ".repeat(60)),
        "Встретимся у Байкала 60a7e5".to_owned(),
        "🌶️ chili at Popocatépetl b14c90".to_owned(),
    ]
}

/// Lets them live through it, and says what nobody else may know of it.
pub(crate) async fn live(relay: &mut TestRelay, recorder: &Recorder) -> Vec<Secret> {
    let mut secrets = vec![
        Secret::text("name", ANA),
        Secret::text("name", LUIS),
        Secret::text("name", MARTA),
        Secret::text("draft", DRAFT),
        Secret::text("search", SOUGHT),
        Secret::text("status", STATUS),
        Secret::text("text", REQUEST),
        Secret::text("text", RENEWED),
        Secret::text("text", BROUGHT_BACK),
    ];
    secrets.extend(texts().iter().map(|text| Secret::text("text", text)));
    let mut ana = Somebody::join(ANA, &relay.invite(), recorder).await;
    let invite = ana.invite().await;
    let contact = ana.client.create_contact_link().await.unwrap();
    for link in [&invite, &contact.app.parse().unwrap()] {
        secrets.push(Secret::bytes("secret of a link", link.secret.as_bytes()));
    }
    let mut luis = Somebody::join(LUIS, &invite, recorder).await;
    let with_luis = ana.conversation_with(LUIS).await;
    let with_ana = luis.conversation_with(ANA).await;
    chat((&mut ana, with_luis), (&mut luis, with_ana)).await;
    ask(&mut ana, relay, recorder).await;
    ana.client.end_link(contact.token).await.unwrap();
    let hidden = Privacy {
        announce: false,
        ..ana.client.privacy().await.unwrap()
    };
    ana.client.set_privacy(hidden).await.unwrap();

    suffer(relay, &invite, recorder).await;
    ana.client.reconnect().await.unwrap();

    let luis = renew(luis, with_ana).await;
    ana.until_text(with_luis, RENEWED).await;
    let code = luis.client.recovery_code().await.unwrap();
    secrets.push(Secret::text("recovery code", &code.words.join(" ")));
    secrets.push(Secret::bytes("recovery code", code.code.as_bytes()));
    secrets.extend(luis.stop().await);
    let mut luis = bring_back(&code.words.join(" "), &relay.invite(), recorder).await;
    let with_ana = luis.conversation_with(ANA).await;
    luis.write(with_ana, BROUGHT_BACK).await;
    ana.until_text(with_luis, BROUGHT_BACK).await;
    secrets.extend(luis.stop().await);
    secrets.extend(ana.stop().await);
    secrets
}

/// They write, type, read, draft and search, and one says where he is.
async fn chat(ana: (&mut Somebody, ConversationKey), luis: (&mut Somebody, ConversationKey)) {
    for text in texts() {
        ana.0.write(ana.1, &text).await;
        luis.0.write(luis.1, &text).await;
    }
    let draft = ana.0.client.save_draft(ana.1, DRAFT.to_owned());
    draft.await.unwrap();
    let hits = ana.0.client.search(SOUGHT.to_owned(), 10).await.unwrap();
    assert!(hits.is_empty());
    ana.0.client.typing(ana.1).await.unwrap();
    let status = luis
        .0
        .client
        .set_status_text(STATUS.to_owned(), Lasts::UntilChanged);
    status.await.unwrap();
    ana.0
        .until("the status", async |client| {
            let conversations = client.conversations().await?;
            let presence = conversations.iter().filter_map(|it| it.presence.as_ref());
            let mut texts = presence.filter_map(|it| it.text.as_deref());
            Ok(texts.any(|text| text == STATUS).then_some(()))
        })
        .await;
    for (person, key) in [(&mut *ana.0, ana.1), (&mut *luis.0, luis.1)] {
        let last = person.all_there(key).await;
        person.client.mark_read(key, last).await.unwrap();
    }
    let read = |it: &Message| it.outgoing.is_none_or(|state| state == OutgoingState::Read);
    for (person, key) in [ana, luis] {
        person
            .until("all is read", async |client| {
                let page = client.messages(key, None, 200).await?;
                let texts = page
                    .messages
                    .iter()
                    .filter(|it| it.kind == MessageKind::Text);
                Ok(texts.clone().all(read).then_some(()))
            })
            .await;
    }
}

/// Somebody finds Ana by her handle and asks to write, is declined and blocked, and that ends.
async fn ask(ana: &mut Somebody, relay: &TestRelay, recorder: &Recorder) {
    let handle = ana.client.set_handle(Some(HANDLE.to_owned()));
    handle.await.unwrap();
    let marta = Somebody::join(MARTA, &relay.invite(), recorder).await;
    let found = marta.client.open_handle(HANDLE.to_owned()).await.unwrap();
    marta.write(found, REQUEST).await;
    let asked = ana
        .until("the request", async |client| {
            let conversations = client.conversations().await?;
            let requested = conversations
                .iter()
                .find(|it| it.standing == Standing::Requested);
            Ok(requested.map(|it| it.key))
        })
        .await;
    ana.until_text(asked, REQUEST).await;
    ana.client.decline_request(asked, true).await.unwrap();
    let account = marta.client.account();
    ana.client.set_blocked(account, false).await.unwrap();
}

/// What somebody writes a line about: an invite that was used before, bytes that are no handshake, a relay that goes away.
async fn suffer(relay: &mut TestRelay, used: &Link, recorder: &Recorder) {
    let late = Somebody::come_late(MARTA, used, recorder).await;
    assert_eq!(late.kind(), ErrorKind::LinkExpired);
    let mut stranger = TcpStream::connect(relay.address().to_string())
        .await
        .unwrap();
    stranger.write_all(ANA.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // until the relay has had enough of it
    let _gone = stranger.read_to_end(&mut answer).await;
    relay.stop().await;
    relay.start_again().await;
}

/// Luis has written so much that his key is renewed.
async fn renew(luis: Somebody, with_ana: ConversationKey) -> Somebody {
    let luis = luis
        .restart_after(|database, key| {
            let mut database = Database::open(database, key).unwrap();
            database
                .write(|write| conversations::count_sealed(write, with_ana, 500))
                .unwrap();
        })
        .await;
    luis.write(with_ana, "one more").await;
    luis.write(with_ana, RENEWED).await;
    luis
}

/// Luis comes back on another computer, with nothing but his code.
async fn bring_back(words: &str, link: &Link, recorder: &Recorder) -> Somebody {
    let lost = Lost::parse(words, &link.to_app()).unwrap();
    let network = |events| {
        let network = TokioNetwork::new(Handle::current(), events);
        recorder.beside(Box::new(network))
    };
    let found = lost.find_over(network).await.unwrap();
    Somebody::restore(LUIS, &found, recorder).await
}

impl Somebody {
    /// Waits until both sides' texts are there and its own were delivered, and says where the last one is.
    async fn all_there(&mut self, key: ConversationKey) -> i64 {
        self.until("all texts", async |client| {
            let page = client.messages(key, None, 200).await?;
            let arrived = |it: &&Message| {
                it.outgoing.is_none_or(|state| {
                    matches!(state, OutgoingState::Delivered | OutgoingState::Read)
                })
            };
            let all = texts().iter().all(|text| {
                let shown = page.messages.iter().filter(|it| it.text == *text);
                shown.filter(arrived).count() == 2
            });
            let last = page.messages.iter().map(|it| it.position).max();
            Ok(last.filter(|_| all))
        })
        .await
    }

    async fn until_text(&mut self, key: ConversationKey, text: &str) {
        self.until(text, async |client| {
            let page = client.messages(key, None, 50).await?;
            let there = page.messages.iter().any(|it| it.text == text);
            Ok(there.then_some(()))
        })
        .await;
    }
}
