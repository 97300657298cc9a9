//! Who may read the files of a relay: its owner alone.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
};

use relay_server::Relay;

use crate::relay::{TestRelay, test_config};

/// Files of a folder with rights that others have, too.
fn open_to_others(folder: &Path) -> Vec<String> {
    let of = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("its rights").permissions().mode();
        (mode & 0o077 != 0).then(|| format!("{:?} {:o}", entry.file_name(), mode & 0o777))
    };
    fs::read_dir(folder)
        .expect("lists")
        .filter_map(of)
        .collect()
}

#[test]
fn what_a_new_relay_makes_is_its_owners_alone_whatever_the_umask() {
    let folder = tempfile::tempdir().expect("a directory");
    let dir = folder.path().join("relay");
    let relay = env!("CARGO_BIN_EXE_relevo-relay");
    let done = Command::new("sh")
        .args(["-c", "umask 000; exec \"$@\"", "sh", relay])
        .args(["init", "--local", "--address", "127.0.0.1:8443", "--dir"])
        .arg(&dir)
        .output()
        .expect("runs");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(open_to_others(&dir), [""; 0]);
    let mode = fs::metadata(&dir).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(dir.join("relay.db").exists() && dir.join("config.toml").exists());
}

#[test]
fn init_says_what_it_made_what_to_keep_safe_and_what_comes_next() {
    let folder = tempfile::tempdir().expect("a directory");
    let dir = folder.path().join("relay");
    let init = |words: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_relevo-relay"))
            .arg("init")
            .args(words)
            .arg("--dir")
            .arg(&dir)
            .output()
            .expect("runs");
        fs::remove_dir_all(&dir).expect("the folder goes");
        String::from_utf8(done.stdout).expect("text")
    };
    let key = dir.join("identity-key").display().to_string();
    let serve = format!("relevo-relay serve --dir {}\n", dir.display());

    let text = init(&["--local"]);
    assert!(text.starts_with("This is relay "), "{text}");
    assert!(text.contains(&key) && text.contains(&serve), "{text}");
    assert!(
        text.contains("\nhttps://") && text.contains("\nrelevo:"),
        "{text}"
    );

    // reachable by no address yet
    let text = init(&["--local", "--listen", "0.0.0.0:8443"]);
    assert!(text.contains(&key) && text.contains(&serve), "{text}");
    assert!(
        text.contains("listen.public") && !text.contains("https://"),
        "{text}"
    );

    // for programs there is no word more
    let text = init(&["--local", "--json"]);
    let object: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(object["url"].is_string() && object["relay"].is_string());
}

#[tokio::test]
async fn a_relay_takes_the_files_of_an_earlier_version_from_others_when_it_starts() {
    let relay = TestRelay::start_with(test_config()).await;
    let person = relay.person().await;
    let (dir, config) = relay.stop().await;
    // as a relay leaves them that was killed
    for ending in ["-wal", "-shm"] {
        let file = dir.path().join(format!("relay.db{ending}"));
        fs::File::options()
            .create(true)
            .append(true)
            .open(file)
            .expect("makes it");
    }
    for entry in fs::read_dir(dir.path()).expect("lists") {
        let path = entry.expect("an entry").path();
        fs::set_permissions(path, Permissions::from_mode(0o644)).expect("opens it to others");
    }

    drop(Relay::open(dir.path()).expect("opens"));
    let relay = TestRelay::open(dir, config).await;
    relay.login(person.0.device()).await;
    let others = open_to_others(relay.dir.path());
    // a certificate is for everybody
    assert!(
        others.iter().all(|file| file.contains("tls-certificate")),
        "{others:?}"
    );
    for file in ["relay.db", "relay.db-wal", "relay.db-shm", "config.toml"] {
        assert!(relay.dir.path().join(file).exists(), "{file}");
    }
}
