//! What somebody learns who tries accounts, handles and links: nothing, byte for byte.

use protocol::{
    AccountId, ClaimKeyPackages, EndLink, ErrorCode, FetchManifest, FindAccount, Frame, Refusal,
    SetBlock, SetHandle, Token, encode_frame,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{Client, PATIENCE, package},
    people::{Person, client_id, direct, draw},
    relay::TestRelay,
};

/// The next message as it came.
async fn bytes(client: &mut Client) -> Vec<u8> {
    use futures_util::StreamExt as _;
    loop {
        let next = tokio::time::timeout(PATIENCE, client.socket.next());
        match next.await.expect("something in time").expect("open") {
            Ok(Message::Binary(bytes)) => return bytes.to_vec(),
            Ok(Message::Close(_)) | Err(_) => panic!("closed"),
            Ok(_) => {}
        }
    }
}

/// The answer to a request, with its id.
async fn answer(client: &mut Client, request: impl Into<Frame>) -> Vec<u8> {
    client.send(7, request).await;
    bytes(client).await
}

/// Ana, whom Bo may not reach because she blocked him, and Cy, who has nothing to be reached with.
struct Cast {
    relay: TestRelay,
    ana: Person,
    ana_client: Client,
    cy: Person,
    bo: Person,
    bo_client: Client,
}

impl Cast {
    async fn new() -> Self {
        let relay = TestRelay::start().await;
        let (ana, mut ana_client) = relay.person().await;
        let (cy, _) = relay.person().await;
        let (bo, bo_client) = relay.person().await;
        ana_client.publish(ana.device(), 3).await;
        let handle = Some("ana".to_owned());
        ana_client.request(SetHandle { handle }).await;
        let block = SetBlock {
            account: bo.account,
            blocked: true,
        };
        ana_client.request(block).await;
        Self {
            relay,
            ana,
            ana_client,
            cy,
            bo,
            bo_client,
        }
    }
}

const NOBODY: AccountId = AccountId::new([9; 16]);

#[tokio::test]
async fn a_handle_of_nobody_and_of_somebody_who_blocked_are_answered_alike() {
    let mut cast = Cast::new().await;
    let nobody = Frame::from(Refusal::new(ErrorCode::NotFound));
    for handle in ["nobody", "ana", "an"] {
        let handle = handle.to_owned();
        let got = answer(&mut cast.bo_client, FindAccount { handle }).await;
        assert_eq!(got, encode_frame(7, &nobody));
    }
}

#[tokio::test]
async fn an_account_of_nobody_of_somebody_who_blocked_and_one_without_packages_are_answered_alike()
{
    let mut cast = Cast::new().await;
    let none = Frame::from(Refusal::new(ErrorCode::NoKeyPackages));
    for account in [NOBODY, cast.ana.account, cast.cy.account] {
        let client_id = client_id();
        let claim = ClaimKeyPackages { account, client_id };
        let got = answer(&mut cast.bo_client, claim).await;
        assert_eq!(got, encode_frame(7, &none));
    }
    let nobody = Frame::from(Refusal::new(ErrorCode::NotFound));
    for account in [NOBODY, cast.ana.account] {
        let got = answer(&mut cast.bo_client, FetchManifest { account }).await;
        assert_eq!(got, encode_frame(7, &nobody));
    }
    // whom Bo blocks it is told nobody, whether there is anybody
    for account in [NOBODY, cast.cy.account] {
        let blocked = true;
        let got = answer(&mut cast.bo_client, SetBlock { account, blocked }).await;
        assert_eq!(got, encode_frame(7, &protocol::Done {}.into()));
    }
}

#[tokio::test]
async fn whoever_asks_nobody_and_whoever_is_blocked_are_refused_alike() {
    let mut cast = Cast::new().await;
    let refused = Frame::from(Refusal::new(ErrorCode::NoConsent));
    let link = cast.ana_client.contact_link(5).await;
    let guessed = Token::new([3; Token::LEN]);
    for account in [NOBODY, cast.ana.account] {
        for token in [None, Some(guessed), Some(link)] {
            let packages = [package(cast.ana.device())];
            let (_, request) = direct(cast.bo.device(), account, token, &packages);
            let got = answer(&mut cast.bo_client, request).await;
            assert_eq!(got, encode_frame(7, &refused));
        }
    }
}

#[tokio::test]
async fn a_link_that_never_was_is_ended_used_up_or_no_invite_lets_nobody_in_and_looks_alike() {
    let mut cast = Cast::new().await;
    let used = cast.relay.invite(1);
    let newcomer = Person::new(cast.relay.id, 1);
    cast.relay.register(&newcomer, used).await;
    let ended = cast.ana_client.link(true, 5).await;
    let done = encode_frame(7, &protocol::Done {}.into());
    assert_eq!(
        answer(&mut cast.ana_client, EndLink { token: ended }).await,
        done
    );
    let card = cast.ana_client.contact_link(5).await;
    let never = Token::new(draw());
    // ending it tells as little
    for token in [never, card, ended] {
        assert_eq!(answer(&mut cast.bo_client, EndLink { token }).await, done);
    }
    let stranger = Person::new(cast.relay.id, 1);
    let mut farewells = Vec::new();
    for token in [never, used, ended, card] {
        let mut client = cast.relay.dial().await;
        client
            .ask_to_register(&stranger, stranger.device(), token, None)
            .await;
        farewells.push(bytes(&mut client).await);
    }
    let bye = protocol::Bye {
        code: ErrorCode::BadLink,
        retry_after: None,
    };
    for farewell in farewells {
        assert_eq!(farewell, encode_frame(0, &bye.clone().into()));
    }
}
