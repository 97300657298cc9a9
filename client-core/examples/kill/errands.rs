//! Errands: what an account does besides writing, with a kill at each named point on the way.
//!
//! Nora declines, blocks, makes a backup and a copy; her database goes back in time; the relay is restored from a backup that
//! is older than she is; her computer is lost, and she brings the account back twice, with her backup and without. She dies at
//! each point, and so does the relay. Vera, whom she writes to, and Otto, who asks her, live in peace.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use client_core::model::MessageKind;
use rusqlite::{Connection, OpenFlags};

use crate::{
    audit::Profile,
    friend::account,
    friends::{HOMES, ROUNDS},
    schedule::Schedule,
    stage::{End, Stage, Who},
};

/// The errands take longer than this only if something hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// One Nora's errands, and what is left in the end.
pub(crate) fn run(
    dir: &Path,
    relay: Option<&Path>,
    schedule: &mut Schedule,
    show: bool,
) -> Result<()> {
    let mut stage = Stage::set(dir, relay, &[Who::Vera, Who::Otto]).context("set the stage")?;
    schedule.next_errands();
    for who in [Who::Relay, Who::Vera, Who::Otto] {
        stage.start(who, End::Never)?;
    }
    let begun = Instant::now();
    stage.say("nora.wanted")?;
    while !(stage.heard("otto.registered") && stage.heard("nora.link")) {
        ensure!(begun.elapsed() < PATIENCE, "nobody comes");
        stage.watch()?;
    }
    stage.kill(Who::Relay)?;
    stage.start(Who::Relay, schedule.errand(Who::Relay))?;
    stage.start(Who::Nora, schedule.errand(Who::Nora))?;
    let mut absent: Vec<(Who, Instant)> = Vec::new();
    while !stage.heard("done") {
        ensure!(begun.elapsed() < PATIENCE, "the errands do not end");
        for (who, death) in stage.watch()? {
            if show {
                println!("{:7.2} {who:?}: {death:?}", begun.elapsed().as_secs_f64());
            }
            schedule.note(who, death);
            let pause = schedule.moment(Duration::from_millis(60))?;
            if who != Who::Otto {
                absent.push((who, Instant::now() + pause));
            }
        }
        let now = Instant::now();
        for (who, _) in absent.extract_if(.., |(_, until)| *until <= now) {
            stage.start(who, schedule.errand(who))?;
        }
        help(&mut stage, schedule, &mut absent)?;
    }
    drop(stage);
    audit(dir)
}

/// What Nora cannot do herself, each once, when she says the word.
fn help(
    stage: &mut Stage,
    schedule: &mut Schedule,
    absent: &mut Vec<(Who, Instant)>,
) -> Result<()> {
    if stage.heard("copied") && !stage.heard("relay-copied") {
        stage.back_relay_up()?;
        stage.say("relay-copied")?;
    }
    if stage.heard("forget") && !stage.heard("forgotten") {
        // Vera would set the conversation up anew herself
        stage.kill(Who::Vera)?;
        stage.kill(Who::Relay)?;
        absent.retain(|(who, _)| *who != Who::Relay);
        stage.restore_relay()?;
        stage.say("forgotten")?;
        stage.start(Who::Relay, schedule.errand(Who::Relay))?;
    }
    if stage.heard("set-up-anew") && !stage.heard("vera-is-back") {
        stage.start(Who::Vera, End::Never)?;
        stage.say("vera-is-back")?;
    }
    Ok(())
}

/// Whether everything is there that was promised on the way.
fn audit(dir: &Path) -> Result<()> {
    let vera = Profile::open(dir, "vera")?;
    let texts = |profile: &Profile, peer: &str| -> Result<Vec<String>> {
        let messages = profile.messages(peer)?;
        ensure!(
            messages.iter().all(|it| it.kind != MessageKind::Unreadable),
            "unreadable messages with {peer}"
        );
        let texts = messages
            .into_iter()
            .filter(|it| it.kind == MessageKind::Text);
        Ok(texts.map(|it| it.text).collect())
    };
    let rounds = |rounds: u32| -> Vec<String> {
        (1..=rounds)
            .flat_map(|round| [format!("nora {round}"), format!("vera {round}")])
            .collect()
    };
    let at_veras = texts(&vera, "nora")?;
    // what is sent again to a restored relay may come behind what is new by then, and each writer's stands in its order
    for writer in ["nora", "vera"] {
        let is_of_writer = |text: &&String| text.starts_with(writer);
        ensure!(
            at_veras
                .iter()
                .filter(is_of_writer)
                .eq(rounds(ROUNDS).iter().filter(is_of_writer)),
            "Vera has {at_veras:?}"
        );
    }
    let [_, with_backup, _] = HOMES;
    let nora = Profile::open(dir, with_backup)?;
    // written after the copy and forgotten with the database; the other's answer comes again
    let mut expected = rounds(ROUNDS - 1);
    expected.retain(|text| text != "nora 2");
    let mut at_noras = texts(&nora, "vera")?;
    at_noras.sort();
    expected.sort();
    ensure!(
        at_noras == expected,
        "Nora has {at_noras:?} instead of {expected:?}"
    );
    ensure!(
        nora.blocks()?.contains(&account(dir, "otto")?),
        "the restored account does not block Otto"
    );
    let relay = RelaysView::open(dir)?;
    ensure!(relay.blocks()? == 1, "the relay does not know the block");
    ensure!(
        relay.declines()? == 1,
        "the relay does not know the decline"
    );
    Ok(())
}

/// What the relay has by its own file.
pub(crate) struct RelaysView(Connection);

impl RelaysView {
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let path: PathBuf = dir.join("relay/relay.db");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        Ok(Self(Connection::open_with_flags(path, flags)?))
    }

    pub(crate) fn blocks(&self) -> Result<u32> {
        self.count("SELECT count(*) FROM blocks")
    }

    pub(crate) fn declines(&self) -> Result<u32> {
        self.count("SELECT count(*) FROM ended_conversations")
    }

    fn count(&self, sql: &str) -> Result<u32> {
        Ok(self.0.query_row(sql, (), |row| row.get(0))?)
    }
}
