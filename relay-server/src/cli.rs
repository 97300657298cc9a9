//! The command line: parse, call the library, print.

use std::{
    io::{IsTerminal as _, Write as _, stderr, stdout},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use protocol::{Address, Link, RelayId};
use qrcode::{QrCode, render::unicode};
use relay_server::{Config, InitOptions, Relay, local_config, run};
use tokio::{net::TcpListener, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// How long the invite of `init` is good for.
const FIRST_INVITE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How many may use it.
const FIRST_INVITE_USES: u16 = 5;

/// The relay of Relevo: ordered, durable store and forward that never opens a message.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a relay: configuration, keys, database, and a first invite.
    Init {
        /// For one machine or one local network: a bare address, a certificate of its own.
        #[arg(long)]
        local: bool,
        /// The name that clients reach the relay by, with a certificate of its own.
        #[arg(long, conflicts_with = "local")]
        name: Option<String>,
        /// The data directory.
        #[arg(long, default_value = "relevo-relay")]
        dir: PathBuf,
        /// Where to listen.
        #[arg(long)]
        listen: Option<SocketAddr>,
        /// Where clients reach it, as HOST:PORT; may be given several times.
        #[arg(long)]
        address: Vec<Address>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Serves until it is told to stop.
    Serve {
        /// The data directory.
        #[arg(long, default_value = "relevo-relay")]
        dir: PathBuf,
        /// Listen here instead of where the configuration says.
        #[arg(long)]
        listen: Option<SocketAddr>,
        /// Write the address that is listened on to this file when ready.
        #[arg(long)]
        ready_file: Option<PathBuf>,
        /// The clock is right, although it is far ahead of what was stored last: let things expire at once.
        #[arg(long)]
        clock_is_right: bool,
    },
    /// Writes a copy of the database. The relay may be serving. The identity key is not in it: keep a copy of that apart.
    Backup {
        /// The data directory.
        #[arg(long, default_value = "relevo-relay")]
        dir: PathBuf,
        /// The file to write; it must not be there.
        #[arg(long)]
        to: PathBuf,
    },
    /// Makes a data directory from a backup. Clients bring what came after it.
    Restore {
        /// The data directory: new, or with the identity key, configuration and certificate alone.
        #[arg(long, default_value = "relevo-relay")]
        dir: PathBuf,
        /// The backup; where the directory has no identity key, that is taken from beside it.
        #[arg(long)]
        from: PathBuf,
        /// The clock is right, although the backup is of a later time. Restore such a backup once only.
        #[arg(long)]
        clock_is_right: bool,
    },
    /// Prints all that the relay holds of an account, as JSON: for the person whose it is. The relay may be serving.
    Export {
        /// The account's id in hexadecimal digits, or its handle.
        account: String,
        /// The data directory.
        #[arg(long, default_value = "relevo-relay")]
        dir: PathBuf,
    },
    /// Invites.
    Invite {
        #[command(subcommand)]
        command: InviteCommand,
    },
    /// The configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
enum InviteCommand {
    /// Makes an invite. The relay may be serving.
    New {
        /// The data directory.
        #[arg(long, default_value = "relevo-relay")]
        dir: PathBuf,
        /// How many accounts it lets in.
        #[arg(long, default_value_t = 1)]
        uses: u16,
        /// How long it is good for, such as 30m, 12h or 7d.
        #[arg(long, default_value = "7d", value_parser = parse_lifetime)]
        expires: Duration,
        /// Name these addresses instead of those of the configuration, as HOST:PORT.
        #[arg(long)]
        address: Vec<Address>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Prints a configuration with every key, its description and its default.
    Example,
    /// Checks the configuration of a data directory.
    Check {
        /// The data directory.
        #[arg(long, default_value = "relevo-relay")]
        dir: PathBuf,
    },
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Init {
                local,
                name,
                dir,
                listen,
                address,
                json,
            } => init(&dir, init_config(local, name, listen, address)?, json),
            Command::Serve {
                dir,
                listen,
                ready_file,
                clock_is_right,
            } => {
                let relay = Relay::open(&dir)?;
                let relay = if clock_is_right {
                    relay.with_confirmed_clock()
                } else {
                    relay
                };
                serve(relay, listen, ready_file.as_deref())
            }
            Command::Backup { dir, to } => {
                Relay::open(&dir)?.backup(&to)?;
                print(&format!("ok: {}\n", to.display()))
            }
            Command::Restore {
                dir,
                from,
                clock_is_right,
            } => {
                let relay = if clock_is_right {
                    Relay::restore_by_confirmed_clock(&dir, &from)?
                } else {
                    Relay::restore(&dir, &from)?
                };
                print(&format!("ok: relay {}\n", fingerprint(relay.relay_id())))
            }
            Command::Export { account, dir } => {
                let export = Relay::open(&dir)?.export(&account)?;
                print(&format!("{export}\n"))
            }
            Command::Invite {
                command:
                    InviteCommand::New {
                        dir,
                        uses,
                        expires,
                        address,
                        json,
                    },
            } => {
                let relay = Relay::open(&dir)?;
                let link = if address.is_empty() {
                    relay.new_invite(uses, expires)?
                } else {
                    relay.new_invite_at(&address, uses, expires)?
                };
                print(&invite_text(&link, None, json)?)
            }
            Command::Config {
                command: ConfigCommand::Example,
            } => print(&Config::default().to_commented_toml()),
            Command::Config {
                command: ConfigCommand::Check { dir },
            } => {
                let relay = Relay::open(&dir)?;
                print(&format!("ok: relay {}\n", fingerprint(relay.relay_id())))
            }
        }
    }
}

fn init_config(
    local: bool,
    name: Option<String>,
    listen: Option<SocketAddr>,
    address: Vec<Address>,
) -> anyhow::Result<Config> {
    if !local && name.is_none() {
        bail!(
            "say --local for this machine or network, or --name HOST for a name that clients reach it by"
        );
    }
    let default = if local {
        SocketAddr::from(([127, 0, 0, 1], 8443))
    } else {
        SocketAddr::from(([0, 0, 0, 0], 443))
    };
    let listen = listen.unwrap_or(default);
    let mut public: Vec<String> = address.iter().map(ToString::to_string).collect();
    if let Some(name) = name {
        let address: Address = format!("{name}:{}", listen.port())
            .parse()
            .with_context(|| format!("{name:?} is not a host"))?;
        public.insert(0, address.to_string());
    }
    if public.is_empty() && !listen.ip().is_unspecified() {
        public.push(listen.to_string());
    }
    Ok(local_config(listen, public))
}

fn init(dir: &Path, config: Config, json: bool) -> anyhow::Result<()> {
    let without_address = config.listen.public.is_empty();
    let relay = Relay::create(dir, InitOptions { config })?;
    let made = made_text(dir, relay.relay_id());
    let word = shell_word(dir);
    if without_address {
        return print(&format!(
            "{made}Next: set listen.public in {}, where people reach the relay. Then:\n  \
             relevo-relay serve --dir {word}\n  relevo-relay invite new --dir {word}\n",
            dir.join("config.toml").display()
        ));
    }
    let link = relay.new_invite(FIRST_INVITE_USES, FIRST_INVITE)?;
    let invite = invite_text(&link, Some(relay.relay_id()), json)?;
    if json {
        return print(&invite);
    }
    print(&format!(
        "{made}Next: relevo-relay serve --dir {word}\n\n\
         Your first invite: it lets in {FIRST_INVITE_USES} people within seven days. Open it in the app, as a link or by its code.\n\
         {invite}"
    ))
}

/// What `init` made, and what is to be kept safe.
fn made_text(dir: &Path, relay: RelayId) -> String {
    format!(
        "This is relay {}. Its configuration, keys and database are in {}.\n\
         Keep a copy of {} in a safe place: whoever has it can pose as this relay, and without it no link leads here any more.\n",
        fingerprint(relay),
        dir.display(),
        dir.join("identity-key").display(),
    )
}

/// A path as a word of a command that can be pasted into a shell.
fn shell_word(path: &Path) -> String {
    let word = path.display().to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "/\\:._-".contains(letter);
    if word.chars().all(plain) {
        return word;
    }
    format!("\"{word}\"")
}

fn serve(
    relay: Relay,
    listen: Option<SocketAddr>,
    ready_file: Option<&Path>,
) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("RELEVO_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    runtime.block_on(async {
        let address = listen.unwrap_or(relay.config().listen.address);
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("listen on {address}"))?;
        let bound = listener
            .local_addr()
            .context("ask for the address of the listener")?;
        let shutdown = CancellationToken::new();
        let stop = stop_signal(shutdown.clone())?;
        tracing::info!("listening on {bound}");
        if let Some(path) = ready_file {
            // whole or not at all: who waits for the file may read at once
            let draft = path.with_extension("draft");
            std::fs::write(&draft, bound.to_string())
                .and_then(|()| std::fs::rename(&draft, path))
                .with_context(|| format!("write {}", path.display()))?;
        }
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(stop);
        let outcome = run(listener, relay, shutdown).await;
        tasks.shutdown().await;
        tracing::info!("stopped");
        outcome
    })
}

/// Cancels on the signals by which systems stop a service.
fn stop_signal(shutdown: CancellationToken) -> anyhow::Result<impl Future<Output = ()> + Send> {
    #[cfg(unix)]
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())
        .context("listen for SIGTERM")?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        drop(signal::ctrl_c().await);
        tracing::info!("stopping");
        shutdown.cancel();
    })
}

fn invite_text(link: &Link, relay: Option<RelayId>, json: bool) -> anyhow::Result<String> {
    let url = link.to_app();
    let https = link.to_https();
    if json {
        let mut object = serde_json::json!({ "url": url, "https": https });
        if let (Some(relay), Some(object)) = (relay, object.as_object_mut()) {
            object.insert("relay".to_owned(), relay.to_hex().into());
        }
        return Ok(format!("{object}\n"));
    }
    let code = QrCode::new(&https).context("draw the QR code")?;
    let picture = code.render::<unicode::Dense1x2>().quiet_zone(true).build();
    Ok(format!("{https}\n{url}\n\n{picture}\n"))
}

/// The relay's id in groups that a person can compare.
fn fingerprint(relay: RelayId) -> String {
    let hex = relay.to_hex();
    let groups: Vec<String> = hex
        .chars()
        .collect::<Vec<_>>()
        .chunks(8)
        .map(|group| group.iter().collect())
        .collect();
    groups.join(" ")
}

fn parse_lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time such as 30m, 12h or 7d");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let count: u32 = text
        .strip_suffix(unit)
        .and_then(|count| count.parse().ok())
        .ok_or_else(wrong)?;
    Ok(Duration::from_secs(u64::from(count) * seconds))
}

fn print(text: &str) -> anyhow::Result<()> {
    stdout()
        .write_all(text.as_bytes())
        .context("write to the standard output")
}

/// Tells a person what went wrong.
pub(crate) fn complain(error: &anyhow::Error) {
    // nobody is left to be told if this fails
    drop(writeln!(stderr(), "error: {error:#}"));
}
