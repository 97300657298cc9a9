//! What the time of an answer tells to somebody who tries accounts, handles and links.
//!
//! `cargo bench -p relay-server --bench probes -- [--count 1000] [--json FILE]`
//!
//! Each question is asked in ways that must not be told apart: of nobody, of somebody who blocked who asks, of a link that is
//! used up, and so on. The ways take turns at random, so that what else the computer does falls on all of them alike, and
//! their times are compared by the Mann-Whitney test: where p is at most 0.01 the time tells something. That the bytes
//! tell nothing is a test (`relay-server/tests/it/probes.rs`). Of eight pairs that are alike one falls below that by chance
//! in every thirteenth run: what counts is a pair that does so again.
//!
//! One way is there to show that the measurement can tell something: a claim that gets a package. If that cannot be told from
//! the others, the computer is too busy for the others to mean anything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measuring tool: it stops at the first surprise and prints what it found"
)]

#[path = "../tests/it/client.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod client;
#[path = "../tests/it/people.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod people;
#[path = "probes/ranks.rs"]
mod ranks;
#[path = "../tests/it/relay.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod relay;

use std::{path::PathBuf, time::Instant};

use protocol::{
    AccountId, ClaimKeyPackages, ErrorCode, FetchManifest, FindAccount, Frame, Prove,
    PublishKeyPackages, Refusal, SetBlock, SetHandle, Token,
};
use serde_json::{Value, json};

use self::{
    client::Client,
    people::{Person, client_id, draw},
    relay::{TestRelay, test_config},
};

/// Asked before anything counts: caches fill.
const WARM_UP: usize = 50;

/// Two ways that give p of at most this are told apart.
const TOLD_APART: f64 = 0.01;

/// The way that must be told from the others.
const CONTROL: &str = "with packages";

struct Cast {
    relay: TestRelay,
    /// Blocked the one who asks.
    ana: Person,
    /// Has no key packages.
    cy: Person,
    /// Has one that is handed out again and again.
    dee: Person,
    bo_client: Client,
    used: Token,
    card: Token,
}

/// One way of asking.
#[derive(Clone, Copy)]
enum Way {
    Handle(&'static str),
    Claim(Whom),
    Manifest(Whom),
    Register(Which),
    Login(Whom),
}

#[derive(Clone, Copy)]
enum Whom {
    Nobody,
    Blocker,
    WithoutPackages,
    WithPackages,
}

#[derive(Clone, Copy)]
enum Which {
    Never,
    Used,
    Card,
}

const QUESTIONS: &[(&str, &[(&str, Way)])] = &[
    (
        "handle",
        &[
            ("nobody's", Way::Handle("nobody")),
            ("of who blocked", Way::Handle("blocker")),
        ],
    ),
    (
        "claim",
        &[
            ("nobody", Way::Claim(Whom::Nobody)),
            ("who blocked", Way::Claim(Whom::Blocker)),
            ("without packages", Way::Claim(Whom::WithoutPackages)),
            (CONTROL, Way::Claim(Whom::WithPackages)),
        ],
    ),
    (
        "manifest",
        &[
            ("nobody", Way::Manifest(Whom::Nobody)),
            ("who blocked", Way::Manifest(Whom::Blocker)),
        ],
    ),
    (
        "register",
        &[
            ("never made", Way::Register(Which::Never)),
            ("used up", Way::Register(Which::Used)),
            ("no invite", Way::Register(Which::Card)),
        ],
    ),
    (
        "login",
        &[
            ("nobody", Way::Login(Whom::Nobody)),
            ("somebody", Way::Login(Whom::Blocker)),
        ],
    ),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut count, mut file) = (1000, None::<PathBuf>);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--count" => count = arguments.next().unwrap().parse().expect("--count N"),
            "--json" => file = arguments.next().map(PathBuf::from),
            // cargo adds it
            "--bench" => {}
            other => panic!("unknown argument {other:?}"),
        }
    }
    ranks::check();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let results = runtime.block_on(measure(count));
    if let Some(file) = file {
        std::fs::write(file, serde_json::to_string_pretty(&results).unwrap()).unwrap();
    }
    let failed = results.iter().any(|result| result["failed"] == true);
    std::process::exit(i32::from(failed));
}

async fn measure(count: usize) -> Vec<Value> {
    let mut cast = Cast::new(count).await;
    let mut results = Vec::new();
    for (question, ways) in QUESTIONS {
        let mut times = vec![Vec::with_capacity(count); ways.len()];
        for _ in 0..WARM_UP {
            for (_, way) in *ways {
                cast.ask(*way).await;
            }
        }
        while let Some(turn) = next_turn(&times, count) {
            let nanos = cast.ask(ways[turn].1).await;
            times[turn].push(nanos);
        }
        for (one, other) in pairs(ways.len()) {
            let p = ranks::mann_whitney(&times[one], &times[other]);
            let control = [one, other].iter().any(|way| ways[*way].0 == CONTROL);
            let told_apart = p <= TOLD_APART;
            let note = match (control, told_apart) {
                (false, true) => "   TOLD APART",
                (true, true) => "   control: told apart, as it must be",
                (true, false) => "   CONTROL NOT TOLD APART",
                (false, false) => "",
            };
            let medians = [median(&times[one]), median(&times[other])];
            println!(
                "{question:9} {:15} {:9.1} µs   {:17} {:9.1} µs   p = {p:.4}{note}",
                ways[one].0, medians[0], ways[other].0, medians[1]
            );
            results.push(json!({
                "question": question,
                "ways": [ways[one].0, ways[other].0],
                "median_us": medians,
                "count": count,
                "p": p,
                "control": control,
                "told_apart": told_apart,
                "failed": told_apart != control,
            }));
        }
    }
    cast.relay.stop().await;
    results
}

/// One of those who have not asked often enough, at random.
fn next_turn(times: &[Vec<u64>], count: usize) -> Option<usize> {
    let left: Vec<usize> = (0..times.len())
        .filter(|turn| times[*turn].len() < count)
        .collect();
    let random = usize::from_le_bytes(draw());
    left.get(random.checked_rem(left.len())?).copied()
}

fn pairs(ways: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..ways).flat_map(move |one| (one + 1..ways).map(move |other| (one, other)))
}

fn median(times: &[u64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[times.len() / 2] as f64 / 1000.0
}

impl Cast {
    async fn new(count: usize) -> Self {
        let mut config = test_config();
        let probes = u32::try_from((count + WARM_UP) * 8).expect("a count");
        config.quotas.claims_per_hour = probes;
        config.quotas.lookups_per_hour = probes;
        config.quotas.lookups_per_minute = probes;
        config.quotas.attempts_per_minute = probes * 10;
        let relay = TestRelay::start_with(config).await;
        let (ana, mut ana_client) = relay.person().await;
        let (cy, _) = relay.person().await;
        let (dee, mut dee_client) = relay.person().await;
        let publish = PublishKeyPackages {
            packages: Vec::new(),
            last_resort: Some(dee.device().key_package()),
            replace: false,
        };
        dee_client.request(publish).await;
        let (bo, bo_client) = relay.person().await;
        ana_client.publish(ana.device(), 3).await;
        let handle = Some("blocker".to_owned());
        ana_client.request(SetHandle { handle }).await;
        let block = SetBlock {
            account: bo.account,
            blocked: true,
        };
        ana_client.request(block).await;
        let used = relay.invite(1);
        let newcomer = Person::new(relay.id, 1);
        relay.register(&newcomer, used).await;
        let card = ana_client.contact_link(5).await;
        Self {
            relay,
            ana,
            cy,
            dee,
            bo_client,
            used,
            card,
        }
    }

    fn account(&self, whom: Whom) -> AccountId {
        match whom {
            Whom::Nobody => AccountId::new(draw()),
            Whom::Blocker => self.ana.account,
            Whom::WithoutPackages => self.cy.account,
            Whom::WithPackages => self.dee.account,
        }
    }

    /// Asks once; how long the answer took, in ns.
    async fn ask(&mut self, way: Way) -> u64 {
        let (request, refused): (Frame, _) = match way {
            Way::Handle(handle) => {
                let handle = handle.to_owned();
                (FindAccount { handle }.into(), Some(ErrorCode::NotFound))
            }
            Way::Claim(whom) => {
                let account = self.account(whom);
                let client_id = client_id();
                let claim = ClaimKeyPackages { account, client_id };
                let is_given = matches!(whom, Whom::WithPackages);
                (
                    claim.into(),
                    (!is_given).then_some(ErrorCode::NoKeyPackages),
                )
            }
            Way::Manifest(whom) => {
                let account = self.account(whom);
                (FetchManifest { account }.into(), Some(ErrorCode::NotFound))
            }
            Way::Register(which) => return self.register(which).await,
            Way::Login(whom) => return self.login(whom).await,
        };
        let start = Instant::now();
        let reply = self.bo_client.request(request).await;
        let time = elapsed(start);
        match refused {
            Some(code) => assert_eq!(reply, Refusal::new(code).into()),
            None => assert!(matches!(reply, Frame::Claimed(_)), "{reply:?}"),
        }
        time
    }

    async fn register(&self, which: Which) -> u64 {
        let token = match which {
            Which::Never => Token::new(draw()),
            Which::Used => self.used,
            Which::Card => self.card,
        };
        let stranger = Person::new(self.relay.id, 1);
        let mut client = self.relay.dial().await;
        client
            .ask_to_register(&stranger, stranger.device(), token, None)
            .await;
        let start = Instant::now();
        farewell(&mut client, ErrorCode::BadLink).await;
        elapsed(start)
    }

    /// By a key that is not the account's.
    async fn login(&self, whom: Whom) -> u64 {
        let stranger = Person::new(self.relay.id, 1);
        let mut client = self.relay.dial().await;
        let (hello, challenge) = client.hello().await;
        let proof = Client::proof(stranger.device(), &hello, &challenge);
        let (account, device) = match whom {
            Whom::Nobody => (proof.account, proof.device),
            Whom::Blocker | Whom::WithoutPackages | Whom::WithPackages => {
                (self.ana.account, self.ana.device().id)
            }
        };
        let prove = Prove {
            account,
            device,
            ..proof
        };
        client.send(0, prove).await;
        let start = Instant::now();
        farewell(&mut client, ErrorCode::NotAuthenticated).await;
        elapsed(start)
    }
}

async fn farewell(client: &mut Client, code: ErrorCode) {
    match client.next().await {
        Some((0, Frame::Bye(bye))) => assert_eq!(bye.code, code),
        other => panic!("no farewell but {other:?}"),
    }
}

fn elapsed(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap()
}
