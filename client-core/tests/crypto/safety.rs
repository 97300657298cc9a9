//! Safety numbers: the same for both, for ever.

use std::sync::LazyLock;

use client_core::crypto::{Comparison, SafetyNumber, safety_number};
use proptest::prelude::{prop_assert_ne, proptest};
use protocol::{AccountId, Key};

use crate::people::Person;

fn account(byte: u8) -> (AccountId, Key) {
    let root_key = Key::new([byte; 32]);
    (AccountId::of_root_key(&root_key), root_key)
}

fn number(one: u8, other: u8) -> SafetyNumber {
    let (one, other) = (account(one), account(other));
    SafetyNumber::of((one.0, &one.1), (other.0, &other.1))
}

/// Computed apart from this code. People have compared them: they never change.
#[test]
fn the_digits_of_an_account_stay_the_same() {
    for (byte, digits) in [
        (1, "741059768887547177566786375694"),
        (2, "943060002217224744031309157073"),
        (3, "496300522432490377310660091081"),
    ] {
        let (account, root_key) = account(byte);
        assert_eq!(safety_number(account, &root_key), digits);
    }
}

#[test]
fn both_people_see_the_same_number() {
    let expected = "741059768887547177566786375694943060002217224744031309157073";
    assert_eq!(number(1, 2).digits(), expected);
    assert_eq!(number(2, 1), number(1, 2));
    assert_eq!(
        number(1, 3).digits(),
        "496300522432490377310660091081741059768887547177566786375694",
        "the lower half first"
    );
    assert_eq!(
        number(1, 2).to_string(),
        "74105 97688 87547 17756 67863 75694 94306 00022 17224 74403 13091 57073"
    );
}

#[test]
fn the_number_outlives_the_devices() {
    let alice = Person::new(1);
    let tablet = crate::hostile::second_device(&alice, 12);
    let number = |person: &Person| safety_number(person.keys.account(), &person.keys.root_public());
    assert_eq!(number(&alice), number(&tablet));
}

#[test]
fn numbers_are_compared_however_they_were_copied() {
    let number = number(1, 2);
    let shown = number.to_string();
    for text in [
        number.digits().to_owned(),
        number.to_qr_text(),
        shown.clone(),
        format!("\n {shown}\r\n"),
        shown.replace(' ', "\n"),
        shown.replace(' ', "\u{a0}"),
        shown.replace(' ', "-"),
        shown.replace(' ', ""),
    ] {
        assert_eq!(number.compare(&text), Comparison::Same, "{text}");
    }
}

#[test]
fn another_number_is_different_and_no_number_is_unreadable() {
    let number = number(1, 2);
    let other = self::number(1, 3);
    for text in [other.to_string(), other.to_qr_text()] {
        assert_eq!(number.compare(&text), Comparison::Different);
    }
    let mut off_by_one = number.digits().to_owned();
    off_by_one.replace_range(59.., "4");
    assert_eq!(number.compare(&off_by_one), Comparison::Different);

    let digits = number.digits();
    for text in [
        String::new(),
        digits[..59].to_owned(),
        digits[..30].to_owned(),
        format!("{digits}0"),
        digits.replace('7', "x"),
        digits.replace('7', "٧"),
        format!("relevo:i#{digits}"),
        format!("{}{digits}", " 0".repeat(200)),
        format!("my number: {digits}"),
    ] {
        assert_eq!(number.compare(&text), Comparison::Unreadable, "{text}");
    }
}

/// Computed once, as it takes its time.
static NUMBER: LazyLock<SafetyNumber> = LazyLock::new(|| number(1, 2));

proptest! {
    #[test]
    fn whatever_is_pasted_it_is_not_the_same(text in ".{0,300}") {
        prop_assert_ne!(NUMBER.compare(&text), Comparison::Same);
    }
}
