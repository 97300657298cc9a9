//! Conversations without consent, and blocks.

use super::*;

impl World {
    /// Bo asks Ana for a conversation.
    async fn ask(&self, conversation: u8, id: u8) -> Result<CommitDone, Refusal> {
        let commit = NewCommit {
            conversation: ConversationId::new([conversation; 16]),
            ..self
                .commit_of(self.bo, 0, id, &[self.ana[0]], Some(b"s"))
                .await
        };
        let request = NewConversation {
            peer: self.ana[0].account,
            token: None,
            incarnation: None,
            most_requests: 1,
            commit,
        };
        call(|done| self.store.create_conversation(request, done)).await
    }

    async fn decline(&self, caller: Identity, conversation: u8) -> Result<Option<Ended>, Refusal> {
        let conversation = ConversationId::new([conversation; 16]);
        call(|done| self.store.decline(caller, conversation, done)).await
    }

    async fn standing(&self) -> Standing {
        let attachment = self
            .store
            .attachment(self.bo.device_row, NOON)
            .await
            .unwrap();
        attachment.memberships[0].standing.clone()
    }

    async fn block(
        &self,
        caller: Identity,
        account: AccountId,
        blocked: bool,
    ) -> Option<ConversationId> {
        let request = NewBlock {
            caller,
            account,
            blocked,
        };
        call(|done| self.store.set_block(request, done))
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_request_is_accepted_by_the_first_entry_of_the_other() {
    let world = World::without_conversation().await;
    world.ask(0xc0, 1).await.unwrap();
    assert_eq!(world.standing().await.requester, Some(world.bo.account));
    let append = append(world.ana[0], 1, &[(10, "gladly")]);
    let done = call(|done| world.store.append(append, done)).await.unwrap();
    assert!(done.accepted);
    assert!(world.standing().await.is_open());
}

#[tokio::test]
async fn a_requester_makes_a_few_commits_and_no_more_until_it_is_accepted() {
    let world = World::without_conversation().await;
    world.ask(0xc0, 1).await.unwrap();
    let mut epoch = 1;
    for id in 20..36 {
        let commit = world.commit_of(world.bo, epoch, id, &[], None).await;
        call(|done| world.store.commit(commit, done)).await.unwrap();
        epoch += 1;
    }
    let world = world.reopened(&Config::default());
    let commit = world.commit_of(world.bo, epoch, 40, &[], None).await;
    let refusal = call(|done| world.store.commit(commit, done)).await.err();
    let refusal = refusal.unwrap();
    assert_eq!(refusal.code, ErrorCode::Quota);
    assert!(refusal.retry_after.is_some());
    // nor by another incarnation
    let commit = NewCommit {
        incarnation: 1,
        ..world
            .commit_of(world.bo, 0, 41, &[world.ana[0]], Some(b"s"))
            .await
    };
    let request = NewConversation {
        peer: world.ana[0].account,
        token: None,
        incarnation: Some(1),
        most_requests: 1,
        commit,
    };
    let begun = call(|done| world.store.create_conversation(request, done)).await;
    assert_eq!(code(begun), ErrorCode::Quota);
    // who was asked may, and what it says opens the way
    let commit = world.commit_of(world.ana[0], epoch, 42, &[], None).await;
    call(|done| world.store.commit(commit, done)).await.unwrap();
    world
        .append(world.ana[0], epoch + 1, &[(50, "gladly")])
        .await
        .unwrap();
    let commit = world.commit_of(world.bo, epoch + 1, 43, &[], None).await;
    call(|done| world.store.commit(commit, done)).await.unwrap();
}

#[tokio::test]
async fn what_was_declined_is_remembered_for_thirty_days() {
    let world = World::without_conversation().await;
    world.ask(0xc0, 1).await.unwrap();
    assert_eq!(
        code(world.decline(world.bo, 0xc0).await),
        ErrorCode::NotMember
    );
    assert_eq!(
        code(world.decline(world.ana[0], 0xc1).await),
        ErrorCode::NotMember
    );
    let ended = world.decline(world.ana[1], 0xc0).await.unwrap().unwrap();
    assert_eq!(ended.left, [world.ana[0].device, world.bo.device]);
    assert!(world.decline(world.ana[0], 0xc0).await.unwrap().is_none());
    // the welcome that nobody acknowledged still says what it is about
    let attachment = world
        .store
        .attachment(world.ana[0].device_row, NOON)
        .await
        .unwrap();
    assert!(attachment.memberships.is_empty());
    let range = PageRange {
        after: 0,
        until: 10,
        entries: 10,
        bytes: 1 << 20,
    };
    let reader = world.ana[0].account_row;
    let inbox = world
        .store
        .page(attachment.inbox, range, reader)
        .await
        .unwrap();
    assert_eq!(inbox.entries[0].conversation, Some(CONVERSATION));
    assert!(inbox.entries[0].bytes.is_empty());
    assert_eq!(
        code(world.append(world.bo, 1, &[(9, "x")]).await),
        ErrorCode::NotMember
    );
    assert_eq!(code(world.ask(0xc2, 2).await), ErrorCode::NoConsent);
    world.clock.0.store(NOON + 30 * DAY, Ordering::SeqCst);
    world.ask(0xc2, 2).await.unwrap();
    // the id itself stays used until the client ids are forgotten; who asked hears why
    world.decline(world.ana[0], 0xc2).await.unwrap();
    world.pass(31, 90).await;
    assert_eq!(code(world.ask(0xc2, 3).await), ErrorCode::NoConsent);
    world.pass(69, 90).await;
    world.ask(0xc2, 4).await.unwrap();
}

#[tokio::test]
async fn what_was_declined_is_remembered_for_thirty_days_where_client_ids_are_forgotten_sooner() {
    let world = World::without_conversation().await;
    world.ask(0xc0, 1).await.unwrap();
    world.decline(world.ana[0], 0xc0).await.unwrap();
    world.pass(29, 7).await;
    assert_eq!(code(world.ask(0xc2, 2).await), ErrorCode::NoConsent);
    world.pass(2, 7).await;
    world.ask(0xc2, 3).await.unwrap();
}

#[tokio::test]
async fn a_block_names_the_conversation_and_takes_the_bytes_away() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    world.append(world.ana[0], 1, &[(11, "b")]).await.unwrap();
    let (ana, bo) = (world.ana[0], world.bo);
    assert_eq!(world.block(ana, bo.account, true).await, Some(CONVERSATION));
    assert_eq!(world.block(ana, AccountId::new([9; 16]), true).await, None);
    assert_eq!(world.block(ana, ana.account, true).await, None);
    let listed = world.store.blocks(ana.account_row).await.unwrap();
    assert_eq!(listed, [bo.account, AccountId::new([9; 16])]);
    let standing = world.standing().await;
    assert_eq!(standing.blockers, [ana.account]);
    assert!(standing.blinds(ana.account, bo.account) && !standing.blinds(bo.account, ana.account));
    assert!(standing.hides_delivery_from(bo.account));
    assert!(!standing.hides_delivery_from(ana.account));
    let stream = world.store.attachment(ana.device_row, NOON).await.unwrap();
    let stream = stream.memberships[0].stream;
    let range = PageRange {
        after: 0,
        until: 10,
        entries: 10,
        bytes: 1 << 20,
    };
    for (reader, sizes) in [(ana, [8, 0, 1]), (bo, [8, 1, 1])] {
        let page = world.store.page(stream, range, reader.account_row);
        let page = page.await.unwrap();
        let found: Vec<_> = page.entries.iter().map(|entry| entry.bytes.len()).collect();
        assert_eq!(found, sizes);
    }
    world.block(ana, bo.account, false).await;
    assert!(world.standing().await.is_open());
}
