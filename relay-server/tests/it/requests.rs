//! Conversations that nobody consented to: asked for, accepted, declined.

use protocol::{
    ConversationId, DeclineRequest, ErrorCode, FetchGroup, Frame, Refusal, Signal, StreamId,
};

use crate::{
    client::{Client, opaque, package},
    people::{Group, Person, direct, reset},
    relay::{TestRelay, append, test_config},
};

/// Bo asked Ana for a conversation; Ana's device has its welcome.
struct Asked {
    conversation: ConversationId,
    ana: Person,
    ana_client: Client,
    bo: Person,
    bo_client: Client,
    group: Group,
}

impl Asked {
    async fn new(relay: &TestRelay) -> Self {
        let (ana, mut ana_client) = relay.person().await;
        let (bo, mut bo_client) = relay.person().await;
        let (group, request) = direct(bo.device(), ana.account, None, &[package(ana.device())]);
        let conversation = request.conversation;
        bo_client.create(request).await.expect("asks");
        let welcome = ana_client.entries(StreamId::Inbox, 1).await.remove(0);
        assert_eq!(welcome.start, Some(1));
        ana_client.ack(StreamId::Inbox, welcome.seq).await;
        Self {
            conversation,
            ana,
            ana_client,
            bo,
            bo_client,
            group,
        }
    }

    fn stream(&self) -> StreamId {
        StreamId::Conversation(self.conversation)
    }

    /// Bo appends so many entries.
    async fn ask(&mut self, count: usize) -> Result<u64, ErrorCode> {
        let texts = vec![&b"please"[..]; count];
        let request = append(self.conversation, self.group.epoch(), &texts);
        let appended = self.bo_client.append(request).await;
        appended
            .map(|appended| appended.seqs[count - 1])
            .map_err(|refusal| refusal.code)
    }

    async fn decline(&mut self) -> Frame {
        let conversation = self.conversation;
        self.ana_client
            .request(DeclineRequest { conversation })
            .await
    }

    /// Bo asks for another conversation.
    async fn ask_anew(&mut self) -> Result<(), Refusal> {
        let packages = [package(self.ana.device())];
        let (_, request) = direct(self.bo.device(), self.ana.account, None, &packages);
        self.bo_client.create(request).await.map(drop)
    }
}

#[tokio::test]
async fn a_request_holds_eight_entries_until_it_is_accepted() {
    let relay = TestRelay::start().await;
    let mut asked = Asked::new(&relay).await;
    let stream = asked.stream();
    assert_eq!(asked.ask(5).await, Ok(6));
    assert_eq!(asked.ask(4).await, Err(ErrorCode::NoConsent));
    assert_eq!(asked.ask(3).await, Ok(9));
    assert_eq!(asked.ask(1).await, Err(ErrorCode::NoConsent));
    asked.ana_client.entries(stream, 8).await;
    // what is stored stays counted when the relay starts again
    let Asked {
        conversation,
        ana,
        bo,
        group,
        ..
    } = asked;
    let (dir, config) = relay.stop().await;
    let relay = TestRelay::open(dir, config).await;
    let mut asked = Asked {
        ana_client: relay.login(ana.device()).await,
        bo_client: relay.login(bo.device()).await,
        conversation,
        ana,
        bo,
        group,
    };
    assert_eq!(asked.ask(1).await, Err(ErrorCode::NoConsent));
    let answer = append(conversation, asked.group.epoch(), &[b"gladly"]);
    asked.ana_client.append(answer).await.expect("accepts");
    assert_eq!(asked.ask(20).await, Ok(30));
}

#[tokio::test]
async fn nothing_passes_between_the_two_before_it_is_accepted_and_then_they_are_told() {
    let relay = TestRelay::start().await;
    let mut asked = Asked::new(&relay).await;
    let (conversation, stream) = (asked.conversation, asked.stream());
    asked.ask(1).await.expect("appends");
    asked.ana_client.entries(stream, 1).await;
    asked.ana_client.ack(stream, 2).await;
    let bytes = opaque(b"typing");
    let signal = Signal {
        conversation,
        bytes,
        keep: false,
    };
    asked.ana_client.send(0, signal.clone()).await;
    asked.ana_client.nothing_before_reply().await;
    asked.bo_client.entries(stream, 2).await;
    asked.bo_client.send(0, signal).await;
    asked.bo_client.nothing_before_reply().await;
    asked.ana_client.nothing_before_reply().await;

    let answer = append(conversation, asked.group.epoch(), &[b"gladly"]);
    asked.ana_client.append(answer).await.expect("accepts");
    asked.bo_client.delivered(conversation, 2).await;
    let (ana, bo) = (asked.ana.account, asked.bo.account);
    for (client, other) in [(&mut asked.ana_client, bo), (&mut asked.bo_client, ana)] {
        client.connected(other).await;
    }
}

#[tokio::test]
async fn a_declined_request_is_over_for_both_and_not_asked_again() {
    let relay = TestRelay::start().await;
    let mut asked = Asked::new(&relay).await;
    asked.ask(1).await.expect("appends");
    // not by who asked
    let conversation = asked.conversation;
    let own = asked
        .bo_client
        .request(DeclineRequest { conversation })
        .await;
    assert_eq!(own, Refusal::new(ErrorCode::NotMember).into());
    for _ in 0..2 {
        assert!(matches!(asked.decline().await, Frame::Done(_)));
    }
    assert_eq!(asked.ask(1).await, Err(ErrorCode::NotMember));
    for client in [&mut asked.ana_client, &mut asked.bo_client] {
        let group = client.request(FetchGroup { conversation }).await;
        assert_eq!(group, Refusal::new(ErrorCode::NotMember).into());
    }
    let refused = asked.ask_anew().await.expect_err("declined");
    assert_eq!(refused.code, ErrorCode::NoConsent);
    // the pair is free: who declined may ask
    let packages = [package(asked.bo.device())];
    let (_, request) = direct(asked.ana.device(), asked.bo.account, None, &packages);
    asked.ana_client.create(request).await.expect("asks");
    // and a link is consent
    let mut ana = relay.login(asked.ana.device()).await;
    assert!(ana.ready.take().is_some());
}

#[tokio::test]
async fn who_begins_its_declined_request_anew_hears_of_it_and_to_others_the_id_is_in_use() {
    let relay = TestRelay::start().await;
    let mut asked = Asked::new(&relay).await;
    asked.decline().await;
    let (cy, mut cy_client) = relay.person().await;
    let outcomes = [
        (&mut asked.bo_client, &asked.bo, &asked.ana),
        (&mut asked.ana_client, &asked.ana, &asked.bo),
        (&mut cy_client, &cy, &asked.ana),
    ];
    let expected = [
        ErrorCode::NoConsent,
        ErrorCode::IdConflict,
        ErrorCode::IdConflict,
    ];
    for ((client, own, peer), expected) in outcomes.into_iter().zip(expected) {
        let packages = [package(peer.device())];
        let (_, request) = reset(own.device(), peer.account, asked.conversation, 1, &packages);
        let refusal = client.create(request).await.expect_err("is over");
        assert_eq!(refusal.code, expected);
    }
}

#[tokio::test]
async fn who_was_declined_may_come_with_a_link() {
    let relay = TestRelay::start().await;
    let mut asked = Asked::new(&relay).await;
    asked.decline().await;
    let token = asked.ana_client.contact_link(1).await;
    let packages = [package(asked.ana.device())];
    let (_, request) = direct(asked.bo.device(), asked.ana.account, Some(token), &packages);
    asked.bo_client.create(request).await.expect("consent");
}

#[tokio::test]
async fn two_who_ask_for_each_other_have_one_conversation() {
    let relay = TestRelay::start().await;
    let mut asked = Asked::new(&relay).await;
    let packages = [package(asked.bo.device())];
    let (_, request) = direct(asked.ana.device(), asked.bo.account, None, &packages);
    let refusal = asked.ana_client.create(request).await.expect_err("exists");
    assert_eq!(
        (refusal.code, refusal.conversation),
        (ErrorCode::Exists, Some(asked.conversation))
    );
}

#[tokio::test]
async fn an_account_asks_only_so_many_that_do_not_answer() {
    let mut config = test_config();
    config.quotas.requests = 2;
    let relay = TestRelay::start_with(config).await;
    let mut asked = Asked::new(&relay).await;
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let (cy, _cy_client) = relay.person().await;
        let packages = [package(cy.device())];
        let (_, request) = direct(asked.bo.device(), cy.account, None, &packages);
        let outcome = asked.bo_client.create(request).await;
        outcomes.push(outcome.map(drop).map_err(|refusal| refusal.code));
    }
    assert_eq!(outcomes, [Ok(()), Err(ErrorCode::Quota)]);
}

#[tokio::test]
async fn of_nobody_nothing_can_be_asked() {
    let relay = TestRelay::start().await;
    let (bo, mut bo_client) = relay.person().await;
    let stranger = Person::new(relay.id, 1);
    let packages = [package(stranger.device())];
    let (_, request) = direct(bo.device(), stranger.account, None, &packages);
    let refused = bo_client.create(request).await.expect_err("refused");
    assert_eq!(refused, Refusal::new(ErrorCode::NoConsent));
}
