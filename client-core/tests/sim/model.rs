//! What must be true in the end, kept beside the run by its rules alone.

use std::collections::{BTreeMap, BTreeSet};

use client_core::model::{Message, MessageKind};

use crate::chance::Chance;

/// In every text and every name, and nowhere else: the relay must never have seen it.
pub(crate) const SECRET: &str = "Quince";

/// One of two accounts, and the other.
pub(crate) type Side = (usize, usize);

/// What was asked for and accepted.
#[derive(Default)]
pub(crate) struct Model {
    /// Accepted texts, by writer and reader, in the order of acceptance.
    texts: BTreeMap<Side, Vec<String>>,
    /// Texts of the other that were on the screen when they were marked as read.
    read: BTreeMap<Side, BTreeSet<String>>,
    /// Who has to have a conversation, the smaller first.
    pairs: BTreeSet<Side>,
}

impl Model {
    /// Two accounts have to have a conversation.
    pub(crate) fn meet(&mut self, one: usize, other: usize) {
        self.pairs.insert((one.min(other), one.max(other)));
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = Side> + '_ {
        self.pairs.iter().copied()
    }

    pub(crate) fn accepted(&mut self, side: Side, text: String) {
        self.texts.entry(side).or_default().push(text);
    }

    pub(crate) fn texts(&self, side: Side) -> &[String] {
        self.texts.get(&side).map_or(&[], Vec::as_slice)
    }

    /// `who` marked as read what `shown` holds up to a position.
    pub(crate) fn marked(&mut self, side: Side, shown: &[Message], position: i64) {
        let read = self.read.entry(side).or_default();
        let of_other = |message: &&Message| {
            message.outgoing.is_none()
                && message.kind == MessageKind::Text
                && message.position <= position
        };
        read.extend(
            shown
                .iter()
                .filter(of_other)
                .map(|message| message.text.clone()),
        );
    }

    /// How many texts `side.0` has not read of `side.1`.
    pub(crate) fn unread(&self, side: Side) -> usize {
        let sent = self.texts((side.1, side.0)).len();
        sent - self.read.get(&side).map_or(0, BTreeSet::len)
    }

    /// A text that nobody wrote before.
    pub(crate) fn next_text(&self, side: Side, chance: &mut Chance) -> String {
        let number = self.texts(side).len();
        let length = match chance.below(100) {
            0..=84 => chance.below(60),
            85..=97 => chance.below(1500),
            _ => chance.below(7000),
        };
        let filler = "ñandú 🙂 wörd ".chars().cycle();
        let filler: String = filler
            .take(usize::try_from(length).expect("short"))
            .collect();
        format!("{SECRET} {number} of {} to {}: {filler}", side.0, side.1)
    }
}
