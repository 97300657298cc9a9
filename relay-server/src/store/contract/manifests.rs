//! What an account changes of itself: manifests, recovery records, handles, links.

use super::*;

impl World {
    /// Ana's next manifest: her devices of these numbers, and those that are out.
    fn next(&self, number: u64, held: &[u8], devices: &[u8], revoked: &[u8]) -> NewManifest {
        let id = |i: &u8| DeviceId::new([16 + i; 16]);
        let device = |i: &u8| NewDevice {
            device: id(i),
            login_key: Key::new([1; 32]),
            leaf_key: Key::new([1; 32]),
        };
        NewManifest {
            account: self.ana[0].account,
            held: Digest::of(&[held]),
            number,
            bytes: Bytes::from(format!("manifest {number}")),
            devices: devices.iter().map(device).collect(),
            coming: Coming::Anew,
            revoked: revoked.iter().map(id).collect(),
            by_newer_key: false,
        }
    }

    async fn take(&self, manifest: NewManifest) -> Result<Vec<DeviceId>, ErrorCode> {
        let done = call(|done| self.store.publish_manifest(manifest, done)).await;
        done.map_err(|refusal| refusal.code)
    }

    async fn record_of(
        &self,
        caller: Identity,
        name: u8,
        bytes: &'static str,
    ) -> Result<(), Refusal> {
        let request = NewRecord {
            caller,
            record: Digest::new([name; 32]),
            bytes: Bytes::from_static(bytes.as_bytes()),
            signed: true,
        };
        call(|done| self.store.store_record(request, done)).await
    }

    async fn handle(&self, caller: Identity, handle: Option<&str>) -> Result<(), Refusal> {
        let handle = handle.map(str::to_owned);
        call(|done| self.store.set_handle(caller, handle, done)).await
    }
}

const FIRST: [u8; 40] = [1; 40];

#[tokio::test]
async fn a_manifest_follows_the_one_that_is_held() {
    let world = World::new().await;
    let refused = Err(ErrorCode::BadIdentity);
    assert_eq!(
        world.take(world.next(2, b"another", &[0, 1], &[])).await,
        refused
    );
    assert_eq!(world.take(world.next(2, &FIRST, &[0], &[])).await, refused);
    assert_eq!(
        world.take(world.next(2, &FIRST, &[0, 1, 2], &[1])).await,
        refused
    );
    let mut other_key = world.next(2, &FIRST, &[0, 1], &[]);
    other_key.devices[1].login_key = Key::new([9; 32]);
    assert_eq!(world.take(other_key).await, refused);
    for _ in 0..2 {
        assert_eq!(
            world.take(world.next(2, &FIRST, &[0, 1, 2], &[])).await,
            Ok(Vec::new())
        );
    }
    let third = identity(&*world.store, 1, 2).await;
    assert_eq!(third.account_row, world.ana[0].account_row);
    let attachment = world
        .store
        .attachment(third.device_row, NOON)
        .await
        .unwrap();
    assert_eq!((attachment.manifest, attachment.revoked), (2, false));
    // a device id is that of one account
    let bo = NewManifest {
        account: world.bo.account,
        held: Digest::of(&[&[2; 40]]),
        ..world.next(3, b"", &[2], &[0x10])
    };
    assert_eq!(world.take(bo).await, refused);
}

#[tokio::test]
async fn a_list_under_a_newer_key_puts_out_whom_it_does_not_name_whatever_its_number() {
    let world = World::new().await;
    let [first, second] = [0, 1].map(|device: usize| world.ana[device].device);
    let out = world.take(world.next(2, &FIRST, &[0, 1, 2], &[])).await;
    assert_eq!(out, Ok(Vec::new()));
    let newer = |number, held: &[u8], devices: &[u8]| NewManifest {
        bytes: Bytes::from(format!("newer {number}")),
        by_newer_key: true,
        ..world.next(number, held, devices, &[])
    };
    // the same number, and two of three devices are dropped without a word
    let out = world.take(newer(2, b"manifest 2", &[1, 3])).await;
    let third = DeviceId::new([18; 16]);
    assert_eq!(out, Ok(vec![first, third]));
    // who is out stays out, and a key of a device that stays is the same
    let mut other_key = newer(3, b"newer 2", &[1, 3]);
    other_key.devices[0].leaf_key = Key::new([9; 32]);
    for refused in [newer(3, b"newer 2", &[0, 1, 3]), other_key] {
        assert_eq!(world.take(refused).await, Err(ErrorCode::BadIdentity));
    }
    let fourth = identity(&*world.store, 1, 3).await;
    let attachment = world.store.attachment(fourth.device_row, NOON).await;
    assert_eq!(attachment.unwrap().manifest, 2);
    let out = world.take(newer(3, b"newer 2", &[3])).await;
    assert_eq!(out, Ok(vec![second]));
}

#[tokio::test]
async fn a_revoked_device_has_nothing_left_and_stays_out() {
    let world = World::new().await;
    world
        .publish(vec![package(b"one", NOON + 1_000)], None)
        .await;
    let request = append(world.ana[0], 1, &[(10, "a")]);
    call(|done| world.store.append(request, done))
        .await
        .unwrap();
    let out = world.take(world.next(2, &FIRST, &[1], &[0])).await;
    assert_eq!(out, Ok(vec![world.ana[0].device]));
    assert_eq!(code(world.claim(1, 1).await), ErrorCode::NoKeyPackages);
    // a repeat gets its first answer, new work none
    assert_eq!(
        world.append(world.ana[0], 1, &[(10, "a")]).await.unwrap(),
        [2]
    );
    assert_eq!(
        code(world.append(world.ana[0], 1, &[(11, "b")]).await),
        ErrorCode::NotMember
    );
    let back = world.take(world.next(3, b"manifest 2", &[0, 1], &[])).await;
    assert_eq!(back, Err(ErrorCode::BadIdentity));
    let again = world.take(world.next(3, b"manifest 2", &[1], &[0])).await;
    assert_eq!(again, Ok(Vec::new()));
    // the first manifest is still known: a registration that is repeated
    let repeat = account(1, 2, Digest::new([1; 32]));
    call(|done| world.store.register(repeat, done))
        .await
        .unwrap();
    let held = world.store.manifest(world.bo.account).await.unwrap();
    assert_eq!(held.unwrap(), [2; 40]);
}

#[tokio::test]
async fn an_account_has_one_record_and_a_name_one_account() {
    let world = World::new().await;
    world.record_of(world.ana[0], 7, "older").await.unwrap();
    world.record_of(world.ana[1], 8, "newer").await.unwrap();
    assert_eq!(
        code(world.record_of(world.bo, 8, "mine").await),
        ErrorCode::IdConflict
    );
    let find = |name| world.store.record(Digest::new([name; 32]));
    assert!(find(7).await.unwrap().is_none());
    let found = find(8).await.unwrap().unwrap();
    assert_eq!(
        (found.account, &found.bytes[..]),
        (world.ana[0].account, &b"newer"[..])
    );
    assert_eq!(found.manifest, FIRST);
}

#[tokio::test]
async fn a_handle_is_of_one_account() {
    let world = World::new().await;
    world.handle(world.ana[0], Some("ana")).await.unwrap();
    assert_eq!(
        code(world.handle(world.bo, Some("ana")).await),
        ErrorCode::Taken
    );
    world.handle(world.bo, Some("bo")).await.unwrap();
    // two without one are no conflict
    world.handle(world.ana[1], None).await.unwrap();
    world.handle(world.bo, None).await.unwrap();
    let found = world.store.find(world.bo, "ana".to_owned()).await.unwrap();
    assert_eq!(found, None);
}

#[tokio::test]
async fn what_a_device_sent_counts_once() {
    let world = World::new().await;
    let sent = async |identity: Identity| {
        let attachment = world.store.attachment(identity.device_row, NOON).await;
        attachment.unwrap().sent
    };
    assert_eq!(sent(world.bo).await, 1);
    for _ in 0..2 {
        world
            .append(world.bo, 1, &[(10, "a"), (11, "b")])
            .await
            .unwrap();
    }
    let lost = append(world.bo, 7, &[(12, "c")]);
    assert!(call(|done| world.store.append(lost, done)).await.is_err());
    assert_eq!((sent(world.bo).await, sent(world.ana[0]).await), (3, 0));
}

#[tokio::test]
async fn the_conversations_of_an_account_come_in_order() {
    let world = World::new().await;
    let list = async |account: AccountRow, after| {
        let (found, more) = world.store.conversations(account, after).await.unwrap();
        assert!(!more);
        found
    };
    let (ana, bo) = (world.ana[0], world.bo);
    for (one, other) in [(ana, bo), (bo, ana)] {
        let found = list(one.account_row, None).await;
        let expected = ConversationOf {
            conversation: CONVERSATION,
            peer: other.account,
            requested: false,
        };
        assert_eq!(found, [expected]);
        assert!(list(one.account_row, Some(CONVERSATION)).await.is_empty());
    }
}
