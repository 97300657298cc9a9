//! Links of an account.

use protocol::{ErrorCode, Frame};

use crate::relay::TestRelay;

#[tokio::test]
async fn a_link_that_nobody_could_use_is_refused_for_good() {
    let relay = TestRelay::start().await;
    let (_, mut client) = relay.person().await;
    let now = client.ready.as_ref().expect("ready").time;
    let link = |uses, expires| protocol::NewLink {
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
