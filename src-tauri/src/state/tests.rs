use std::{fs, path::Path};

use client_core::{
    backup,
    crypto::{RecoveryCode, RecoveryLink},
    keyslots::{Protection, SecretStore, SlotKind, Unlock},
    seams::{Clock, SystemClock, SystemRandom},
    store::{Database, DatabaseKey, WriteTransaction, account},
};
use protocol::{Link, LinkKind, LinkSecret, RelayId};
use serde_json::{Value, json};
use tauri::ipc::{Channel, InvokeResponseBody};
use zeroize::Zeroizing;

use super::{
    keeper::{CodeConfirmed, Tidied},
    *,
};
use crate::{
    dto::{BackupTroubleKind, Slot},
    testing::{Failure, TestKeyring, TestProgram, shell},
};

const PASSPHRASE: &str = "una frase bastante larga";
const CODE: [u8; 32] = [7; 32];

fn passphrase() -> Protection {
    Protection::Passphrase(Zeroizing::new(PASSPHRASE.to_owned()))
}

fn recovery_code() -> Protection {
    Protection::RecoveryCode(Zeroizing::new(CODE))
}

/// Makes an account, as if its relay had answered. It opens in each of these ways.
fn create_account(folder: &Path, keyring: &dyn SecretStore, ways: &[Protection]) {
    let link = Link {
        kind: LinkKind::Invite,
        addresses: vec!["127.0.0.1:1".parse().unwrap()],
        relay: RelayId::new([1; 32]),
        secret: LinkSecret::new([2; 16]),
        issuer: None,
    };
    let profile = Profile::take(folder).unwrap();
    let (seams, _network) = SystemSeams::new(&Handle::current());
    let (first, more) = ways.split_first().unwrap();
    let key: DatabaseKey = {
        let created = profile.create(&link, "Ana", first, keyring, seams);
        created.unwrap().key
    };
    profile.registered().unwrap();
    for way in more {
        profile
            .set_slot(&key, way, keyring, &mut SystemRandom)
            .unwrap();
    }
}

fn json_of(state: &AppState) -> Value {
    serde_json::to_value(state).unwrap()
}

fn stage(state: &AppState) -> String {
    json_of(state)["stage"].as_str().unwrap().to_owned()
}

fn troubles(slots: &Value) -> Vec<(String, Value)> {
    slots
        .as_array()
        .unwrap()
        .iter()
        .map(|slot| {
            (
                slot["kind"].as_str().unwrap().to_owned(),
                slot["trouble"].clone(),
            )
        })
        .collect()
}

fn kinds(slots: &[Slot]) -> Vec<String> {
    troubles(&serde_json::to_value(slots).unwrap())
        .into_iter()
        .map(|(kind, _)| kind)
        .collect()
}

/// A profile of these ways in, and what its shell is made of.
struct Setting {
    folder: tempfile::TempDir,
    keyring: TestKeyring,
    program: TestProgram,
    shell: Shell,
}

impl Setting {
    fn new(ways: &[Protection]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (keyring, program) = (TestKeyring::default(), TestProgram::default());
        create_account(folder.path(), &keyring, ways);
        let shell = shell(folder.path(), &keyring, &program);
        Self {
            folder,
            keyring,
            program,
            shell,
        }
    }

    /// The program ends and starts again.
    async fn restart(&mut self) {
        self.shell.stop().await;
        self.shell = shell(self.folder.path(), &self.keyring, &self.program);
    }

    async fn open(&self) -> Value {
        json_of(&self.shell.open().await)
    }

    async fn unlock(&self, passphrase: &str) -> Result<AppState, AppError> {
        self.shell
            .unlock(Zeroizing::new(passphrase.to_owned()))
            .await
    }
}

/// What happens to a keyring.
type Breaking<'a> = &'a dyn Fn(&TestKeyring);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_keyring_is_asked_again() {
    let setting = Setting::new(&[Protection::Keyring]);
    setting.keyring.fail(Some(Failure::Locked));
    for _ in 0..2 {
        assert_eq!(stage(&setting.shell.open().await), "keyringFailed");
    }
    setting.keyring.fail(None);
    assert_eq!(stage(&setting.shell.open().await), "ready");
    assert_eq!(setting.program.restarts(), 0);
    setting.shell.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trying_again_without_a_keyring_starts_the_program_again() {
    let setting = Setting::new(&[Protection::Keyring]);
    setting.keyring.fail(Some(Failure::Missing));
    assert_eq!(stage(&setting.shell.open().await), "keyringFailed");
    assert_eq!(
        setting.program.restarts(),
        0,
        "a start never starts again by itself"
    );
    assert_eq!(stage(&setting.shell.open().await), "keyringFailed");
    assert_eq!(setting.program.restarts(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reason_for_people_is_a_sentence_without_names_of_the_program() {
    let setting = Setting::new(&[Protection::Keyring]);
    setting.keyring.fail(Some(Failure::Locked));
    let AppState::KeyringFailed { reason, .. } = setting.shell.open().await else {
        panic!("the keyring is locked")
    };
    assert_eq!(reason, "keyring: the keyring is locked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_keyring_does_is_a_question_and_never_a_new_account() {
    let setting = Setting::new(&[Protection::Keyring, passphrase(), recovery_code()]);
    let cases: [(&str, Breaking<'_>); 5] = [
        ("failed", &|keyring| keyring.fail(Some(Failure::Missing))),
        ("locked", &|keyring| keyring.fail(Some(Failure::Locked))),
        ("failed", &|keyring| keyring.fail(Some(Failure::Broken))),
        ("changed", &|keyring| {
            keyring.fail(None);
            keyring.overwrite(&[9; 32]);
        }),
        ("missing", &TestKeyring::empty),
    ];
    for (trouble, change) in cases {
        change(&setting.keyring);
        let state = setting.open().await;
        assert_eq!(state["stage"], "locked", "{trouble}");
        let expected = [
            ("keyring".to_owned(), json!(trouble)),
            ("passphrase".to_owned(), Value::Null),
            ("recovery".to_owned(), Value::Null),
        ];
        assert_eq!(troubles(&state["slots"]), expected);
        assert!(state["slots"][0]["detail"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyring_that_is_the_only_way_in_and_lost_the_key_is_told_so() {
    let setting = Setting::new(&[Protection::Keyring]);
    setting.keyring.empty();
    let state = setting.open().await;
    assert_eq!(state["stage"], "keyringFailed");
    assert_eq!(
        troubles(&state["slots"]),
        [("keyring".to_owned(), json!("missing"))]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyring_that_lost_the_key_has_it_again_after_the_profile_was_opened_otherwise() {
    let mut setting = Setting::new(&[Protection::Keyring, passphrase()]);
    setting.keyring.empty();
    assert_eq!(stage(&setting.shell.open().await), "locked");
    assert_eq!(stage(&setting.unlock(PASSPHRASE).await.unwrap()), "ready");
    setting.restart().await;
    assert_eq!(stage(&setting.shell.open().await), "ready");
    setting.shell.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_passphrase_and_a_wrong_code_are_told_apart_and_change_nothing() {
    let setting = Setting::new(&[passphrase(), recovery_code()]);
    assert_eq!(stage(&setting.shell.open().await), "locked");
    let error = setting.unlock("otra frase larga").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongPassphrase);
    let wrong = Zeroizing::new([8; 32]);
    let error = setting.shell.unlock_with_code(wrong).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongCode);
    let right = Zeroizing::new(CODE);
    let state = setting.shell.unlock_with_code(right).await.unwrap();
    assert_eq!(stage(&state), "ready");
    setting.shell.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_opens_as_words_and_as_what_its_picture_says() {
    let code = RecoveryCode::new(Zeroizing::new(CODE));
    let words = code.words().join(" ");
    let picture = RecoveryLink {
        addresses: vec!["relay.example.org".parse().unwrap()],
        relay: RelayId::new([4; 32]),
        code: code.clone(),
    };
    for text in [&words, &words.to_uppercase(), &*picture.to_text()] {
        let setting = Setting::new(&[recovery_code()]);
        let command = json!({ "name": "unlockWithCode", "params": { "code": text } });
        let reply = crate::commands::dispatch(&setting.shell, command).await;
        assert_eq!(reply.unwrap()["stage"], "ready");
        setting.shell.stop().await;
    }
    let setting = Setting::new(&[recovery_code()]);
    let nearly = words.replacen(code.words()[0], "abandon", 1);
    let command = json!({ "name": "unlockWithCode", "params": { "code": nearly } });
    let error = crate::commands::dispatch(&setting.shell, command)
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongCode);
    for word in code.words() {
        assert!(!format!("{error:?}").contains(word), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ways_in_are_added_and_removed_but_never_the_last_that_surely_opens() {
    let setting = Setting::new(&[Protection::Unprotected]);
    let shell = &setting.shell;
    assert_eq!(stage(&shell.open().await), "ready");
    let last = |outcome: Result<Vec<Slot>, AppError>| {
        assert_eq!(outcome.unwrap_err().code, ErrorCode::LastSlot);
    };
    last(shell.remove_slot(SlotKind::Unprotected).await);

    // whoever protects the profile does not leave it unprotected
    let slots = shell.add_slot(passphrase()).await.unwrap();
    assert_eq!(kinds(&slots), ["passphrase"]);
    // nobody has this code on paper: it must not be all that is left
    let slots = shell.add_slot(recovery_code()).await.unwrap();
    assert_eq!(kinds(&slots), ["passphrase", "recovery"]);
    let remove = || {
        let account = shell.account().unwrap();
        let keeper = &account.keeper;
        keeper.remove_slot(SlotKind::Passphrase, CodeConfirmed::No, &setting.keyring)
    };
    assert_eq!(remove().unwrap_err().kind(), ErrorKind::Refused);

    // and what is left is tried before
    let slots = shell.add_slot(Protection::Keyring).await.unwrap();
    assert_eq!(kinds(&slots), ["passphrase", "recovery", "keyring"]);
    setting.keyring.fail(Some(Failure::Locked));
    assert_eq!(remove().unwrap_err().kind(), ErrorKind::Keyring);
    setting.keyring.fail(None);
    let slots = shell.remove_slot(SlotKind::Passphrase).await.unwrap();
    assert_eq!(kinds(&slots), ["recovery", "keyring"]);
    shell.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_database_is_mended_from_its_copy_and_told_once() {
    let mut setting = Setting::new(&[Protection::Keyring]);
    assert_eq!(setting.open().await["mended"], Value::Null);
    setting.shell.account().unwrap().keeper.tidy();
    let health = setting.shell.health().await.unwrap();
    assert!(health.last_copy.is_some());
    setting.shell.stop().await;
    let database = setting.folder.path().join("account/relevo.db");
    let length = fs::metadata(&database).unwrap().len();
    fs::write(&database, vec![0; usize::try_from(length).unwrap()]).unwrap();

    setting.restart().await;
    let state = setting.open().await;
    assert_eq!(state["stage"], "ready");
    assert_eq!(state["me"]["name"], "Ana");
    assert_eq!(state["mended"]["how"], "copy");
    assert!(state["mended"]["copyTime"].is_u64());
    // what was in a file that nothing can be read of nobody can count
    assert_eq!(state["mended"]["messagesMissing"], Value::Null);
    assert_eq!(state["mended"]["conversations"], 0);
    let quarantine = state["mended"]["quarantine"].as_str().unwrap();
    assert!(Path::new(quarantine).is_dir());
    let health = setting.shell.health().await.unwrap();
    assert_eq!(health.damaged, [quarantine]);
    let told = json!({ "name": "acknowledgeMended", "params": {} });
    crate::commands::dispatch(&setting.shell, told)
        .await
        .unwrap();
    assert_eq!(setting.open().await["mended"], Value::Null);
    let discard = json!({ "name": "discardDamaged", "params": {} });
    let health = crate::commands::dispatch(&setting.shell, discard).await;
    assert_eq!(health.unwrap()["damaged"], json!([]));
    assert!(!Path::new(quarantine).exists());
    setting.shell.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_root_key_that_was_left_in_copies_is_gone_after_the_next_start() {
    let mut setting = Setting::new(&[Protection::Keyring]);
    let copies = setting.folder.path().join("account/copies");
    setting.open().await;
    setting.shell.account().unwrap().keeper.tidy();
    setting.shell.stop().await;
    // a copy of an earlier day
    let old = copies.join("relevo-20200101T0000.db");
    let copy = fs::read_dir(&copies).unwrap().next().unwrap().unwrap();
    fs::rename(copy.path(), &old).unwrap();
    // the process ended as soon as the words were confirmed
    let profile = setting.shell.profile.lock().await.clone().unwrap();
    let key = profile.unlock(&Unlock::Silently(&setting.keyring)).unwrap();
    let path = setting.folder.path().join("account/relevo.db");
    let mut database = Database::open(&path, &key).unwrap();
    database
        .write(|write| account::confirm_recovery(write, &account::load(write.connection())?.keys))
        .unwrap();
    drop((database, profile));

    setting.restart().await;
    setting.open().await;
    let account = setting.shell.account().unwrap();
    account.forget_if_due().await;
    assert!(!old.exists());
    assert_eq!(fs::read_dir(&copies).unwrap().count(), 1);
    assert!(!account.keeper.forget_if_due().unwrap());
    drop(account);
    setting.shell.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_fails_for_days_is_told_also_after_a_restart_and_one_that_works_is_tested() {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let mut setting = Setting::new(&[Protection::Keyring]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    setting.open().await;
    // as the commands do, but without the record that only a relay confirms
    let account = setting.shell.account().unwrap();
    let now = account.keeper.now();
    let (profile, key) = account.keeper.profile_and_key();
    drop((account, profile));
    setting.shell.stop().await;
    let database = setting.folder.path().join("account/relevo.db");
    let change = |work: &dyn Fn(&WriteTransaction<'_>)| {
        let mut database = Database::open(&database, &key).unwrap();
        let written = database.write(|write| {
            work(write);
            Ok(())
        });
        written.unwrap();
    };
    change(&|write| {
        backup::turn_on(write, &CODE, &path.join("gone"), b"record").unwrap();
        backup::note_failure(write, now - 4 * DAY, "diskFull").unwrap();
    });

    setting.restart().await;
    let state = setting.open().await;
    assert_eq!(state["backup"]["kind"], "notWritten");
    assert_eq!(state["backup"]["problem"], "diskFull");
    assert_eq!(state["backup"]["since"], now - 4 * DAY);
    let account = setting.shell.account().unwrap();
    account.back_up_if_due().await;
    let trouble = account.backup_trouble().await.unwrap().unwrap();
    assert_eq!(trouble.problem, ErrorCode::Folder);
    let health = setting.shell.health().await.unwrap();
    assert_eq!(health.backup_problem, Some(ErrorCode::Folder));
    assert_eq!(health.last_rehearsal, None);
    drop(account);
    setting.shell.stop().await;

    change(&|write| {
        backup::turn_on(write, &CODE, &path, b"record").unwrap();
        backup::note_failure(write, now - 4 * DAY, "folder").unwrap();
    });
    setting.restart().await;
    setting.open().await;
    let account = setting.shell.account().unwrap();
    account.back_up_if_due().await;
    assert_eq!(account.backup_trouble().await.unwrap(), None);
    let health = setting.shell.health().await.unwrap();
    assert_eq!(health.backup_problem, None);
    let tested = health.last_rehearsal.unwrap();
    assert_eq!(tested.problem, None);
    // a week has not passed
    account.back_up_if_due().await;
    let health = setting.shell.health().await.unwrap();
    assert_eq!(health.last_rehearsal.unwrap().time, tested.time);
    // one that cannot be read back is told at once
    account
        .client
        .note_rehearsal(now, Some("backupDamaged".to_owned()))
        .await
        .unwrap();
    let trouble = account.backup_trouble().await.unwrap().unwrap();
    assert_eq!(trouble.kind, BackupTroubleKind::NotRestorable);
    drop(account);
    setting.shell.stop().await;
}

/// A clock that fails when it is told to, as any line of the engine may.
struct FailingClock(Arc<AtomicBool>);

impl Clock for FailingClock {
    fn wall_ms(&self) -> u64 {
        assert!(!self.0.load(Ordering::Relaxed), "injected");
        SystemClock::new().wall_ms()
    }

    fn monotonic(&self) -> Duration {
        assert!(!self.0.load(Ordering::Relaxed), "injected");
        Duration::from_secs(1)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_failed_is_told_and_opened_again() {
    let mut setting = Setting::new(&[Protection::Keyring]);
    let failing = Arc::new(AtomicBool::new(false));
    let inside = Arc::clone(&failing);
    setting.shell.seams = Box::new(move |runtime| {
        let (mut seams, system) = SystemSeams::new(runtime);
        seams.clock = Box::new(FailingClock(Arc::clone(&inside)));
        (seams, system)
    });
    let (told, mut heard) = tokio::sync::mpsc::channel(1_000);
    setting.shell.bridge().subscribe(Channel::new(move |body| {
        let InvokeResponseBody::Json(text) = body else {
            panic!("events are JSON")
        };
        drop(told.try_send(text));
        Ok(())
    }));
    assert_eq!(setting.open().await["stage"], "ready");
    // whoever opens nothing that the keyring must give, is not asked again
    setting.keyring.fail(Some(Failure::Locked));

    failing.store(true, Ordering::Relaxed);
    let client = setting.shell.client().unwrap();
    let failed = client.as_ref().reconnect().await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Internal);
    drop(client);
    let failure = async { while heard.recv().await.unwrap() != r#"{"type":"engineFailed"}"# {} };
    time::timeout(Duration::from_secs(60), failure)
        .await
        .unwrap();
    failing.store(false, Ordering::Relaxed);
    let state = setting.open().await;
    assert_eq!(state["stage"], "ready");
    assert_eq!(state["me"]["name"], "Ana");
    // and it is one that can be stopped
    setting.shell.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_beyond_mending_is_a_question_and_stays() {
    let setting = Setting::new(&[Protection::Keyring]);
    let database = setting.folder.path().join("account/relevo.db");
    fs::write(&database, vec![0; 65_536]).unwrap();
    for _ in 0..2 {
        let state = setting.open().await;
        assert_eq!(state["stage"], "lost");
        assert_eq!(
            (&state["what"], &state["keys"]),
            (&json!("damaged"), &json!(true))
        );
        assert_eq!(fs::metadata(&database).unwrap().len(), 65_536);
    }
    fs::remove_file(&database).unwrap();
    assert_eq!(setting.open().await["what"], "missing");

    let state = json_of(&setting.shell.open_without_messages().await.unwrap());
    assert_eq!(state["stage"], "ready");
    assert_eq!(state["mended"]["how"], "identityOnly");
    let error = setting.shell.put_aside().await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Internal, "it is not lost any more");
    setting.shell.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_ways_in_is_put_aside_and_kept() {
    let setting = Setting::new(&[Protection::Keyring]);
    let account = setting.folder.path().join("account");
    let before = fs::read(account.join("relevo.db")).unwrap();
    assert!(
        setting.shell.put_aside().await.is_err(),
        "it may not be lost"
    );
    for name in ["keys", "keys-copy"] {
        fs::write(account.join(name), "damaged").unwrap();
    }
    let state = setting.open().await;
    assert_eq!(
        (&state["stage"], &state["what"]),
        (&json!("lost"), &json!("ways"))
    );
    assert!(setting.shell.open_without_messages().await.is_err());
    assert_eq!(stage(&setting.shell.put_aside().await.unwrap()), "firstRun");
    assert!(!account.exists());
    let kept = fs::read_dir(setting.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path().join("relevo.db"))
        .find(|path| path.exists())
        .unwrap();
    assert_eq!(fs::read(kept).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_that_a_copy_meets_stops_the_account_and_is_told() {
    let mut setting = Setting::new(&[Protection::Keyring]);
    assert_eq!(setting.open().await["damaged"], false);
    let database = setting.folder.path().join("account/relevo.db");
    let account = setting.shell.account().unwrap();
    let length = fs::metadata(&database).unwrap().len();
    fs::write(&database, vec![0; usize::try_from(length).unwrap()]).unwrap();
    assert_eq!(account.keeper.tidy(), Tidied::Damaged);
    account.client.report_damage();
    // answered after it
    let error = account.client.note_rehearsal(1, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    drop(account);
    let command = json!({ "name": "restart", "params": {} });
    crate::commands::dispatch(&setting.shell, command)
        .await
        .unwrap();
    assert_eq!(setting.program.restarts(), 1);
    setting.restart().await;
    assert_eq!(setting.open().await["stage"], "lost", "there was no copy");
}
