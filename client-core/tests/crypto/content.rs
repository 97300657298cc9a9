use client_core::content::{
    Body, Container, Content, ContentError, Disposition, Expires, External, MARKDOWN, MAX_SEALED,
    MAX_TEXT, PROFILE, Part, PartBody, Profile, Semantics, conversation_uri, message_id,
    person_uri,
};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use protocol::{AccountId, Digest, MessageId, Opaque, RelayId, bounds};

use crate::people::{CONVERSATION, RELAY, alice_and_bob};

const SALT: [u8; 16] = [7; 16];

#[test]
fn a_text_has_these_bytes() {
    let bytes = Content::text(SALT, "Hi").encode();
    let mut expected = vec![0x87, 0x50];
    expected.extend(SALT);
    expected.extend([
        0xF6, 0x40, 0xF6, 0xF6, 0xA0, 0x85, 0x01, 0x60, 0x01, 0x78, 24,
    ]);
    expected.extend(b"text/plain;charset=utf-8");
    expected.extend([0x42, b'H', b'i']);
    assert_eq!(bytes, expected);
    assert_eq!(Content::decode(&bytes).unwrap(), Content::text(SALT, "Hi"));
}

#[test]
fn a_profile_comes_back() {
    for proof in [None, Some(Digest::of(&[b"proof"]))] {
        let content = Content::profile(SALT, "Ana Müller", proof);
        let read = Content::decode(&content.encode()).unwrap();
        assert_eq!(
            read.body,
            Body::Profile(Profile {
                name: "Ana Müller".into(),
                proof
            })
        );
    }
}

#[test]
fn a_profile_whose_name_breaks_the_rules_is_not_believed() {
    for name in ["", "A\u{202E}nna", &"a".repeat(65)] {
        let read = Content::decode(&Content::profile(SALT, name, None).encode()).unwrap();
        assert_eq!(
            read.body,
            Body::Unknown {
                content_type: Some(PROFILE.into())
            },
            "{name:?}"
        );
    }
}

#[test]
fn what_is_not_understood_is_kept_with_its_type() {
    let single = |disposition, content_type: &str| {
        Container::new(SALT, Part::single(disposition, content_type, vec![0xFF]))
    };
    let body = |container: &Container| Content::decode(&container.encode()).unwrap().body;
    let unknown = |name: &str| Body::Unknown {
        content_type: Some(name.into()),
    };
    assert_eq!(
        body(&single(Disposition::RENDER, "image/png")),
        unknown("image/png")
    );
    assert_eq!(
        body(&single(Disposition::RENDER, MARKDOWN)),
        unknown(MARKDOWN),
        "not UTF-8"
    );
    let mut reaction = Container::new(
        SALT,
        Part::single(Disposition::REACTION, MARKDOWN, b"\xE2\x9D\xA4".to_vec()),
    );
    reaction.in_reply_to = Some(MessageId::new([1; 32]));
    assert_eq!(body(&reaction), unknown(MARKDOWN));
    let mut edit = Content::text(SALT, "better").container;
    edit.replaces = Some(MessageId::new([1; 32]));
    assert!(matches!(body(&edit), Body::Unknown { .. }));
    let mut answer = Content::text(SALT, "indeed").container;
    answer.in_reply_to = Some(MessageId::new([1; 32]));
    answer.expires = Some(Expires::AfterReading(60));
    let read = Content::decode(&answer.encode()).unwrap();
    assert_eq!(read.body, Body::Text("indeed".into()));
    assert_eq!(read.container, answer);
    let markdown = Container::new(
        SALT,
        Part::single(Disposition::RENDER, MARKDOWN, b"*hi*".to_vec()),
    );
    assert_eq!(body(&markdown), Body::Text("*hi*".into()));
    let deletion = Container::new(
        SALT,
        Part {
            disposition: Disposition::RENDER,
            language: String::new(),
            body: PartBody::Nothing,
        },
    );
    assert_eq!(body(&deletion), Body::Unknown { content_type: None });
}

#[test]
fn nesting_is_bounded() {
    let wrap = |part: Part| Part {
        disposition: Disposition::RENDER,
        language: String::new(),
        body: PartBody::Multi {
            semantics: Semantics::ProcessAll,
            parts: vec![part.clone(), part],
        },
    };
    let leaf = Part::single(Disposition::RENDER, "text/plain", b"x".to_vec());
    let four = wrap(wrap(wrap(leaf)));
    assert!(Container::decode(&Container::new(SALT, four.clone()).encode()).is_ok());
    assert!(Container::decode(&Container::new(SALT, wrap(four)).encode()).is_err());
}

#[test]
fn extensions_are_kept_as_they_came_and_bounded() {
    let with = |extensions: &[u8]| {
        let mut container = Content::text(SALT, "x").container;
        container.extensions = Opaque::from(extensions.to_vec());
        Content::decode(&container.encode()).map(|content| content.container.extensions)
    };
    for good in [
        &[0xA0][..],
        &[0xA1, 0x01, 0x61, b'a'],
        &[0xA1, 0x20, 0x81, 0x81, 0x81, 0x00],
        &[0xA2, 0x01, 0xF6, 0x61, b'k', 0xA1, 0x41, 0x00, 0xF5],
    ] {
        assert_eq!(with(good).unwrap().as_ref(), good, "{good:02x?}");
    }
    for bad in [
        &[0x80][..],
        &[0xF6],
        &[0xA1, 0x60, 0x00],
        &[0xA1, 0x41, 0x00, 0x00],
        &[0xA1, 0x20, 0x81, 0x81, 0x81, 0x81, 0x00],
        &[0xA2, 0x02, 0x00, 0x01, 0x00],
    ] {
        assert!(with(bad).is_err(), "{bad:02x?}");
    }
}

#[test]
fn other_encodings_and_sizes_are_refused() {
    let bytes = Content::text(SALT, "Hi").encode();
    let mut trailing = bytes.clone();
    trailing.push(0);
    assert!(Content::decode(&trailing).is_err());
    let mut indefinite = bytes.clone();
    indefinite[0] = 0x9F;
    indefinite.push(0xFF);
    assert!(Content::decode(&indefinite).is_err());
    for end in 0..bytes.len() {
        assert!(Content::decode(&bytes[..end]).is_err());
    }
    let large = Container::new(
        SALT,
        Part::single(Disposition::RENDER, "a/b", vec![0; bounds::ENTRY]),
    );
    assert_eq!(
        Container::decode(&large.encode()),
        Err(ContentError::TooLarge)
    );
}

#[test]
fn ids_depend_on_sender_conversation_and_content() {
    let (ana, ben) = (AccountId::new([1; 16]), AccountId::new([2; 16]));
    let bytes = Content::text(SALT, "Hi").encode();
    let id = message_id(RELAY, ana, CONVERSATION, &bytes);
    // a golden value: ids are in databases and in other people's replies
    assert_eq!(
        id.to_hex(),
        "01".to_owned() + &expected_hash(&bytes, ana)[..62]
    );
    assert_ne!(message_id(RELAY, ben, CONVERSATION, &bytes), id);
    assert_ne!(
        message_id(
            RELAY,
            ana,
            CONVERSATION,
            &Content::text([8; 16], "Hi").encode()
        ),
        id
    );
    assert_ne!(
        message_id(RelayId::new([1; 32]), ana, CONVERSATION, &bytes),
        id
    );
    // what is no content has an id too
    assert_ne!(
        message_id(RELAY, ana, CONVERSATION, b""),
        message_id(RELAY, ana, CONVERSATION, b"\x87\x50")
    );
}

fn expected_hash(content: &[u8], sender: AccountId) -> String {
    let (sender, room) = (
        person_uri(RELAY, sender),
        conversation_uri(RELAY, CONVERSATION),
    );
    let length = |text: &str| u16::try_from(text.len()).unwrap().to_be_bytes();
    Digest::of(&[
        &length(&sender),
        sender.as_bytes(),
        &length(&room),
        room.as_bytes(),
        content,
        &SALT,
    ])
    .to_hex()
}

#[test]
fn the_largest_text_fits_an_entry_once_sealed() {
    let (mut alice, mut bob) = alice_and_bob();
    let text = "ä".repeat(MAX_TEXT / 2);
    let content = Content::text(SALT, &text).encode();
    let sealed = alice
        .run(|mls| {
            mls.load(CONVERSATION, 0)
                .unwrap()
                .unwrap()
                .seal(&content, &[])
        })
        .unwrap();
    assert!(sealed.len() <= MAX_SEALED, "{}", sealed.len());
    const { assert!(MAX_SEALED <= bounds::ENTRY) };
    let opened = bob.open(&sealed).unwrap();
    assert!(
        matches!(opened, client_core::crypto::Opened::Content { content: opened, .. } if opened == content)
    );
}

// ---- properties ------------------------------------------------------------------------------------------------------

fn opaque(len: usize) -> impl Strategy<Value = Opaque> {
    prop::collection::vec(any::<u8>(), 0..len).prop_map(Opaque::from)
}

fn external() -> impl Strategy<Value = External> {
    let numbers = (any::<u32>(), any::<u64>(), any::<u16>(), any::<u8>());
    let keys = (opaque(40), opaque(20), opaque(20), opaque(40));
    (
        "[a-z]{1,9}/[a-z]{1,9}",
        ".{0,40}",
        ".{0,20}",
        ".{0,20}",
        numbers,
        keys,
    )
        .prop_map(
            |(
                content_type,
                url,
                description,
                filename,
                (expires, size, algorithm, hash_algorithm),
                (key, nonce, aad, hash),
            )| {
                External {
                    content_type,
                    url,
                    expires,
                    size,
                    algorithm,
                    key,
                    nonce,
                    aad,
                    hash_algorithm,
                    hash,
                    description,
                    filename,
                }
            },
        )
}

fn part() -> impl Strategy<Value = Part> {
    let leaf = prop_oneof![
        proptest::strategy::Just(PartBody::Nothing),
        (
            "[a-z]{1,9}/[a-z;=-]{1,30}",
            prop::collection::vec(any::<u8>(), 0..300)
        )
            .prop_map(|(content_type, content)| PartBody::Single {
                content_type,
                content
            }),
        external().prop_map(|external| PartBody::External(Box::new(external))),
    ];
    let part = |body| {
        (any::<u8>(), "[a-z-]{0,8}", body).prop_map(|(disposition, language, body)| Part {
            disposition: Disposition(disposition),
            language,
            body,
        })
    };
    part(leaf.boxed()).prop_recursive(3, 12, 4, move |inner| {
        let semantics = prop_oneof![
            proptest::strategy::Just(Semantics::ChooseOne),
            proptest::strategy::Just(Semantics::SingleUnit),
            proptest::strategy::Just(Semantics::ProcessAll),
        ];
        let body = (semantics, prop::collection::vec(inner, 2..4))
            .prop_map(|(semantics, parts)| PartBody::Multi { semantics, parts });
        part(body.boxed())
    })
}

fn container() -> impl Strategy<Value = Container> {
    let expires = prop_oneof![
        any::<u32>().prop_map(Expires::AfterReading),
        any::<u32>().prop_map(Expires::At)
    ];
    let id = || prop::option::of(any::<[u8; 32]>().prop_map(MessageId::new));
    (
        any::<[u8; 16]>(),
        id(),
        opaque(40),
        prop::option::of(expires),
        id(),
        part(),
    )
        .prop_map(
            |(salt, replaces, topic, expires, in_reply_to, part)| Container {
                replaces,
                topic,
                expires,
                in_reply_to,
                ..Container::new(salt, part)
            },
        )
}

proptest! {
    #[test]
    fn every_container_comes_back(container in container()) {
        prop_assert_eq!(Container::decode(&container.encode()), Ok(container));
    }

    #[test]
    fn bytes_decode_to_what_encodes_to_the_same_bytes_or_not_at_all(
        container in container(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = container.encode();
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(content) = Content::decode(&bytes) {
            prop_assert_eq!(content.encode(), bytes);
        }
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Content::decode(&bytes).map_or(true, |content| content.encode() == bytes));
        prop_assert_eq!(message_id(RELAY, AccountId::new([1; 16]), CONVERSATION, &bytes).as_bytes()[0], 1);
    }
}
