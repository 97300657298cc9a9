//! The names of people, conversations and messages that MIMI content works with.

use data_encoding::BASE32_NOPAD;
use protocol::{AccountId, ConversationId, Digest, MessageId, RelayId};

/// The hash algorithm that a message's id starts with: SHA-256 in IANA's registry of named information.
const SHA_256: u8 = 1;

/// `mimi://RELAY/u/ACCOUNT`, both as lower-case base32 of their ids, so that no name depends on an address.
#[must_use]
pub fn person_uri(relay: RelayId, account: AccountId) -> String {
    format!(
        "mimi://{}/u/{}",
        base32(relay.as_bytes()),
        base32(account.as_bytes())
    )
}

/// `mimi://RELAY/g/CONVERSATION`, as in [`person_uri`].
#[must_use]
pub fn conversation_uri(relay: RelayId, conversation: ConversationId) -> String {
    format!(
        "mimi://{}/g/{}",
        base32(relay.as_bytes()),
        base32(conversation.as_bytes())
    )
}

/// The id of a message: 1, then the first 31 bytes of SHA-256 over sender and conversation (each with its length before it),
/// the content and its salt.
///
/// Sender and conversation are what MLS authenticated, never what the content says of itself. Bytes that are no content have
/// an id too, computed as if their salt were empty.
#[must_use]
pub fn message_id(
    relay: RelayId,
    sender: AccountId,
    conversation: ConversationId,
    content: &[u8],
) -> MessageId {
    hash(
        &person_uri(relay, sender),
        &conversation_uri(relay, conversation),
        content,
    )
}

fn hash(sender: &str, room: &str, content: &[u8]) -> MessageId {
    // an array of seven that starts with 16 bytes
    let salt = content
        .strip_prefix(&[0x87, 0x50])
        .and_then(|rest| rest.get(..16))
        .unwrap_or_default();
    let digest = Digest::of(&[
        &length(sender),
        sender.as_bytes(),
        &length(room),
        room.as_bytes(),
        content,
        salt,
    ]);
    let mut id = [SHA_256; MessageId::LEN];
    for (to, from) in id.iter_mut().skip(1).zip(digest.as_bytes()) {
        *to = *from;
    }
    MessageId::new(id)
}

/// A big-endian u16. Our names have some 90 bytes.
fn length(text: &str) -> [u8; 2] {
    u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes()
}

fn base32(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_base32_of_ids() {
        assert_eq!(
            person_uri(RelayId::new([0; 32]), AccountId::new([255; 16])),
            format!("mimi://{}/u/{}4", "a".repeat(52), "7".repeat(25)),
        );
        let uri = conversation_uri(RelayId::new([1; 32]), ConversationId::new([2; 16]));
        assert_eq!(
            uri,
            "mimi://aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaq/g/aibaeaqcaibaeaqcaibaeaqcai"
        );
    }

    #[test]
    fn an_id_is_a_marked_hash_of_names_content_and_salt() {
        // computed apart, by the formula of the draft
        let content = [&[0x87, 0x50][..], &[7; 16], b"rest"].concat();
        let mut input = vec![0, 3];
        input.extend(b"a/b");
        input.extend([0, 1]);
        input.extend(b"c");
        input.extend(&content);
        input.extend([7; 16]);
        let digest = Digest::of(&[&input]);
        let id = hash("a/b", "c", &content);
        assert_eq!(id.as_bytes()[0], 1);
        assert_eq!(id.as_bytes()[1..], digest.as_bytes()[..31]);
        assert_ne!(hash("a/", "bc", &content), id);
    }
}
