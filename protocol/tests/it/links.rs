//! Links and addresses: what people paste.

use data_encoding::BASE64URL_NOPAD;
use proptest::{collection::vec, prelude::any, prop_assert_eq, proptest, sample::Index};
use protocol::{AccountId, Address, ConversationId, Link, LinkError, LinkSecret, bounds, cbor};

use crate::{
    samples::{account, contact, conversation, invite, secret},
    strategies::{address, link},
    tree::Node,
};

proptest! {
    #[test]
    fn both_forms_of_a_link_say_the_same(link in link()) {
        prop_assert_eq!(link.to_https().parse::<Link>(), Ok(link.clone()));
        prop_assert_eq!(link.to_app().parse::<Link>(), Ok(link.clone()));
        prop_assert_eq!(format!(" \n{}\t", link.to_app()).parse::<Link>(), Ok(link));
    }

    #[test]
    fn a_changed_link_never_panics_and_has_one_fragment(link in link(), app in any::<bool>(), position in any::<Index>(), with in any::<char>()) {
        let text = if app { link.to_app() } else { link.to_https() };
        let mut chars: Vec<char> = text.chars().collect();
        let position = position.index(chars.len());
        chars[position] = with;
        let changed: String = chars.into_iter().collect();
        if let Ok(link) = changed.parse::<Link>() {
            let fragment = changed.split_once('#').unwrap().1.trim();
            let again = link.to_app();
            prop_assert_eq!(again.split_once('#').unwrap().1, fragment);
            prop_assert_eq!(again.parse::<Link>(), Ok(link));
        }
    }

    #[test]
    fn a_link_that_was_cut_off_is_not_accepted(link in link(), len in any::<Index>()) {
        let text = link.to_app();
        assert!(text[..len.index(text.len())].parse::<Link>().is_err());
    }

    #[test]
    fn garbage_is_not_a_link(text in "\\PC{0,300}", fragment in vec(any::<u8>(), 0..150)) {
        assert!(text.parse::<Link>().is_err());
        let _ = format!("relevo:i#{text}").parse::<Link>();
        let _ = format!("relevo:i#{}", BASE64URL_NOPAD.encode(&fragment)).parse::<Link>();
    }

    #[test]
    fn an_address_is_written_as_it_is_read(address in address()) {
        prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
    }

    #[test]
    fn any_text_is_an_address_or_is_refused(text in "[\\[\\]a-f0-9x:.%+-]{0,40}") {
        if let Ok(address) = text.parse::<Address>() {
            prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
        }
    }
}

#[test]
fn addresses_that_mean_one_place_are_equal() {
    for (text, same, host, port) in [
        (
            "Chat.Example.ORG",
            "chat.example.org:443",
            "chat.example.org",
            443,
        ),
        ("192.0.2.7:08443", "192.0.2.7:8443", "192.0.2.7", 8443),
        ("[2001:DB8:0::1]", "[2001:db8::1]:443", "2001:db8::1", 443),
        ("localhost:1", "LOCALHOST:1", "localhost", 1),
        (
            "xn--bcher-kva.example",
            "xn--bcher-kva.example:443",
            "xn--bcher-kva.example",
            443,
        ),
        ("3dbox", "3dbox:443", "3dbox", 443),
    ] {
        let address: Address = text.parse().unwrap();
        assert_eq!(Ok(&address), same.parse().as_ref(), "{text}");
        assert_eq!((address.host(), address.port()), (host, port), "{text}");
    }
}

#[test]
fn what_is_not_an_address_is_refused() {
    let long_label = "a".repeat(64);
    let long_name = ["a".repeat(60).as_str(); 5].join(".");
    for text in [
        "",
        ":443",
        "host:",
        "host:0",
        "host:65536",
        "host:+443",
        "host:4 3",
        "host:443:1",
        "a b",
        "a..b",
        ".a",
        "a.",
        "-a.example",
        "a-.example",
        "a_b",
        "é.example",
        "user@host",
        "host/path",
        "256.0.0.1",
        "127.1",
        "0x7f.1",
        "1.2.3.4.5",
        "1.2.3.0x4",
        "2130706433",
        "::1",
        "[::1",
        "[]",
        "[::1]443",
        "[::1]:",
        "[fe80::1%eth0]",
        "[127.0.0.1]",
        "[host]",
        &long_label,
        &long_name,
    ] {
        assert_eq!(text.parse::<Address>(), Err(LinkError::Damaged), "{text:?}");
    }
}

#[test]
fn a_link_that_spells_its_address_otherwise_is_refused() {
    for (canonical, spelled) in [
        ("chat.example", "Chat.example"),
        ("chat.example:8443", "chat.example:0843"),
        ("[2001:db8::10]", "[2001:DB8::10]"),
        ("[1:2:3:4:5:6:7:1000]", "[1:2:3:4:5:6:7:0000]"),
    ] {
        let link = Link {
            addresses: vec![canonical.parse().unwrap()],
            ..invite()
        };
        let text = link.to_app();
        let (head, fragment) = text.split_once('#').unwrap();
        let mut bytes = BASE64URL_NOPAD.decode(fragment.as_bytes()).unwrap();
        let mut places = bytes.windows(canonical.len());
        let at = places
            .position(|place| place == canonical.as_bytes())
            .unwrap();
        bytes[at..at + spelled.len()].copy_from_slice(spelled.as_bytes());
        let text = format!("{head}#{}", BASE64URL_NOPAD.encode(&bytes));
        assert_eq!(text.parse::<Link>(), Err(LinkError::Damaged), "{spelled}");
    }
}

#[test]
fn what_browsers_and_desktops_make_of_the_app_form_is_accepted() {
    let text = invite().to_app();
    for head in ["relevo://i#", "relevo://i/#", "relevo:i/#", "relevo:///i#"] {
        assert_eq!(
            text.replace("relevo:i#", head).parse::<Link>(),
            Ok(invite()),
            "{head}"
        );
    }
}

#[test]
fn other_schemes_verbs_and_lengths_are_not_links() {
    let text = invite().to_app();
    for head in [
        "relevo:x#",
        "relevo:#",
        "relevo:ii#",
        "http://h/i#",
        "https://h#",
        "i#",
        "#",
    ] {
        let changed = text.replace("relevo:i#", head);
        assert_eq!(changed.parse::<Link>(), Err(LinkError::NotALink), "{head}");
    }
    let padded = format!("https://{}/i#", "h".repeat(bounds::LINK));
    assert_eq!(padded.parse::<Link>(), Err(LinkError::NotALink));
}

/// The invite's fragment after a change to its CBOR.
fn with_body(change: impl FnOnce(&mut Vec<(Node, Node)>)) -> Result<Link, LinkError> {
    let text = contact().to_app();
    let fragment = text.split_once('#').unwrap().1;
    let mut body = Node::read(&BASE64URL_NOPAD.decode(fragment.as_bytes()).unwrap());
    change(body.map(0).unwrap());
    format!("relevo:c#{}", BASE64URL_NOPAD.encode(&body.write())).parse()
}

#[test]
fn a_link_of_a_newer_version_is_told_from_a_damaged_one() {
    let uint = |value| Node::Plain(0, value);
    assert_eq!(with_body(|_| {}), Ok(contact()));
    assert_eq!(
        with_body(|body| body[0].1 = uint(2)),
        Err(LinkError::TooNew)
    );
    assert_eq!(
        with_body(|body| body[0].1 = uint(300)),
        Err(LinkError::TooNew)
    );
    assert_eq!(
        with_body(|body| body[0].1 = uint(0)),
        Err(LinkError::Damaged)
    );
    let mut newer = vec![(uint(9), uint(9))];
    assert_eq!(
        with_body(|body| {
            body[0].1 = uint(2);
            body.append(&mut newer);
        }),
        Err(LinkError::TooNew)
    );
}

#[test]
fn a_link_has_the_fields_of_its_version_and_no_other() {
    let text = |text: &str| Node::Bytes(3, text.as_bytes().to_vec());
    let damaged = Err(LinkError::Damaged);
    assert_eq!(
        with_body(|body| body.push((Node::Plain(0, 5), text("new")))),
        damaged
    );
    assert_eq!(
        with_body(|body| body[4] = (Node::Plain(0, 5), text("new"))),
        damaged
    );
    assert_eq!(with_body(|body| body[4].1 = Node::Plain(7, 22)), damaged);
    assert_eq!(
        with_body(|body| body[1].1 = Node::Array(Vec::new())),
        damaged
    );
    assert_eq!(
        with_body(|body| body[1].1 = Node::Array(vec![text("h"); 5])),
        damaged
    );
    assert_eq!(
        with_body(|body| body[1].1 = Node::Array(vec![text("no host")])),
        damaged
    );
    assert_eq!(with_body(|body| drop(body.remove(3))), damaged);
    // a contact card without an issuer
    assert_eq!(with_body(|body| drop(body.pop())), damaged);
    let invite: Result<Link, _> = invite().to_app().replace("relevo:i", "relevo:c").parse();
    assert_eq!(invite, damaged);
}

#[test]
fn what_is_derived_from_a_secret_depends_on_all_of_it() {
    let (account, conversation) = (account(), conversation());
    let proof = secret().consent_proof(account, conversation);
    let others = [
        LinkSecret::new([0; 16]).consent_proof(account, conversation),
        secret().consent_proof(AccountId::new([0; 16]), conversation),
        secret().consent_proof(account, ConversationId::new([0; 16])),
    ];
    assert!(others.iter().all(|other| *other != proof));
    assert_ne!(proof.as_bytes(), secret().token().as_bytes());
    assert_ne!(secret().token(), LinkSecret::new([0; 16]).token());
    assert_ne!(
        secret().token().as_bytes(),
        secret().token().stored_hash().as_bytes()
    );
}

#[test]
fn a_secret_is_not_shown() {
    assert_eq!(format!("{:?}", secret()), "LinkSecret(…)");
    assert!(!format!("{:?}", invite()).contains("5e5e"));
    assert!(cbor::encode(&secret().token()).len() == 34);
}
