//! What the accounts hold when a run fails: the last lines of its report.

use std::fmt::Write as _;

use client_core::store::{commits, conversations, gaps, openings, outbox, questions, streams};
use protocol::StreamId;

use crate::{
    account::{self, Account},
    check::group,
    world::World,
};

impl World {
    /// One line for each conversation of each account.
    pub(crate) fn state(&self) -> Vec<String> {
        self.accounts
            .iter()
            .flat_map(|of| self.state_of(of))
            .collect()
    }

    fn state_of(&self, account: &Account) -> Vec<String> {
        let who = account.who;
        let Some(app) = &account.app else {
            return vec![format!("{who} is closed")];
        };
        let list = conversations::list(&app.reader).expect("list conversations");
        let mut lines = Vec::new();
        for shown in list {
            let row = conversations::row(&app.reader, shown.key).expect("read a conversation");
            let with = self.accounts.iter().position(|it| it.id == Some(row.peer));
            let place = group(account, shown.key).place;
            let id = row.conversation.to_string();
            let mut line = format!(
                "{who} with {with:?}: {} {:?} {:?}, incarnation {}, group {:?}",
                id.get(..8).unwrap_or(&id),
                row.state,
                row.standing,
                row.incarnation,
                place.map(|(incarnation, epoch, members)| (incarnation, epoch, members.len())),
            );
            let cursor = streams::cursor(&app.reader, StreamId::Conversation(row.conversation))
                .expect("read a cursor");
            let waiting = outbox::all(&app.reader, row.key).expect("read the outbox");
            let sealed = waiting.iter().filter(|row| row.sealed.is_some()).count();
            let texts = account::messages(&app.reader, row.key).len();
            let opening = openings::load(&app.reader, row.key).expect("read an opening");
            let rejoin = commits::rejoin(&app.reader, row.conversation).expect("read a rejoin");
            let renewal = commits::renewal(&app.reader, row.key).expect("read a renewal");
            write!(
                line,
                ", cursor {cursor}, {texts} messages, {} wait ({sealed} sealed)",
                waiting.len()
            )
            .expect("a string takes everything");
            for (is, what) in [
                (opening.is_some(), "opening"),
                (rejoin.is_some(), "rejoin"),
                (renewal.is_some(), "renewal"),
            ] {
                if is {
                    line.push_str(", ");
                    line.push_str(what);
                }
            }
            lines.push(line);
        }
        for rejoin in commits::rejoins(&app.reader).expect("read rejoins") {
            lines.push(format!("{who} wants back into {}", rejoin.conversation));
        }
        let missing = gaps::count_missing(&app.reader).expect("count what is missing");
        let kept = questions::all(&app.reader).expect("read questions").len();
        if missing > 0 || kept > 0 {
            lines.push(format!(
                "{who} misses {missing} entries, and has {kept} questions to answer"
            ));
        }
        lines
    }
}
