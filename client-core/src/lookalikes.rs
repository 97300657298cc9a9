//! Names that look like another's: who reads "Аna" with a Cyrillic А takes it for Ana.

use std::collections::BTreeMap;

use unicode_normalization::char::canonical_combining_class;
use unicode_security::skeleton;

use crate::model::{Conversation, ConversationKey, Standing};

/// The conversations whose name looks like that of a contact, with the name of that contact.
///
/// Two names look alike where their skeletons by Unicode's UTS 39 are the same, as written or in small letters, whatever accents
/// stand on them: "Luís" is read as "Luis". A contact is somebody whom the person accepted or asked; who only asks, or is blocked, lends no name to be taken for.
#[must_use]
pub fn look_alikes(conversations: &[Conversation]) -> BTreeMap<ConversationKey, String> {
    let mut contacts: BTreeMap<String, Vec<&Conversation>> = BTreeMap::new();
    for contact in conversations.iter().filter(|row| is_contact(row)) {
        for form in forms(&contact.title) {
            contacts.entry(form).or_default().push(contact);
        }
    }
    let other = |row: &Conversation| {
        forms(&row.title)
            .iter()
            .filter_map(|form| contacts.get(form))
            // two are enough to find one who is another
            .flat_map(|alike| alike.iter().take(2))
            .find(|contact| contact.peer != row.peer)
            .map(|contact| (row.key, contact.title.clone()))
    };
    conversations.iter().filter_map(other).collect()
}

const fn is_contact(row: &Conversation) -> bool {
    !row.blocked && matches!(row.standing, Standing::Open | Standing::Asked)
}

/// What is compared of a name: a capital I looks like a small l, and "ANA" reads like "Ana".
fn forms(name: &str) -> Vec<String> {
    if name.is_empty() {
        return Vec::new();
    }
    let mut forms = vec![
        without_accents(skeleton(name)),
        without_accents(skeleton(&name.to_lowercase())),
    ];
    forms.dedup();
    forms
}

/// A skeleton is decomposed, so an accent, a dot or a stroke is a mark of its own. The marks of the classes 7 to 9 stay: the
/// voicing of kana, nuktas and viramas make another letter, which nobody overlooks.
fn without_accents(skeleton: impl Iterator<Item = char>) -> String {
    skeleton
        .filter(|letter| matches!(canonical_combining_class(*letter), 0 | 7..=9))
        .collect()
}

#[cfg(test)]
mod tests {
    use protocol::AccountId;

    use super::*;
    use crate::model::ConversationState;

    fn row(key: u8, title: &str, standing: Standing) -> Conversation {
        Conversation {
            key: ConversationKey(key.into()),
            peer: AccountId::new([key; 16]),
            title: title.to_owned(),
            state: ConversationState::Established,
            draft: String::new(),
            unread: 0,
            first_unread: None,
            last_message: None,
            last_activity: 0,
            standing,
            blocked: false,
            texts_left: None,
            verified: false,
            presence: None,
            typing: false,
            held_until: None,
        }
    }

    #[test]
    fn who_asks_under_the_name_of_a_contact_is_pointed_out_and_the_contact_is_not() {
        for impostor in ["Аna", "ANA", "ana", "Αna", "Ana"] {
            let list = [
                row(1, "Ana", Standing::Open),
                row(2, impostor, Standing::Requested),
            ];
            let found = look_alikes(&list);
            assert_eq!(
                found.into_iter().collect::<Vec<_>>(),
                [(ConversationKey(2), "Ana".to_owned())],
                "{impostor}"
            );
        }
    }

    #[test]
    fn letters_that_look_like_others_in_one_case_only_are_found_too() {
        let list = [
            row(1, "Iris", Standing::Asked),
            row(2, "lris", Standing::Open),
        ];
        assert_eq!(look_alikes(&list).len(), 2);
    }

    #[test]
    fn an_accent_makes_no_other_name() {
        for (contact, impostor) in [
            ("Luis", "Luís"),
            ("Luís", "Luis"),
            ("Luis", "LUI\u{301}S"),
            ("Luis", "Lụis"),
            ("Søren", "Soren"),
            ("Сергей", "Сергеи"),
        ] {
            let list = [
                row(1, contact, Standing::Open),
                row(2, impostor, Standing::Requested),
            ];
            assert_eq!(look_alikes(&list).len(), 1, "{contact} {impostor}");
        }
        // another letter, not the same one with a mark
        let list = [
            row(1, "かき", Standing::Open),
            row(2, "がき", Standing::Requested),
        ];
        assert_eq!(look_alikes(&list), BTreeMap::new());
    }

    #[test]
    fn other_names_no_names_and_names_of_the_blocked_are_nobodys() {
        let mut list = vec![
            row(1, "Ana", Standing::Open),
            row(2, "Anna", Standing::Requested),
            row(3, "", Standing::Open),
            row(4, "", Standing::Requested),
            row(5, "Luis", Standing::Open),
            row(6, "Luis", Standing::Requested),
        ];
        list[4].blocked = true;
        assert_eq!(look_alikes(&list), BTreeMap::new());
    }
}
