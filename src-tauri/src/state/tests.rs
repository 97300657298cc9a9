use std::path::Path;

use client_core::keyslots::{Protection, SecretStore};
use protocol::{Link, LinkKind, LinkSecret, RelayId};

use super::*;
use crate::testing::{Failure, TestKeyring, TestProgram, shell};

/// Makes an account that the keyring opens, as if its relay had answered.
fn create_account(folder: &Path, keyring: &dyn SecretStore) {
    let link = Link {
        kind: LinkKind::Invite,
        addresses: vec!["127.0.0.1:1".parse().unwrap()],
        relay: RelayId::new([1; 32]),
        secret: LinkSecret::new([2; 16]),
        issuer: None,
    };
    let profile = Profile::take(folder).unwrap();
    let (seams, _network) = SystemSeams::new(&Handle::current());
    let created = profile.create(&link, "Ana", &Protection::Keyring, keyring, seams);
    drop(created.unwrap());
    profile.registered().unwrap();
}

fn stage(state: &AppState) -> String {
    serde_json::to_value(state).unwrap()["stage"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_keyring_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (keyring, program) = (TestKeyring::default(), TestProgram::default());
    create_account(folder.path(), &keyring);
    let shell = shell(folder.path(), &keyring, &program);

    keyring.fail(Some(Failure::Locked));
    for _ in 0..2 {
        assert_eq!(stage(&shell.open().await), "keyringFailed");
    }
    keyring.fail(None);
    assert_eq!(stage(&shell.open().await), "ready");
    assert_eq!(program.restarts(), 0);
    shell.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trying_again_without_a_keyring_starts_the_program_again() {
    let folder = tempfile::tempdir().unwrap();
    let (keyring, program) = (TestKeyring::default(), TestProgram::default());
    create_account(folder.path(), &keyring);
    let shell = shell(folder.path(), &keyring, &program);

    keyring.fail(Some(Failure::Missing));
    assert_eq!(stage(&shell.open().await), "keyringFailed");
    assert_eq!(
        program.restarts(),
        0,
        "a start never starts again by itself"
    );
    assert_eq!(stage(&shell.open().await), "keyringFailed");
    assert_eq!(program.restarts(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reason_for_people_is_a_sentence_without_names_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let (keyring, program) = (TestKeyring::default(), TestProgram::default());
    create_account(folder.path(), &keyring);
    let shell = shell(folder.path(), &keyring, &program);

    keyring.fail(Some(Failure::Locked));
    let AppState::KeyringFailed { reason, .. } = shell.open().await else {
        panic!("the keyring is locked")
    };
    assert_eq!(reason, "keyring: the keyring is locked");
}
