//! What a store that was restored from a backup still gives, and what it never gives out again.

use super::*;

const WIDTH: u64 = 1 << 32;
/// Where a stream goes on that was short: a minute's worth above the time of the restore, which is the earliest one here.
const BASE: u64 = 1_793_491_260_000;

impl World {
    async fn read(&self, after: u64) -> PageRow {
        let attachment = self
            .store
            .attachment(self.bo.device_row, NOON)
            .await
            .unwrap();
        let stream = attachment.memberships[0].stream;
        let range = PageRange {
            after,
            until: i64::MAX.unsigned_abs(),
            entries: 1000,
            bytes: 1 << 20,
        };
        let page = self.store.page(stream, range, self.bo.account_row);
        page.await.unwrap()
    }

    /// What a device is told of its conversation: the last seq, and what is gone.
    async fn news(&self, identity: Identity) -> (u64, u64) {
        let attachment = self
            .store
            .attachment(identity.device_row, NOON)
            .await
            .unwrap();
        let membership = &attachment.memberships[0];
        (membership.last, membership.base)
    }
}

fn seqs(page: &PageRow) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.seq).collect()
}

#[tokio::test]
async fn no_seq_is_given_out_twice_and_what_the_backup_holds_is_delivered() {
    let world = World::new().await;
    world
        .append(world.bo, 1, &[(10, "a"), (11, "b")])
        .await
        .unwrap();
    world.raise(world.bo, 3).await;
    let before = world.store.generation();
    let world = world.restored(&Config::default());
    assert_ne!(world.store.generation(), before);
    // a repeat of what the backup holds gets its first answer
    let appended = world
        .append(world.bo, 1, &[(11, "b"), (12, "c")])
        .await
        .unwrap();
    assert_eq!(appended, [3, BASE + 1]);
    // who has read all that the backup knows, or what came after it, goes on behind the gap
    assert_eq!(world.news(world.bo).await, (BASE + 1, BASE));
    for after in [3, 50, BASE] {
        let page = world.read(after).await;
        let base = if after == BASE { 0 } else { BASE };
        assert_eq!((page.last, page.base), (BASE + 1, base), "after {after}");
        assert_eq!(seqs(&page), [BASE + 1], "after {after}");
    }
    // who has not reads up to it first
    assert_eq!(world.news(world.ana[0]).await, (BASE + 1, 0));
    let page = world.read(1).await;
    assert_eq!((page.base, seqs(&page)), (0, vec![2, 3]));
}

#[tokio::test]
async fn a_second_restore_declares_a_second_gap() {
    let world = World::new().await;
    let config = Config::default();
    let world = world.restored(&config).restored(&config);
    // none between them: they are one
    assert_eq!(world.read(1).await.base, BASE + WIDTH);
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    let world = world.restored(&config);
    world.append(world.bo, 1, &[(11, "b")]).await.unwrap();
    assert_eq!(seqs(&world.read(1).await), [BASE + WIDTH + 1]);
    let page = world.read(BASE + WIDTH + 1).await;
    let base = BASE + 2 * WIDTH + 1;
    assert_eq!((page.base, seqs(&page)), (base, vec![base + 1]));
}

#[tokio::test]
async fn a_backup_that_is_restored_twice_gives_no_seq_out_twice() {
    let config = Config::default();
    let mut bases = Vec::new();
    // of a stream that began with the relay, and of one that a restore has moved already
    for before in [0, 1] {
        let mut ends = Vec::new();
        for minutes in [1, 2] {
            let mut world = World::new().await;
            for _ in 0..before {
                world = world.restored(&config);
            }
            let now = BASE + minutes * 60_000;
            world.clock.0.store(now, Ordering::SeqCst);
            let world = world.restored(&config);
            ends.push(world.news(world.bo).await.0);
        }
        bases.push(ends);
    }
    for ends in bases {
        // 500 entries a second would not fill it
        assert!(ends[1] >= ends[0] + 30_000, "{ends:?}");
    }
}

#[tokio::test]
async fn a_clock_by_which_no_gap_would_grow_is_refused() {
    let World {
        store, clock, dir, ..
    } = World::new().await;
    drop(store);
    // the year 2100
    clock.0.store(4_102_444_800_000, Ordering::SeqCst);
    let environment = Environment {
        clock,
        random: Arc::new(Ones),
    };
    let path = dir.path().join("db");
    let refused = SqliteStore::mark_restored(&path, &environment, Vouched::No).unwrap_err();
    assert!(refused.to_string().contains("2100-01-01"), "{refused:#}");
    SqliteStore::mark_restored(&path, &environment, Vouched::Yes).unwrap();
}

#[tokio::test]
async fn how_much_of_what_somebody_read_is_left_is_told_however_often_the_store_was_restored() {
    let world = World::new().await;
    let config = Config::default();
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    let world = world.restored(&config);
    world.append(world.bo, 1, &[(11, "b")]).await.unwrap();
    let world = world.restored(&config);
    for device in [world.bo, world.ana[0], world.ana[1]] {
        world.raise(device, BASE + 1 + WIDTH).await;
    }
    world.expire(60).await;
    // read before the first gap, in it, between the two, in the second one, and further than anybody could
    let read = [2, 50, BASE + 1, BASE + 7, BASE + 9 * WIDTH];
    let mut kept = Vec::new();
    for read in read {
        kept.push(world.read(read).await.kept);
    }
    assert_eq!(kept, [2, 2, BASE + 1, BASE + 1, 2]);
}

#[tokio::test]
async fn gaps_count_for_no_quota_and_expire_with_what_lies_before_them() {
    let mut config = Config::default();
    config.quotas.entries_per_conversation = 4;
    let world = World::with(config.clone()).await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    let world = world.restored(&config);
    world
        .append(world.bo, 1, &[(11, "b"), (12, "c")])
        .await
        .unwrap();
    assert_eq!(
        code(world.append(world.bo, 1, &[(13, "d")]).await),
        ErrorCode::Quota
    );
    for device in [world.bo, world.ana[0], world.ana[1]] {
        world.raise(device, BASE + 1).await;
    }
    world.expire(60).await;
    assert_eq!(world.read(0).await.base, BASE + 1);
    assert_eq!(seqs(&world.read(0).await), [BASE + 2]);
    world.append(world.bo, 1, &[(13, "d")]).await.unwrap();
}

#[tokio::test]
async fn a_copy_is_whole_and_a_damaged_one_is_refused() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    let copy = world.dir.path().join("copy");
    // while it serves
    SqliteStore::copy(&world.dir.path().join("db"), &copy).unwrap();
    assert!(SqliteStore::copy(&world.dir.path().join("db"), &copy).is_err());
    world.append(world.bo, 1, &[(11, "b")]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::rename(&copy, folder.path().join("db")).unwrap();
    let store = opened(folder.path(), &Config::default(), &world.clock);
    let prior = |id| store.prior(world.bo.device_row, ClientId::new([id; 16]));
    assert!(prior(10).await.unwrap().is_some());
    assert!(prior(11).await.unwrap().is_none());
    drop(store);
    let bytes = std::fs::read(folder.path().join("db")).unwrap();
    std::fs::write(folder.path().join("half"), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(folder.path().join("text"), "not a database").unwrap();
    for damaged in ["half", "text", "missing"] {
        let target = folder.path().join("target");
        let copied = SqliteStore::copy(&folder.path().join(damaged), &target);
        assert!(copied.is_err(), "{damaged}");
        assert!(!target.exists(), "{damaged}");
    }
}

#[tokio::test]
async fn the_latest_time_is_that_of_the_newest_entry_and_then_that_of_expiry() {
    let mut world = World::without_conversation().await;
    assert_eq!(world.store.latest(), None, "as of when it was opened");
    world.create().await.unwrap();
    world = world.reopened(&Config::default());
    assert_eq!(world.store.latest(), Some(NOON));
    for later in [5_000, 7_000, 6_000] {
        let request = Expiry {
            now: NOON + later,
            entries_before: 0,
            client_ids_before: 0,
            after: StreamRow(0),
        };
        call(|done| world.store.expire(request, done))
            .await
            .unwrap();
        world = world.reopened(&Config::default());
        assert_eq!(world.store.latest(), Some(NOON + later));
    }
}

#[tokio::test]
async fn however_old_a_backup_is_what_it_holds_is_as_old_as_the_restore() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    world.expire(60).await;
    world.clock.0.fetch_add(70 * DAY, Ordering::SeqCst);
    let restored = world.clock.now();
    let world = world.restored(&Config::default());
    assert_eq!(
        world.store.latest(),
        Some(restored),
        "it is believed at once"
    );
    for days in [0, 59] {
        world.pass(days, 60).await;
        world.expire(60).await;
        assert_eq!(seqs(&world.read(0).await), [1, 2], "after {days} days");
        assert_eq!(world.append(world.bo, 1, &[(10, "a")]).await.unwrap(), [2]);
    }
    world.pass(2, 60).await;
    assert_eq!(seqs(&world.read(0).await), Vec::<u64>::new());
}

#[tokio::test]
async fn the_last_days_of_a_backup_are_no_older_for_a_restore_a_few_weeks_later() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    world.pass(50, 60).await;
    // less than what the relay takes for a jump
    world.clock.0.fetch_add(25 * DAY, Ordering::SeqCst);
    let world = world.restored(&Config::default());
    world.expire(60).await;
    assert_eq!(seqs(&world.read(0).await), [1, 2]);
}
