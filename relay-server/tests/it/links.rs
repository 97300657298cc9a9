//! Links of an account.

use protocol::{EndLink, ErrorCode, Frame, NewLink};

use crate::{
    people::Person,
    relay::{TestRelay, test_config},
};

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

#[tokio::test]
async fn links_that_were_ended_count_among_those_that_are_kept() {
    let mut config = test_config();
    config.quotas.links = 2;
    let relay = TestRelay::start_with(config).await;
    let (_, mut client) = relay.person().await;
    let expires = client.ready.as_ref().expect("ready").time + 1_000_000;
    let link = || NewLink {
        token: protocol::LinkSecret::new(crate::people::draw()).token(),
        invite: false,
        uses: 1,
        expires,
    };
    let is_taken = |reply: &Frame| match reply {
        Frame::Done(_) => true,
        Frame::Refusal(refusal) if refusal.code == ErrorCode::Quota => false,
        other => panic!("neither done nor refused: {other:?}"),
    };
    let mut taken = 0;
    for _ in 0..30 {
        let link = link();
        let token = link.token;
        taken += usize::from(is_taken(&client.request(link).await));
        client.request(EndLink { token }).await;
    }
    assert_eq!(taken, 20, "ten times as many as may be in force");
    let relay = TestRelay::start_with(relay.config.clone()).await;
    let (_, mut client) = relay.person().await;
    let mut in_force = 0;
    for _ in 0..5 {
        in_force += usize::from(is_taken(&client.request(link()).await));
    }
    assert_eq!(in_force, 2);
}
