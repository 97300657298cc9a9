//! What must be true in the end, kept beside the run by its rules alone.

use std::collections::{BTreeMap, BTreeSet};

use client_core::model::{Message, MessageKind};

use crate::chance::Chance;

/// In every text and every name, and nowhere else: the relay must never have seen it.
pub(crate) const SECRET: &str = "Quince";

/// One of two accounts, and the other.
pub(crate) type Side = (usize, usize);

/// What is owed of an accepted text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Both devices show it, once.
    Due,
    /// Either may lack it: a block, a decline or a lost disk came between. Whoever shows it shows it once.
    Doubtful,
}

/// A text that an app accepted.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) fate: Fate,
}

/// What two people did about each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pair {
    /// One of them opened a link of the other.
    pub(crate) met: bool,
    /// Who asked without a link.
    pub(crate) asked: BTreeSet<usize>,
    /// The other accepted.
    pub(crate) accepted: bool,
    /// There was a decline or a block: what reached whom depends on who was faster.
    pub(crate) loose: bool,
    /// Who declined, where nobody tried again since.
    pub(crate) apart: Option<usize>,
}

impl Pair {
    /// Whether both may write in the end.
    pub(crate) fn is_open(&self) -> bool {
        self.met || self.accepted || self.asked.len() == 2
    }
}

/// One account's block of another.
#[derive(Clone, Debug)]
struct Block {
    /// What was on the blocker's screen of the other when the block began.
    shown: Vec<String>,
    /// The block is over here, but perhaps not at the relay.
    ended: bool,
}

/// What was asked for and accepted.
#[derive(Default)]
pub(crate) struct Model {
    /// Accepted texts, by writer and reader, in the order of acceptance.
    texts: BTreeMap<Side, Vec<Text>>,
    /// Texts of the other that were on the screen when they were marked as read.
    read: BTreeMap<Side, BTreeSet<String>>,
    /// By the two accounts, the smaller first.
    pairs: BTreeMap<Side, Pair>,
    /// By who blocks and who is blocked.
    blocks: BTreeMap<Side, Block>,
    /// Accounts whose device lost something that it had, so that it is sent again and shown later.
    lossy: BTreeSet<usize>,
    /// Those of them whose disk went back in time: they do not know what was read.
    forgetful: BTreeSet<usize>,
    /// Texts that had been accepted when the relay was put back as it was.
    before_lapse: BTreeMap<Side, usize>,
    lapsed: bool,
    /// Accounts that let others see what they read, at least for a while.
    receipts_off: BTreeSet<usize>,
}

fn pair_of((one, other): Side) -> Side {
    (one.min(other), one.max(other))
}

impl Model {
    /// Two accounts have to have a conversation: one opened a link of the other.
    pub(crate) fn meet(&mut self, one: usize, other: usize) {
        let pair = self.pairs.entry(pair_of((one, other))).or_default();
        pair.met = true;
        pair.apart = None;
    }

    /// Somebody asks somebody.
    pub(crate) fn asked(&mut self, (who, whom): Side) {
        let pair = self.pairs.entry(pair_of((who, whom))).or_default();
        pair.asked.insert(who);
        // whoever was declined may ask as often as it wants
        pair.apart = pair.apart.filter(|decliner| *decliner != who);
    }

    pub(crate) fn accepted_request(&mut self, side: Side) {
        self.pairs.entry(pair_of(side)).or_default().accepted = true;
    }

    /// The conversation is gone for who declined, and nothing is owed of what was written in it.
    pub(crate) fn declined(&mut self, (who, of): Side) {
        let pair = self.pairs.entry(pair_of((who, of))).or_default();
        *pair = Pair {
            loose: true,
            apart: Some(who),
            ..Pair::default()
        };
        for side in [(who, of), (of, who)] {
            self.doubt(side, 0);
            self.read.remove(&side);
        }
        // a block lasts, and there is nothing on the screen any more
        if let Some(block) = self.blocks.get_mut(&(who, of)) {
            block.shown.clear();
        }
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (Side, &Pair)> + '_ {
        self.pairs.iter().map(|(side, pair)| (*side, pair))
    }

    pub(crate) fn pair(&self, side: Side) -> Pair {
        self.pairs.get(&pair_of(side)).cloned().unwrap_or_default()
    }

    /// `side.0` blocks `side.1`, with this on the screen.
    pub(crate) fn block(&mut self, side: Side, shown: Vec<String>) {
        self.pairs.entry(pair_of(side)).or_default().loose = true;
        let from = (side.1, side.0);
        for text in self.texts.entry(from).or_default() {
            if !shown.contains(&text.text) {
                text.fate = Fate::Doubtful;
            }
        }
        // what the blocker wrote and has not sent yet waits for the end of the block
        let block = Block {
            shown,
            ended: false,
        };
        self.blocks.insert(side, block);
    }

    /// The block ends: what is on the screen must be what was there when it began.
    pub(crate) fn unblock(&mut self, side: Side, shown: &[String]) -> Result<(), String> {
        self.check_block(side, shown)?;
        if let Some(block) = self.blocks.get_mut(&side) {
            block.ended = true;
        }
        Ok(())
    }

    /// While a block lasts, nothing of the blocked one is added, unless the blocker's device went back in time: then what was there
    /// before the block comes again.
    pub(crate) fn check_block(&self, side: Side, shown: &[String]) -> Result<(), String> {
        match self.blocks.get(&side) {
            Some(block) if !block.ended && block.shown != shown && !self.is_forgetful(side.0) => {
                Err(format!(
                    "{} shows something that {} wrote while blocked",
                    side.0, side.1
                ))
            }
            _ => Ok(()),
        }
    }

    /// The relay knows that a block is over: what is accepted from now on arrives.
    pub(crate) fn block_is_over(&mut self, side: Side) {
        if self.blocks.get(&side).is_some_and(|block| block.ended) {
            self.blocks.remove(&side);
        }
    }

    /// Whether `side.0` blocks `side.1`, as far as the person can tell.
    pub(crate) fn is_blocked(&self, side: Side) -> bool {
        self.blocks.get(&side).is_some_and(|block| !block.ended)
    }

    /// A device lost something: what it missed is sent again, and shown in another place.
    pub(crate) fn lose(&mut self, who: usize) {
        self.lossy.insert(who);
    }

    /// A device went back in time.
    pub(crate) fn go_back(&mut self, who: usize) {
        self.lose(who);
        self.forgetful.insert(who);
    }

    /// The relay goes back in time and counts again from where it was: of what was written before, it says "delivered" only once
    /// the stream is as long as it was.
    pub(crate) fn lapse(&mut self) {
        self.lapsed = true;
        let texts = self.texts.iter();
        self.before_lapse = texts.map(|(side, texts)| (*side, texts.len())).collect();
    }

    /// Whether the relay ever went back in time without saying so.
    pub(crate) const fn has_lapsed(&self) -> bool {
        self.lapsed
    }

    /// Whether a text was written before the relay went back in time.
    pub(crate) fn is_before_lapse(&self, side: Side, text: &str) -> bool {
        let before = self.before_lapse.get(&side).copied().unwrap_or(0);
        let mut written = self.texts(side).iter().take(before);
        written.any(|written| written.text == text)
    }

    pub(crate) fn is_forgetful(&self, who: usize) -> bool {
        self.forgetful.contains(&who)
    }

    /// Whether a device lost something, so that something may never have arrived there.
    pub(crate) fn has_lost(&self, who: usize) -> bool {
        self.lossy.contains(&who)
    }

    pub(crate) fn is_lossy(&self, (one, other): Side) -> bool {
        self.lossy.contains(&one) || self.lossy.contains(&other)
    }

    /// Nothing is owed any more of what was accepted after the first `kept` texts.
    pub(crate) fn doubt(&mut self, side: Side, kept: usize) {
        for text in self.texts.entry(side).or_default().iter_mut().skip(kept) {
            text.fate = Fate::Doubtful;
        }
    }

    /// An app accepted a text; `connected`: the other's device is where it has to arrive.
    pub(crate) fn accepted(&mut self, side: Side, text: String, connected: bool) {
        let blocked = self.blocks.contains_key(&(side.1, side.0));
        let fate = if blocked || !connected {
            Fate::Doubtful
        } else {
            Fate::Due
        };
        self.texts
            .entry(side)
            .or_default()
            .push(Text { text, fate });
    }

    pub(crate) fn texts(&self, side: Side) -> &[Text] {
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

    /// Whether `side.0` ever marked a text of `side.1` as read.
    pub(crate) fn has_read(&self, side: Side, text: &str) -> bool {
        self.read.get(&side).is_some_and(|read| read.contains(text))
    }

    /// Somebody hides what it reads from here on; it may have told of it before.
    pub(crate) fn hide_receipts(&mut self, who: usize) {
        self.receipts_off.insert(who);
    }

    /// Whether both let each other see what they read, all the time.
    pub(crate) fn tell_receipts(&self, (one, other): Side) -> bool {
        !self.receipts_off.contains(&one) && !self.receipts_off.contains(&other)
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
