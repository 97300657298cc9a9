//! The recovery code, as words and as a QR code, and the record that it opens.

use std::{collections::BTreeSet, fs, path::PathBuf};

use client_core::{
    crypto::{
        AccountKeys, RecordError, RecoveryCode, RecoveryCodeError, RecoveryLink, RecoveryRecord,
    },
    seams::SeededRandom,
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};
use protocol::{LinkError, RelayId, bounds};
use zeroize::Zeroizing;

use crate::people::{Person, RELAY};

fn code(byte: u8) -> RecoveryCode {
    RecoveryCode::new(Zeroizing::new([byte; 32]))
}

fn link(addresses: &[&str]) -> RecoveryLink {
    RecoveryLink {
        addresses: addresses.iter().map(|it| it.parse().unwrap()).collect(),
        relay: RELAY,
        code: code(7),
    }
}

// ---- words -----------------------------------------------------------------------------------------------------------

#[test]
fn the_words_are_those_of_bip_39() {
    // test vectors of BIP-39
    for (byte, word, last) in [
        (0, "abandon", "art"),
        (0xff, "zoo", "vote"),
        (
            0x7f,
            "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth",
            "title",
        ),
    ] {
        let words = code(byte).words().join(" ");
        let expected = if word.contains(' ') {
            format!("{word} {last}")
        } else {
            format!("{} {last}", [word; 23].join(" "))
        };
        assert_eq!(words, expected);
        assert_eq!(RecoveryCode::parse(&words), Ok(code(byte)));
    }
}

#[test]
fn words_are_read_as_people_write_them() {
    let words = code(7).words();
    let numbered: Vec<_> = words
        .iter()
        .enumerate()
        .map(|(index, word)| format!("{}. {word}", index + 1))
        .collect();
    for text in [
        words.join(" ").to_uppercase(),
        words.join("\n"),
        words.join(", "),
        words.join("\u{a0}"),
        format!("  {}\t\r\n", words.join("   ")),
        numbered.join("\n"),
    ] {
        assert_eq!(RecoveryCode::parse(&text), Ok(code(7)), "{text}");
    }
}

#[test]
fn a_slip_of_the_pen_is_told_apart() {
    let mut words = code(7).words();
    let parse = |words: &[&str]| RecoveryCode::parse(&words.join(" ")).unwrap_err();
    assert_eq!(parse(&[]), RecoveryCodeError::Count(0));
    assert_eq!(parse(&words[..23]), RecoveryCodeError::Count(23));
    let many = [&words[..], &words[..2]].concat();
    assert_eq!(parse(&many), RecoveryCodeError::Count(25));
    words[4] = "abandom";
    assert_eq!(parse(&words), RecoveryCodeError::UnknownWord(5));
    words[4] = "zoo";
    assert_eq!(parse(&words), RecoveryCodeError::Checksum);
    let error = RecoveryCode::parse("schlüssel").unwrap_err();
    assert_eq!(error, RecoveryCodeError::UnknownWord(1));
    assert_eq!(error.to_string(), "word 1 is not known");
}

#[test]
fn what_derives_from_a_code_stays_the_same() {
    // computed apart from this code
    for (byte, expected) in [
        (
            0,
            "9957fb9c2fd3012d6d9839cb9b9fb78b4d467dd4e4af8830d23aa7bb6ae53f4b",
        ),
        (
            7,
            "f47f6915f3505f2ab0fa05b67d06b3760595f539332b00b64c14d6ac861c3740",
        ),
    ] {
        assert_eq!(code(byte).record_id().to_hex(), expected);
    }
}

#[test]
fn a_code_is_not_shown() {
    let link = link(&["relay.test"]);
    assert_eq!(format!("{:?}", link.code), "RecoveryCode(…)");
    assert!(format!("{link:?}").contains("RecoveryCode(…)"));
}

// ---- QR code ---------------------------------------------------------------------------------------------------------

#[test]
fn a_scanned_code_says_where_the_relay_is() {
    let link = link(&["relay.example.org", "203.0.113.7:8443"]);
    let text = link.to_text();
    assert!(text.starts_with("relevo:r#"));
    assert_eq!(text.parse::<RecoveryLink>().as_ref(), Ok(&link));
    assert_eq!(format!("\n {} ", *text).parse(), Ok(link));
    assert!(text.len() <= bounds::LINK, "{}", text.len());
}

#[test]
fn however_many_and_long_the_addresses_are_the_text_can_be_read() {
    let name = |letter: &str, labels: usize| vec![letter.repeat(62); labels].join(".");
    let [short, long, longest] = ["relay.example.org".to_owned(), name("a", 1), name("b", 4)];
    for (addresses, kept) in [
        (vec![&short; 4], 4),
        (vec![&short; 9], 4),
        (vec![&short, &long, &short], 2),
        (vec![&short, &longest, &short], 1),
        (vec![&longest, &short], 1),
        (vec![&longest; 4], 1),
    ] {
        let addresses: Vec<_> = addresses
            .into_iter()
            .map(|it| format!("{it}:65535"))
            .collect();
        let link = link(&addresses.iter().map(String::as_str).collect::<Vec<_>>());
        let read: RecoveryLink = link.to_text().parse().unwrap();
        assert_eq!(read.addresses, link.addresses[..kept]);
        assert_eq!((read.relay, read.code), (link.relay, link.code));
    }
}

#[test]
fn what_is_not_such_a_code_is_refused() {
    let text = link(&["relay.test"]).to_text();
    let parse = |text: &str| text.parse::<RecoveryLink>().unwrap_err();
    assert_eq!(parse(""), LinkError::NotALink);
    assert_eq!(parse("relevo:i#AAAA"), LinkError::NotALink);
    assert_eq!(
        parse(&text.replace("relevo:r", "https://relay.test/r")),
        LinkError::NotALink
    );
    assert_eq!(
        parse(&format!("{}{}", *text, "A".repeat(512))),
        LinkError::NotALink
    );
    assert_eq!(parse(&text[..text.len() - 4]), LinkError::Damaged);
    assert_eq!(parse(&format!("{}AAAA", *text)), LinkError::Damaged);
    assert_eq!(parse(&link(&[]).to_text()), LinkError::Damaged);

    let mut bytes = BASE64URL_NOPAD.decode(&text.as_bytes()[9..]).unwrap();
    let encode = |bytes: &[u8]| format!("relevo:r#{}", BASE64URL_NOPAD.encode(bytes));
    bytes[2] = 2;
    assert_eq!(parse(&encode(&bytes)), LinkError::TooNew);
    bytes[2] = 0;
    assert_eq!(parse(&encode(&bytes)), LinkError::Damaged);
    bytes[2] = 1;
    // a field more
    bytes[0] += 1;
    bytes.extend([4, 0]);
    assert_eq!(parse(&encode(&bytes)), LinkError::Damaged);
}

proptest! {
    #[test]
    fn every_code_is_read_back(bytes in any::<[u8; 32]>(), port in 1u16..) {
        let code = RecoveryCode::new(Zeroizing::new(bytes));
        prop_assert_eq!(RecoveryCode::parse(&code.words().join(" ")), Ok(code.clone()));
        let addresses = vec![format!("relay.test:{port}").parse().unwrap()];
        let link = RecoveryLink { addresses, relay: RelayId::new(bytes), code };
        prop_assert_eq!(link.to_text().parse(), Ok(link));
    }

    #[test]
    fn noise_is_no_code(text in ".{0,300}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(RecoveryCode::parse(&text).is_err());
        prop_assert!(text.parse::<RecoveryLink>().is_err());
        let text = format!("relevo:r#{}", BASE64URL_NOPAD.encode(&bytes));
        prop_assert!(text.parse::<RecoveryLink>().is_err());
        prop_assert!(RecoveryRecord::open(&code(7), &bytes).is_err());
    }
}

// ---- the record ------------------------------------------------------------------------------------------------------

fn record(person: &mut Person, code: &RecoveryCode) -> Vec<u8> {
    record_with(person, code, "Alice")
}

fn record_with(person: &mut Person, code: &RecoveryCode, name: &str) -> Vec<u8> {
    person
        .keys
        .recovery_record(&mut person.random, code, name)
        .unwrap()
}

#[test]
fn a_record_is_opened_by_its_code_alone() {
    let mut alice = Person::new(1);
    let sealed = record(&mut alice, &code(7));
    assert!(sealed.len() <= bounds::RECORD / 4, "{}", sealed.len());
    let opened = RecoveryRecord::open(&code(7), &sealed).unwrap();
    assert_eq!(
        (opened.account(), opened.relay()),
        (alice.keys.account(), RELAY)
    );
    assert_eq!(
        RecoveryRecord::open(&code(8), &sealed).unwrap_err(),
        RecordError::Unreadable
    );
    // the nonce is fresh each time: the same keys and code make other bytes
    assert_ne!(record(&mut alice, &code(7)), sealed);
}

#[test]
fn a_record_shows_no_key() {
    let mut alice = Person::new(1);
    let sealed = record(&mut alice, &code(7));
    let secret = crate::hostile::Stored::of(&alice);
    for key in [secret.root_key.unwrap(), secret.dsk] {
        assert!(!sealed.windows(32).any(|window| window == key.as_slice()));
    }
    let opened = RecoveryRecord::open(&code(7), &sealed).unwrap();
    let shown = format!("{opened:?}");
    assert!(
        shown.contains(&alice.keys.account().to_hex()) && shown.len() < 100,
        "{shown}"
    );
}

#[test]
fn a_damaged_record_is_refused() {
    let mut alice = Person::new(1);
    let sealed = record(&mut alice, &code(7));
    for position in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[position] ^= 1;
        let error = RecoveryRecord::open(&code(7), &damaged).unwrap_err();
        // byte 2 is the version, which nobody has to hide
        assert!(
            error == RecordError::Unreadable || position == 2,
            "byte {position}"
        );
        assert!(RecoveryRecord::open(&code(7), &sealed[..position]).is_err());
    }
    let mut newer = sealed;
    newer[2] = 2;
    assert_eq!(
        RecoveryRecord::open(&code(7), &newer).unwrap_err(),
        RecordError::TooNew
    );
}

#[test]
fn a_record_keeps_the_name_and_hides_how_long_it_is() {
    let mut alice = Person::new(1);
    let longest = "ñ".repeat(64);
    let family = "👨‍👩‍👧‍👦".repeat(9);
    let lengths: BTreeSet<usize> = ["A", "Alice", "أليس", &longest, &family]
        .map(|name| {
            let sealed = record_with(&mut alice, &code(7), name);
            let opened = RecoveryRecord::open(&code(7), &sealed).unwrap();
            assert_eq!(opened.name(), Some(name));
            sealed.len()
        })
        .into();
    assert_eq!(lengths.len(), 1, "{lengths:?}");
    for none in ["", &"a".repeat(257)] {
        let sealed = record_with(&mut alice, &code(7), none);
        let opened = RecoveryRecord::open(&code(7), &sealed).unwrap();
        assert_eq!(opened.name(), None);
    }
}

/// Written once, and must open for ever. `UPDATE_GOLDEN=1` writes it anew: only ever as an additional file.
#[test]
fn records_written_with_and_without_a_name_restore_their_account() {
    for (file, name) in [("record-1.hex", None), ("record-2.hex", Some("Alice"))] {
        opens_for_ever(file, name);
    }
}

fn opens_for_ever(file: &str, name: Option<&str>) {
    let mut alice = Person::new(1);
    let today = record_with(&mut alice, &code(7), name.unwrap_or_default());
    let today = HEXLOWER.encode(&today);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/crypto/golden");
    let path = folder.join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, format!("{today}\n")).unwrap();
    }
    let golden = fs::read_to_string(path).unwrap();
    assert_eq!(golden.trim(), today);
    let sealed = HEXLOWER.decode(golden.trim().as_bytes()).unwrap();
    let record = RecoveryRecord::open(&code(7), &sealed).unwrap();
    assert_eq!(record.name(), name);
    let mut random = SeededRandom::new(21);
    let (keys, _) = AccountKeys::restored(&record, &alice.keys.manifest(), &mut random, 0).unwrap();
    assert_eq!(keys.root_public(), alice.keys.root_public());
}
