//! The bytes of everything that crosses the wire, frozen. `UPDATE_GOLDEN=1 cargo test -p protocol` writes them anew; a
//! change in them is a change of the protocol.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::Once,
};

use data_encoding::HEXLOWER;
use protocol::{
    FRAME_NAMES, Link, check_deterministic, decode_frame, encode_frame,
    handshake::{challenge_message, login_message, receipt_message},
    identity::{DeviceCertificate, DskCertificate, LeafIdentity, Manifest, public_key},
};

use crate::sample_frames::{frames, least_frames};
use crate::samples::{
    TIME, account, challenge, contact, conversation, device, device_certificate, dsk,
    dsk_certificate, enrolment, first_manifest, hello, invite, registration, relay, root_key,
    second_manifest, secret, signed_record,
};

/// The folder with the golden files, written anew first where that is asked for.
fn folder() -> PathBuf {
    static UPDATE: Once = Once::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    UPDATE.call_once(|| {
        if updating() {
            fs::create_dir_all(&folder).unwrap();
            for (name, content) in expected() {
                fs::write(folder.join(name), content).unwrap();
            }
        }
    });
    folder
}

pub fn updating() -> bool {
    env::var_os("UPDATE_GOLDEN").is_some()
}

/// 32 bytes a line.
pub fn hex_lines(bytes: &[u8]) -> String {
    bytes
        .chunks(32)
        .map(|line| HEXLOWER.encode(line) + "\n")
        .collect()
}

pub fn read(name: &str) -> Vec<u8> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    HEXLOWER
        .decode(text.split_whitespace().collect::<String>().as_bytes())
        .unwrap()
}

/// Name and bytes of one identity document of each kind, and of a second manifest.
pub fn documents() -> [(&'static str, Vec<u8>); 5] {
    let dsk_certificate = dsk_certificate().sign(&root_key());
    let device_certificate = device_certificate(1).sign(&dsk());
    let leaf = LeafIdentity::encode(
        public_key(&root_key()),
        dsk_certificate.clone().into(),
        device_certificate.clone().into(),
    );
    [
        ("dsk-certificate", dsk_certificate),
        ("device-certificate", device_certificate),
        ("manifest-first", first_manifest().sign(&dsk())),
        ("manifest-second", second_manifest().sign(&dsk())),
        ("leaf", leaf),
    ]
}

/// Name and content of every golden file.
fn expected() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut add = |name: String, content: String| {
        assert!(
            files.insert(name.clone(), content).is_none(),
            "{name} twice"
        );
    };
    for (id, frame) in frames() {
        add(
            format!("frame-{}.hex", frame.name()),
            hex_lines(&encode_frame(id, &frame)),
        );
    }
    for (id, frame) in least_frames() {
        add(
            format!("frame-{}-least.hex", frame.name()),
            hex_lines(&encode_frame(id, &frame)),
        );
    }
    for (name, bytes) in documents() {
        add(format!("identity-{name}.hex"), hex_lines(&bytes));
    }
    let handshake = [
        ("challenge", challenge_message(&hello(), &challenge())),
        (
            "login",
            login_message(&hello(), &challenge(), account(), device(1)),
        ),
        ("register", registration()),
        ("enroll", enrolment()),
        ("receipt", receipt_message(relay(), account(), TIME)),
        ("record", signed_record()),
    ];
    for (name, bytes) in handshake {
        add(format!("signed-{name}.hex"), hex_lines(&bytes));
    }
    let derived = [
        ("account", account().as_bytes().to_vec()),
        ("relay", relay().as_bytes().to_vec()),
        ("group-id", conversation().group_id(1).to_vec()),
        ("link-token", secret().token().as_bytes().to_vec()),
        (
            "link-token-stored",
            secret().token().stored_hash().as_bytes().to_vec(),
        ),
        (
            "link-consent",
            secret()
                .consent_proof(account(), conversation())
                .as_bytes()
                .to_vec(),
        ),
    ];
    for (name, bytes) in derived {
        add(format!("derived-{name}.hex"), hex_lines(&bytes));
    }
    for (name, link) in [("invite", invite()), ("contact", contact())] {
        add(
            format!("link-{name}.txt"),
            format!("{}\n{}\n", link.to_https(), link.to_app()),
        );
    }
    files
}

#[test]
fn the_golden_files_are_what_this_version_writes() {
    let expected = expected();
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for file in fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        found.insert(
            name,
            fs::read_to_string(path).unwrap().replace("\r\n", "\n"),
        );
    }
    assert_eq!(
        expected.keys().collect::<Vec<_>>(),
        found.keys().collect::<Vec<_>>(),
        "files in tests/golden"
    );
    for (name, content) in expected {
        assert_eq!(content, found[&name], "{name}");
    }
}

#[test]
fn every_frame_has_a_golden_file() {
    for (number, name) in FRAME_NAMES {
        let (id, frame) = decode_frame(&read(&format!("frame-{name}.hex"))).unwrap();
        assert_eq!((frame.number(), frame.name()), (*number, *name));
        assert!(frames().contains(&(id, frame)), "{name}");
    }
}

#[test]
fn golden_frames_decode_to_what_was_encoded() {
    for (id, frame) in frames().into_iter().chain(least_frames()) {
        let bytes = encode_frame(id, &frame);
        check_deterministic(&bytes).unwrap();
        assert_eq!(decode_frame(&bytes), Ok((id, frame)));
    }
}

#[test]
fn golden_identity_documents_open() {
    let root = public_key(&root_key());
    let dsk = DskCertificate::open(&read("identity-dsk-certificate.hex"), &root).unwrap();
    assert_eq!(dsk, dsk_certificate());
    let device = DeviceCertificate::open(&read("identity-device-certificate.hex"), &dsk).unwrap();
    assert_eq!(device, device_certificate(1));
    assert_eq!(
        Manifest::open(&read("identity-manifest-first.hex")),
        Ok(first_manifest())
    );
    assert_eq!(
        Manifest::open(&read("identity-manifest-second.hex")),
        Ok(second_manifest())
    );
    let leaf = LeafIdentity {
        root_key: root,
        dsk,
        device,
    };
    assert_eq!(LeafIdentity::open(&read("identity-leaf.hex")), Ok(leaf));
}

#[test]
fn golden_links_parse_in_both_forms() {
    for (name, link) in [
        ("link-invite.txt", invite()),
        ("link-contact.txt", contact()),
    ] {
        let text = fs::read_to_string(folder().join(name)).unwrap();
        let links: Vec<Link> = text.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(links, [link.clone(), link], "{name}");
    }
}
