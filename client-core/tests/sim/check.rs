//! The end of a run: it comes to rest, and everything is what it must be.
//!
//! | between two accounts | what holds in the end |
//! |---|---|
//! | always | an app shows as blocked whom its person blocked; nobody is told that somebody may be listening; nobody shows a text twice, or one that was not accepted, or one that cannot be opened, or that something is missing which its writer still has; both are in the same epoch of the same group, with the same members |
//! | nothing was lost | nobody is told that a device came back, that the encryption was set up anew or that the relay went back |
//! | nothing was lost, nobody declined or blocked | both show every accepted text, in one order, which is the order of acceptance |
//! | a decline or a block | each shows the others in one order; what was accepted after a block ended is shown; while it lasted nothing was added, and what the blocker had not sent waits, shown as queued; who declined has no conversation |
//! | the relay was put back as it was | of what was written before, "delivered" is not owed: the relay counts the same positions again, and says nothing of those that it has not reached; nor are order, what is unread and what was read, for all of them go by positions |
//! | a device lost keys or went back in time | both show every text that the device still had or the other one; those that did not have to be sent again are in one order, and so are the others, save where the writer went back in time, who sends them again chain by chain; they are shown as read by the other only where they were; what is unread is counted, save where the device forgot what was read; something is missing only where both lost something, and the writer what it wrote |
//! | both read to the end | nothing is unread, and each sees all that it sent as read, unless one of them hides that |

use std::{collections::BTreeSet, time::Duration};

use client_core::{
    crypto::{AccountKeys, Mls},
    model::{ConversationState, Message, MessageKind, OutgoingState, Standing, SystemEvent},
    seams::SeededRandom,
    store::{account as account_row, conversations},
};
use protocol::MessageId;

use crate::{
    account::{self, Account},
    chance::Chance,
    model::{Fate, Pair, SECRET, Side},
    world::{Verdict, World},
};

/// How long a healed world may take to come to rest. The longest pauses of a client are ten minutes.
const REST_WITHIN: Duration = Duration::from_secs(60 * 60);
/// A receipt waits two seconds at most, and travels.
const RECEIPTS_WITHIN: Duration = Duration::from_secs(20);
/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(2);

impl World {
    /// Heals everything, waits for rest, lets everybody say a last word, and checks all that must be true.
    pub(crate) async fn settle(&mut self) -> Verdict {
        self.heal();
        self.come_to_rest().await?;
        self.accept_known();
        self.come_to_rest().await?;
        // what is missing at the end of a stream shows when something follows
        let sides: Vec<Side> = self
            .model
            .pairs()
            .flat_map(|((one, other), _)| [(one, other), (other, one)])
            .filter(|side| self.may_write(*side))
            .collect();
        for side in sides {
            let mut chance = Chance::new(self.seed, "last words", side.0 as u64);
            self.write(side, 1, &mut chance)?;
        }
        self.come_to_rest().await?;
        let pairs: Vec<(Side, Pair)> = self
            .model
            .pairs()
            .map(|(side, pair)| (side, pair.clone()))
            .collect();
        for ((one, other), pair) in pairs {
            self.check_pair(one, other, &pair)
                .map_err(|problem| format!("{one} and {other}: {problem}"))?;
        }
        self.read_all().await?;
        self.host.stop().await;
        match self.host.find(SECRET.as_bytes()) {
            Some(path) => Err(format!("{} holds a text or a name", path.display())),
            None => Ok(()),
        }
    }

    /// Everybody reads to the end: nothing is unread then, and whoever is told sees that all was read, whatever was lost.
    async fn read_all(&mut self) -> Verdict {
        let sides: Vec<Side> = self
            .model
            .pairs()
            .flat_map(|((one, other), _)| [(one, other), (other, one)])
            .filter(|side| self.may_write(*side))
            .collect();
        for (who, with) in &sides {
            self.read_to(*who, *with, 0);
        }
        self.come_to_rest().await?;
        self.advance(self.time.now() + RECEIPTS_WITHIN).await?;
        self.come_to_rest().await?;
        for side in sides {
            let Some(view) = self.view(side) else {
                continue;
            };
            let view = view?;
            same("unread in the end", &view.unread, &0)?;
            let sent = |state| matches!(state, OutgoingState::Sent | OutgoingState::Delivered);
            // what went into a conversation that ended stays as it was
            let unseen = view
                .messages
                .iter()
                .find(|(_, message)| message.position >= 0 && message.outgoing.is_some_and(sent));
            if let Some((_, message)) = unseen
                && self.model.tell_receipts(side)
                && self.may_write((side.1, side.0))
            {
                return Err(format!(
                    "{} read all, and {} sees {:?} at {} as {:?}",
                    side.1,
                    side.0,
                    start(&message.text),
                    message.position,
                    message.outgoing
                ));
            }
        }
        Ok(())
    }

    async fn come_to_rest(&mut self) -> Verdict {
        let end = self.time.now() + REST_WITHIN;
        loop {
            loop {
                self.adopt_blocks()?;
                let Some(why) = self.unrest() else {
                    break;
                };
                if self.time.now() > end {
                    return Err(format!("it does not come to rest: {why}"));
                }
                self.advance(self.time.now() + LOOK).await?;
            }
            // whatever would come twice comes now, and whatever follows from what came
            self.advance(self.time.now() + LOOK * 2).await?;
            self.adopt_blocks()?;
            if self.unrest().is_none() {
                return Ok(());
            }
        }
    }

    /// Whether both have the same conversation, and the first one may write to the other, who will see it.
    pub(crate) fn may_write(&self, (who, to): Side) -> bool {
        let open = |(who, with): Side| {
            let key = self.conversation(who, with)?;
            let app = self.accounts[who].app.as_ref()?;
            let row = conversations::row(&app.reader, key).expect("read a conversation");
            (row.state == ConversationState::Established
                && row.standing == Standing::Open
                && !self.model.is_blocked((who, with)))
            .then_some(row.conversation)
        };
        let one = open((who, to));
        one.is_some() && one == open((to, who))
    }

    fn check_pair(&self, one: usize, other: usize, pair: &Pair) -> Verdict {
        let sides = [(one, other), (other, one)];
        for side in sides {
            self.model.check_block(side, &self.shown(side))?;
            let (shown, blocked) = (self.shows_blocked(side), self.model.is_blocked(side));
            if shown.is_some_and(|shown| shown != blocked) {
                return Err(format!(
                    "{} blocks {}: {blocked}, and its app shows {shown:?}",
                    side.0, side.1
                ));
            }
        }
        if let Some(decliner) = pair.apart {
            let of = if decliner == one { other } else { one };
            return match self.conversation(decliner, of) {
                Some(_) => Err(format!("{decliner} declined and has a conversation")),
                None => Ok(()),
            };
        }
        let views = sides.map(|side| self.view(side));
        // who went back in time may not know any more that it opened a link
        let unopened = views.iter().all(Option::is_none)
            && sides.iter().any(|(who, _)| self.model.is_forgetful(*who));
        let [Some(left), Some(right)] = views else {
            // a decline, or a block, may have come before everything
            return if pair.loose || unopened {
                Ok(())
            } else {
                Err("one of them has no conversation".to_owned())
            };
        };
        let (left, right) = (left?, right?);
        if pair.loose && left.group.id != right.group.id {
            // the one who was declined keeps what it wrote
            return Ok(());
        }
        if !pair.loose {
            check_standing(pair, (one, &left), (other, &right))?;
            for (view, side) in [(&left, sides[0]), (&right, sides[1])] {
                if view.standing != Standing::Asked {
                    same("title", &view.title, &self.accounts[side.1].name)?;
                }
            }
        }
        if left.is_established() && right.is_established() {
            // who lost its group finds out by what is written, and nothing is while the two may not write to each other
            if !self.model.is_lossy((one, other)) || !self.is_mute((one, other)) {
                same("groups", &left.group, &right.group)?;
            }
        }
        self.check_texts((one, &left), (other, &right))?;
        if pair.is_open() && !pair.loose {
            self.check_receipts((one, &left), (other, &right))?;
        }
        Ok(())
    }

    /// Each text is shown once, in the same place, wherever it has to be.
    fn check_texts(&self, (one, left): (usize, &View), (other, right): (usize, &View)) -> Verdict {
        let lossy = self.model.is_lossy((one, other));
        let of = |view: &View, writer: usize| -> Vec<(String, i64)> {
            let texts = view.messages.iter().filter(|(of, message)| {
                *of == writer && message.outgoing != Some(OutgoingState::Failed)
            });
            texts
                .map(|(_, message)| (message.text.clone(), message.position))
                .collect()
        };
        for (writer, reader, own, others) in [(one, other, left, right), (other, one, right, left)]
        {
            let accepted = self.model.texts((writer, reader));
            // what somebody had not sent when a block of its own began waits for the end of that
            let waiting = own.texts_in(writer, OutgoingState::Queued);
            // where somebody set the clock, a text may seem so old that the person is asked whether it shall still go out
            let asked = if self.accounts[writer].clocks.was_set() {
                own.texts_in(writer, OutgoingState::Failed)
            } else {
                BTreeSet::new()
            };
            let blocks = self.model.is_blocked((writer, reader));
            let (own, others) = (of(own, writer), of(others, writer));
            if !lossy && let Some((text, _)) = others.iter().find(|(it, _)| waiting.contains(it)) {
                let text = start(text);
                return Err(format!("{reader} shows {text:?}, which waits at {writer}"));
            }
            for (whose, shown) in [(writer, &own), (reader, &others)] {
                let distinct: BTreeSet<&String> = shown.iter().map(|(text, _)| text).collect();
                if distinct.len() != shown.len() {
                    return Err(format!("{whose} shows a text of {writer} twice"));
                }
                // what is lost is asked for, and whoever may not write gets no answer
                if lossy && self.is_mute((one, other)) {
                    continue;
                }
                let waits = |text: &String| whose == reader && blocks && waiting.contains(text);
                let mut missing = accepted.iter().filter(|text| {
                    text.fate == Fate::Due
                        && !distinct.contains(&text.text)
                        && !waits(&text.text)
                        && !asked.contains(&text.text)
                });
                if let Some(first) = missing.next() {
                    let last = missing.next_back();
                    return Err(format!(
                        "{whose} shows {} of {} texts of {writer}, without {:?} and {} others up to {:?}",
                        shown.len(),
                        accepted.len(),
                        start(&first.text),
                        missing.count() + usize::from(last.is_some()),
                        last.map(|last| start(&last.text)),
                    ));
                }
            }
            // those that were not sent again have one place, the same on both sides
            let placed: Vec<&String> = own
                .iter()
                .filter(|text| others.contains(text))
                .map(|(text, _)| text)
                .collect();
            let both = own
                .iter()
                .filter(|(text, _)| others.iter().any(|(other, _)| other == text));
            if !lossy && placed.len() < both.count() {
                return Err(format!("the two see texts of {writer} in another order"));
            }
            // and so have those that were; of one that its writer has forgotten nobody can say whether it was
            let moved: Vec<&String> = others
                .iter()
                .filter(|text| !own.contains(text) && own.iter().any(|(own, _)| *own == text.0))
                .map(|(text, _)| text)
                .collect();
            for (shown, in_chains) in [(&placed, false), (&moved, self.model.is_forgetful(writer))]
            {
                let in_order: Vec<&String> = accepted
                    .iter()
                    .map(|text| &text.text)
                    .filter(|text| shown.contains(text))
                    .collect();
                // a relay that numbers twice loses the order; and who went back in time sends again chain by chain
                if *shown != in_order && !self.model.has_lapsed() && !in_chains {
                    return Err(format!(
                        "texts of {writer} are shown in another order than they were accepted"
                    ));
                }
            }
        }
        let ids = |view: &View| -> BTreeSet<(MessageId, String)> {
            let texts = view.messages.iter();
            texts
                .filter(|(_, message)| message.outgoing != Some(OutgoingState::Failed))
                .map(|(_, message)| (message.id, message.text.clone()))
                .collect()
        };
        let (left_ids, right_ids) = (ids(left), ids(right));
        let strict = !lossy && !self.model.pair((one, other)).loose;
        if strict && left_ids != right_ids {
            return Err("the two see different texts".to_owned());
        }
        for (view, side) in [(left, (one, other)), (right, (other, one))] {
            // what came late in the midst of what was read is where reading goes on
            let unread = view
                .messages
                .iter()
                .filter(|(of, _)| *of == side.1)
                .skip_while(|(_, message)| self.model.has_read(side, &message.text));
            // who went back in time does not know what was read; and what is numbered twice stands above or below that
            if !self.model.is_forgetful(side.0) && !self.model.has_lapsed() {
                same("unread", &view.unread, &unread.count())?;
            }
        }
        Ok(())
    }

    /// What one marked as read the other sees as read, where both want that, and nothing else. After something that came late
    /// in the midst of what was read, the rest is not taken for read until it is read again.
    fn check_receipts(&self, left: (usize, &View), right: (usize, &View)) -> Verdict {
        if self.model.has_lapsed() {
            return Ok(());
        }
        let lossy = self.model.is_lossy((left.0, right.0));
        for ((writer, own), (reader, others)) in [(left, right), (right, left)] {
            // a receipt is told once: who lost it sees the next one
            let told = self.model.tell_receipts((writer, reader)) && !lossy;
            let has_read = |text: &String| self.model.has_read((reader, writer), text);
            for (_, message) in own.messages.iter().filter(|(of, _)| *of == writer) {
                // what is sent again comes to stand behind what a receipt told of
                let same_place =
                    |it: &Message| (it.position, &it.text) == (message.position, &message.text);
                if lossy && !others.messages.iter().any(|(_, it)| same_place(it)) {
                    continue;
                }
                let shown = message.outgoing == Some(OutgoingState::Read);
                let read = has_read(&message.text);
                if (shown && !read) || (told && read && !shown) {
                    return Err(format!(
                        "{reader} read {:?} at {}: {read}, {writer} sees it as {:?}",
                        start(&message.text),
                        message.position,
                        message.outgoing
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether something of the second may be missing for the first: what never arrived here and its writer does not remember, or
    /// what is beyond a request that nobody accepted.
    fn may_miss(&self, (who, with): Side) -> bool {
        let lost = self.model.is_forgetful(with) && self.model.has_lost(who);
        let lossy = self.model.is_lossy((who, with));
        lost || !self.model.pair((who, with)).is_open() || (lossy && self.is_mute((who, with)))
    }

    /// Whether a line says what cannot have happened: no relay here tells lies, nobody changes devices, and who lost nothing need not
    /// come back.
    fn is_false_alarm(&self, event: SystemEvent, side: Side) -> bool {
        match event {
            SystemEvent::SplitView | SystemEvent::DevicesChanged => true,
            SystemEvent::Rejoined | SystemEvent::Reset | SystemEvent::RelayWentBack => {
                !self.model.is_lossy(side)
            }
            SystemEvent::ConversationStarted
            | SystemEvent::RequestAccepted
            | SystemEvent::MessagesMissing => false,
        }
    }

    /// Whether a block lies between two, or a request that nobody accepted.
    fn is_mute(&self, (one, other): Side) -> bool {
        let blocked = |side: Side| self.model.is_blocked(side);
        blocked((one, other)) || blocked((other, one)) || !self.model.pair((one, other)).is_open()
    }

    /// A conversation as one of the two has it; `None` where there is none.
    fn view(&self, (who, with): Side) -> Option<Verdict<View>> {
        let key = self.conversation(who, with)?;
        let Account { app, .. } = &self.accounts[who];
        let app = app.as_ref().expect("it has a conversation");
        let list = conversations::list(&app.reader).expect("list conversations");
        let shown = list
            .into_iter()
            .find(|conversation| conversation.key == key)?;
        let all = account::messages(&app.reader, key);
        let mut messages = Vec::new();
        for message in all {
            match message.kind {
                MessageKind::Text => {
                    let own = message.outgoing.is_some();
                    messages.push((if own { who } else { with }, message));
                }
                MessageKind::System(SystemEvent::MessagesMissing)
                    if !self.may_miss((who, with)) =>
                {
                    return Some(Err(format!("something is missing for {who}")));
                }
                // as what is missing: what nobody sends again does not become readable
                MessageKind::Unreadable if self.may_miss((who, with)) => {}
                MessageKind::System(event) if self.is_false_alarm(event, (who, with)) => {
                    return Some(Err(format!("{who} is told {event:?} for nothing")));
                }
                MessageKind::System(_) => {}
                kind => return Some(Err(format!("{who} sees something {kind:?}"))),
            }
        }
        Some(Ok(View {
            title: shown.title,
            standing: shown.standing,
            state: shown.state,
            group: group(&self.accounts[who], key),
            messages,
            unread: usize::try_from(shown.unread).expect("a count"),
        }))
    }
}

/// What one of the two sees.
struct View {
    title: String,
    standing: Standing,
    state: ConversationState,
    group: GroupView,
    messages: Vec<(usize, Message)>,
    unread: usize,
}

impl View {
    fn is_established(&self) -> bool {
        self.state == ConversationState::Established
    }

    /// The texts of its owner that have got so far and no further.
    fn texts_in(&self, owner: usize, state: OutgoingState) -> BTreeSet<String> {
        let texts = self
            .messages
            .iter()
            .filter(|(of, message)| *of == owner && message.outgoing == Some(state));
        texts.map(|(_, message)| message.text.clone()).collect()
    }
}

/// Where a device is in a group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GroupView {
    id: String,
    /// Incarnation, epoch and members, where there is a group.
    pub(crate) place: Option<(u32, u64, Vec<String>)>,
}

fn check_standing(pair: &Pair, left: (usize, &View), right: (usize, &View)) -> Verdict {
    for (who, view) in [left, right] {
        let should = match (pair.is_open(), pair.asked.contains(&who)) {
            (true, _) => Standing::Open,
            (false, true) => Standing::Asked,
            (false, false) => Standing::Requested,
        };
        same("standing", &view.standing, &should)?;
    }
    Ok(())
}

/// The first words of a text.
fn start(text: &str) -> String {
    text.chars().take(30).collect()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T) -> Verdict {
    if is == should {
        Ok(())
    } else {
        Err(format!("{what}: {is:?} instead of {should:?}"))
    }
}

/// Where an account's device is in the group of a conversation.
pub(crate) fn group(account: &Account, key: client_core::model::ConversationKey) -> GroupView {
    let read = account.tamper(|write| {
        let row = conversations::row(write.connection(), key)?;
        let keys = account_row::load(write.connection())?.keys;
        let keys = AccountKeys::from_bytes(&keys)?;
        let mut random = SeededRandom::new(0);
        let mls = Mls::new(write.connection(), &mut random, &keys, 0);
        let place = match mls.load(row.conversation, row.incarnation)? {
            None => None,
            Some(group) => {
                let mut members: Vec<String> = group
                    .members()?
                    .iter()
                    .map(|member| format!("{}/{}", member.account, member.device))
                    .collect();
                members.sort();
                Some((row.incarnation, group.epoch()?, members))
            }
        };
        Ok(GroupView {
            id: row.conversation.to_string(),
            place,
        })
    });
    read.expect("it has a database")
}
