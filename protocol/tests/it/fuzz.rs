//! The short version of `cargo run --release -p protocol --example fuzz`: every target over its committed corpus, and some
//! thousand mutations of it by a fixed seed.

use std::{fs, path::Path, sync::Once};

use data_encoding::BASE64URL_NOPAD;
use protocol::{Link, encode_frame};

use crate::{
    fuzz_targets::{TARGETS, Target},
    golden::{documents, updating},
    mutate::Corpus,
    sample_frames::{frames, least_frames},
    samples::{contact, invite},
    tree::Node,
};

/// The corpus of each target that follows from the golden files.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let frames = frames().into_iter().map(|(id, frame)| (id, frame, ""));
    let least = least_frames()
        .into_iter()
        .map(|(id, frame)| (id, frame, "-least"));
    let frames = frames.chain(least).map(|(id, frame, suffix)| {
        (
            format!("{}{suffix}", frame.name()),
            encode_frame(id, &frame),
        )
    });
    let documents = documents().map(|(name, bytes)| (name.to_owned(), bytes));
    match target {
        "frame" => frames.collect(),
        "link" => {
            let text = |name: &str, text: String| (name.to_owned(), text.into_bytes());
            let body = |link: Link| {
                let text = link.to_app();
                let body = BASE64URL_NOPAD
                    .decode(&text.as_bytes()["relevo:i#".len()..])
                    .unwrap();
                [b"#", body.as_slice()].concat()
            };
            vec![
                ("invite-body".to_owned(), body(invite())),
                ("contact-body".to_owned(), body(contact())),
                text("invite-https", invite().to_https()),
                text("invite-app", invite().to_app()),
                text("contact-https", contact().to_https()),
                text("contact-app", contact().to_app()),
                text("address-name", "chat.example.org:8443".to_owned()),
                text("address-ipv4", "192.0.2.7".to_owned()),
                text("address-ipv6", "[2001:db8::1]:8443".to_owned()),
            ]
        }
        "identity" => {
            let modes = [2, 3, 1, 1, 0];
            let signed = documents
                .iter()
                .map(|(name, bytes)| (name.clone(), [&[0], &bytes[..]].concat()));
            let bodies = documents
                .iter()
                .zip(modes)
                .filter_map(|((name, bytes), mode)| {
                    match Node::read(bytes).map(0).map(|pair| pair.remove(0).1) {
                        Some(Node::Bytes(_, body)) if mode > 0 => {
                            Some((format!("{name}-body"), [&[mode], &body[..]].concat()))
                        }
                        _ => None,
                    }
                });
            signed.chain(bodies).collect()
        }
        _ => frames.chain(documents).collect(),
    }
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz-corpus");
    static UPDATE: Once = Once::new();
    UPDATE.call_once(|| {
        for (target, _) in TARGETS.iter().filter(|_| updating()) {
            let folder = corpora.join(target);
            fs::create_dir_all(&folder).unwrap();
            for (name, bytes) in seeds(target) {
                fs::write(folder.join(name), bytes).unwrap();
            }
        }
    });
    let folder = corpora.join(target);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn run((name, target): Target, executions: usize) {
    let inputs = corpus(name).into_iter().map(|(_, bytes)| bytes).collect();
    let mut corpus = Corpus::new(inputs, 0x5eed);
    for input in corpus.inputs().to_vec() {
        corpus.learn(&input, target(&input));
    }
    for _ in 0..executions {
        let input = corpus.next_input();
        let outcome = target(&input);
        corpus.learn(&input, outcome);
    }
}

#[test]
fn twenty_thousand_mutated_frames_hold() {
    run(TARGETS[0], 20_000);
}

#[test]
fn twenty_thousand_mutated_links_hold() {
    run(TARGETS[1], 20_000);
}

#[test]
fn twenty_thousand_mutated_identity_documents_hold() {
    run(TARGETS[2], 20_000);
}

#[test]
fn twenty_thousand_mutated_items_hold() {
    run(TARGETS[3], 20_000);
}

#[test]
fn the_corpus_has_everything_that_the_golden_files_have() {
    for (name, _) in TARGETS {
        let corpus = corpus(name);
        for (seed, bytes) in seeds(name) {
            assert!(corpus.contains(&(seed.clone(), bytes)), "{name}/{seed}");
        }
    }
}
