//! Links of an account.

use protocol::{EndLink, ErrorCode, Frame, NewLink};

use crate::{people::Person, relay::TestRelay};

#[tokio::test]
async fn a_link_that_nobody_could_use_is_refused_for_good() {
    let relay = TestRelay::start().await;
    let (_, mut client) = relay.person().await;
    let now = client.ready.as_ref().expect("ready").time;
    let link = |uses, expires| NewLink {
        token: protocol::LinkSecret::new(crate::people::draw()).token(),
        invite: false,
        uses,
        expires,
    };
    let day = 24 * 60 * 60 * 1000;
    for (link, code) in [
        (link(1, now), ErrorCode::BadLink),
        (link(1, now + 1000 * day), ErrorCode::Quota),
        (link(u16::MAX, now + day), ErrorCode::Quota),
    ] {
        let reply = client.request(link).await;
        assert!(
            matches!(&reply, Frame::Refusal(refusal) if refusal.code == code),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn a_link_that_was_ended_lets_nobody_in_and_does_not_come_back() {
    let relay = TestRelay::start().await;
    let (_, mut ana_client) = relay.person().await;
    let (_, mut bo_client) = relay.person().await;
    let token = ana_client.link(true, 5).await;
    let mut outcomes = Vec::new();
    // not by another account
    for client in [&mut bo_client, &mut ana_client] {
        let ended = client.request(EndLink { token }).await;
        assert!(matches!(ended, Frame::Done(_)));
        let person = Person::new(relay.id, 1);
        let mut guest = relay.dial().await;
        let outcome = guest.register(&person, person.device(), token).await;
        outcomes.push(outcome.map(drop));
    }
    let expires = ana_client.ready.as_ref().expect("ready").time + 1_000_000;
    let again = NewLink {
        token,
        invite: true,
        uses: 5,
        expires,
    };
    ana_client.request(again).await;
    let person = Person::new(relay.id, 1);
    let mut guest = relay.dial().await;
    let outcome = guest.register(&person, person.device(), token).await;
    outcomes.push(outcome.map(drop));
    let bad = Err(ErrorCode::BadLink);
    assert_eq!(outcomes, [Ok(()), bad, bad]);
}
