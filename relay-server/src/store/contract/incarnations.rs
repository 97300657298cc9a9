//! New incarnations of a conversation, and entering one without a welcome.

use super::*;

impl World {
    /// Asks for an incarnation by Bo's device, with these devices of Ana's.
    async fn begin(
        &self,
        incarnation: u32,
        id: u8,
        add: &[Identity],
    ) -> Result<CommitDone, Refusal> {
        let commit = NewCommit {
            incarnation,
            ..self.commit_of(self.bo, 0, id, add, Some(b"anew")).await
        };
        let request = NewConversation {
            peer: self.ana[0].account,
            token: None,
            incarnation: Some(incarnation),
            most_requests: 1,
            commit,
        };
        call(|done| self.store.create_conversation(request, done)).await
    }

    async fn member(&self, identity: Identity) -> Option<MemberRow> {
        let attachment = self
            .store
            .attachment(identity.device_row, NOON)
            .await
            .unwrap();
        let members = attachment.memberships.into_iter().next()?.members;
        members
            .into_iter()
            .find(|member| member.device == identity.device)
    }
}

#[tokio::test]
async fn an_incarnation_begins_once_and_in_the_same_stream() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    let done = world.begin(1, 30, &[world.ana[0]]).await.unwrap();
    assert_eq!(done.committed.seq, 3);
    let change = done.change.unwrap();
    assert_eq!(change.left, [world.ana[1].device]);
    assert_eq!((change.entry.incarnation, change.entry.epoch), (1, 0));
    // a repeat learns that it won, another one who did
    let repeated = world.begin(1, 30, &[world.ana[0]]).await.unwrap();
    assert_eq!(repeated.committed, done.committed);
    for incarnation in [0, 1] {
        let refusal = world
            .begin(incarnation, 31, &[world.ana[0]])
            .await
            .err()
            .unwrap();
        assert_eq!(refusal.code, ErrorCode::StaleEpoch);
        assert_eq!(
            (refusal.incarnation, refusal.epoch, refusal.seq),
            (Some(1), Some(1), Some(3))
        );
    }
    let group = world.store.group(CONVERSATION).await.unwrap().unwrap();
    assert_eq!(
        (
            group.incarnation,
            group.epoch,
            group.snapshot,
            group.commits.len()
        ),
        (1, 1, b"anew".to_vec(), 0)
    );
    // what is sealed for the former one comes too late
    assert_eq!(
        code(world.append(world.bo, 1, &[(11, "b")]).await),
        ErrorCode::StaleEpoch
    );
}

#[tokio::test]
async fn members_may_have_gone_further_than_a_restored_store_remembers() {
    let world = World::new().await;
    world.begin(3, 30, &[world.ana[0]]).await.unwrap();
    let group = world.store.group(CONVERSATION).await.unwrap().unwrap();
    assert_eq!((group.incarnation, group.epoch), (3, 1));
    let refusal = world.begin(2, 31, &[world.ana[0]]).await.err().unwrap();
    assert_eq!(refusal.code, ErrorCode::StaleEpoch);
}

#[tokio::test]
async fn nobody_uses_the_incarnations_up() {
    let world = World::new().await;
    for (incarnation, outcome) in [
        (u32::MAX, Some(ErrorCode::IdConflict)),
        (257, Some(ErrorCode::IdConflict)),
        (256, None),
        (256, Some(ErrorCode::StaleEpoch)),
        (257, None),
    ] {
        let id = world.store.group(CONVERSATION).await.unwrap().unwrap();
        let id = 30 + u8::try_from(id.incarnation / 8).unwrap();
        let begun = world.begin(incarnation, id, &[world.ana[0]]).await;
        assert_eq!(begun.err().map(|refusal| refusal.code), outcome);
    }
    // nor where the store has lost the conversation
    let world = World::without_conversation().await;
    let begun = world.begin((1 << 16) + 1, 30, &[world.ana[0]]).await;
    assert_eq!(code(begun), ErrorCode::IdConflict);
}

#[tokio::test]
async fn former_memberships_end_with_the_commit_that_begins_an_incarnation() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    let before = world.member(world.ana[0]).await.unwrap();
    world.begin(1, 30, &[world.ana[0]]).await.unwrap();
    // one goes on: what came before by the old welcome, what follows by the new one
    let ana = world.member(world.ana[0]).await.unwrap();
    assert_eq!(ana.cursor, before.cursor);
    assert_eq!((ana.joined, ana.since, ana.left), (before.joined, 3, None));
    assert_eq!((ana.former_welcome, ana.welcome), (1, 2));
    assert_eq!(ana.span().open_until(0), None);
    assert_eq!(ana.span().open_until(1), Some(3));
    assert_eq!(ana.span().open_until(2), Some(u64::MAX));
    // the other reads up to the commit
    let other = world.member(world.ana[1]).await.unwrap();
    assert_eq!(other.left, Some(3));
    let bo = world.member(world.bo).await.unwrap();
    assert_eq!((bo.joined, bo.since, bo.welcome), (0, 3, 0));
}

#[tokio::test]
async fn a_store_that_lost_the_conversation_makes_it_with_the_incarnation_that_is_asked_for() {
    /// 2027-01-15: the machine's time when the store was restored.
    const RESTORED: u64 = 1_800_000_000_000;
    for restored in [false, true] {
        let mut world = World::without_conversation().await;
        if restored {
            world.clock.0.store(RESTORED, Ordering::SeqCst);
            world = world.restored(&Config::default());
            // and went back: by then the relay believes another time
            world.clock.0.store(NOON, Ordering::SeqCst);
        }
        let commit = NewCommit {
            incarnation: 4,
            ..world
                .commit_of(world.bo, 0, 1, &[world.ana[0]], Some(b"s"))
                .await
        };
        let request = NewConversation {
            peer: world.ana[0].account,
            token: Some(Digest::new([2; 32])),
            incarnation: Some(4),
            most_requests: 1,
            commit,
        };
        let done = call(|done| world.store.create_conversation(request, done)).await;
        // above all that its members remember, also of an earlier restore of the same backup
        let seq = done.unwrap().committed.seq;
        let least = if restored { RESTORED } else { NOON };
        assert!(seq > least, "{seq}");
        let group = world.store.group(CONVERSATION).await.unwrap().unwrap();
        assert_eq!((group.incarnation, group.epoch), (4, 1));
    }
}

#[tokio::test]
async fn a_newcomer_reads_from_the_entry_after_its_commit() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    let commit = NewCommit {
        committer: Committer::Newcomer,
        ..world.commit_of(world.ana[1], 1, 40, &[], None).await
    };
    let done = call(|done| world.store.commit(commit, done)).await.unwrap();
    let change = done.change.unwrap();
    assert!(change.left.is_empty());
    let member = &change.joined[0].member;
    assert_eq!((member.joined, member.cursor, member.welcome), (3, 3, 0));
    assert_eq!(world.member(world.ana[1]).await.as_ref(), Some(member));
}
