//! A relay's data directory: configuration, identity key, TLS key, database.

mod backup;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use ed25519_dalek::SigningKey;
use protocol::{Address, Key, Link, LinkKind, LinkSecret, RelayId, identity};

use crate::{
    clock::{SteadyClock, Vouched},
    config::{Config, Listen, TlsMode},
    environment::{Clock as _, Environment},
    files,
    store::{Caller, NewLinkRow, SqliteStore, Store as _, WriterTask, call_blocking},
    tls::{self, Tls},
};

/// File of the configuration.
const CONFIG_FILE: &str = "config.toml";
/// File of the identity key: 32 bytes as hexadecimal digits. Back it up; whoever has it is the relay.
const IDENTITY_FILE: &str = "identity-key";
/// File of the database.
const DATABASE_FILE: &str = "relay.db";

/// What a new relay starts with.
#[derive(Clone, Debug, Default)]
pub struct InitOptions {
    /// The configuration to write.
    pub config: Config,
}

/// An opened data directory.
pub struct Relay {
    pub(crate) dir: PathBuf,
    pub(crate) config: Config,
    pub(crate) identity_key: SigningKey,
    pub(crate) tls: Option<Tls>,
    pub(crate) environment: Environment,
    /// Whether an operator vouches for the clock.
    pub(crate) vouched: Vouched,
}

impl Relay {
    /// Makes a data directory: configuration, identity key, self-signed certificate, empty database.
    ///
    /// # Errors
    /// Where the directory already holds a relay, or cannot be written.
    pub fn create(dir: &Path, options: InitOptions) -> anyhow::Result<Self> {
        options.config.check()?;
        fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        ensure!(
            !dir.join(IDENTITY_FILE).exists(),
            "{} already holds a relay",
            dir.display()
        );
        // who is in which conversation is in there
        files::protect_folder(dir)?;
        let environment = Environment::system();
        tls::create(dir)?;
        files::write(
            &dir.join(CONFIG_FILE),
            options.config.to_commented_toml().as_bytes(),
        )?;
        SqliteStore::create(&dir.join(DATABASE_FILE), &environment)?;
        // last: a directory with an identity key is a whole relay
        let key = SigningKey::from_bytes(&environment.draw());
        files::write_new(
            &dir.join(IDENTITY_FILE),
            data_encoding::HEXLOWER.encode(key.as_bytes()).as_bytes(),
        )?;
        files::sync_folder(dir)?;
        Self::open_with(dir, options.config)
    }

    /// Opens a data directory with the configuration in it.
    ///
    /// # Errors
    /// Where a file is missing or does not hold.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let config = Config::read(&dir.join(CONFIG_FILE))?;
        Self::open_with(dir, config)
    }

    /// Opens a data directory with another configuration.
    ///
    /// # Errors
    /// Where a file is missing or does not hold.
    pub fn open_with(dir: &Path, config: Config) -> anyhow::Result<Self> {
        config.check()?;
        let path = dir.join(IDENTITY_FILE);
        files::protect(&dir.join(CONFIG_FILE));
        files::protect(&path);
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let bytes = data_encoding::HEXLOWER_PERMISSIVE
            .decode(text.trim().as_bytes())
            .ok();
        let secret: [u8; 32] = bytes
            .and_then(|bytes| bytes.try_into().ok())
            .context("the identity key is damaged")?;
        let tls = tls::load(dir, &config)?;
        Ok(Self {
            dir: dir.to_owned(),
            config,
            identity_key: SigningKey::from_bytes(&secret),
            tls,
            environment: Environment::system(),
            vouched: Vouched::No,
        })
    }

    /// Replaces the clock and the randomness.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Believes the machine's clock at once, although it is far from what was stored last.
    #[must_use]
    pub fn with_confirmed_clock(mut self) -> Self {
        self.vouched = Vouched::Yes;
        self
    }

    /// The relay's name, whatever its address.
    #[must_use]
    pub fn relay_id(&self) -> RelayId {
        RelayId::of_identity_key(&self.identity_key())
    }

    /// The public half of the identity key.
    #[must_use]
    pub fn identity_key(&self) -> Key {
        identity::public_key(&self.identity_key)
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Makes an invite by the operator, with the public addresses of the configuration. Another process may be serving.
    ///
    /// # Errors
    /// Where the configuration names no public address, or the database cannot be written.
    pub fn new_invite(&self, uses: u16, lifetime: Duration) -> anyhow::Result<Link> {
        let addresses = self
            .config
            .listen
            .public
            .iter()
            .map(|address| address.parse::<Address>().context("listen.public"))
            .collect::<anyhow::Result<Vec<_>>>()?;
        self.new_invite_at(&addresses, uses, lifetime)
    }

    /// Makes an invite by the operator with these addresses.
    ///
    /// # Errors
    /// Where there is no address, the link would be too long, or the database cannot be written.
    pub fn new_invite_at(
        &self,
        addresses: &[Address],
        uses: u16,
        lifetime: Duration,
    ) -> anyhow::Result<Link> {
        ensure!(
            !addresses.is_empty(),
            "no public address: set listen.public in the configuration"
        );
        ensure!(uses > 0, "an invite without uses lets nobody in");
        let link = Link {
            kind: LinkKind::Invite,
            addresses: addresses.to_vec(),
            relay: self.relay_id(),
            secret: LinkSecret::new(self.environment.draw()),
            issuer: None,
        };
        ensure!(
            link.to_https().len() <= protocol::bounds::LINK,
            "the addresses are too long for a link"
        );
        let lifetime = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
        let (store, clock) =
            self.open_store(Box::new(|batch| batch.into_iter().for_each(|done| done())))?;
        let row = NewLinkRow {
            token: link.secret.token().stored_hash(),
            invite: true,
            uses,
            expires: clock
                .now()
                .saturating_add(lifetime)
                .min(i64::MAX.unsigned_abs()),
            most: u32::MAX,
        };
        call_blocking(|done| store.new_link(Caller::Operator, row, done))
            .map_err(|refusal| anyhow::anyhow!("store the invite: {:?}", refusal.code))?;
        Ok(link)
    }

    /// All that the relay holds of an account, named by its id in hexadecimal digits or by its handle, as JSON. Of what others
    /// sealed or signed it shows sizes and times. Another process may be serving.
    ///
    /// # Errors
    /// Where there is no such account, or the database cannot be read.
    pub fn export(&self, account: &str) -> anyhow::Result<String> {
        let export = SqliteStore::export(&self.dir.join(DATABASE_FILE), account)?;
        let export = export.with_context(|| format!("no account {account:?}"))?;
        serde_json::to_string_pretty(&export).context("write JSON")
    }

    /// Opens the database, and begins the clock that it is written by; completions of writes go to `committed`.
    pub(crate) fn open_store(
        &self,
        committed: crate::store::CompletionSink,
    ) -> anyhow::Result<(Arc<SqliteStore>, Arc<SteadyClock>)> {
        let (clock, environment) = self.clock();
        let path = self.dir.join(DATABASE_FILE);
        let store = SqliteStore::open(&path, &self.config, &environment, committed)
            .context("open the database")?;
        clock.begin(store.latest(), self.vouched);
        Ok((Arc::new(store), clock))
    }

    /// Opens the database for a relay without threads.
    pub(crate) fn open_store_inline(
        &self,
        committed: crate::store::CompletionSink,
    ) -> anyhow::Result<(Arc<SqliteStore>, Arc<SteadyClock>, WriterTask)> {
        let (clock, environment) = self.clock();
        let path = self.dir.join(DATABASE_FILE);
        let (store, task) = SqliteStore::open_inline(&path, &self.config, &environment, committed)
            .context("open the database")?;
        clock.begin(store.latest(), self.vouched);
        Ok((Arc::new(store), clock, task))
    }

    fn clock(&self) -> (Arc<SteadyClock>, Environment) {
        let clock = Arc::new(SteadyClock::new(Arc::clone(&self.environment.clock)));
        let environment = Environment {
            clock: clock.clone(),
            random: Arc::clone(&self.environment.random),
        };
        (clock, environment)
    }

    /// Whether the relay leaves TLS to a proxy on this machine.
    pub(crate) fn behind_proxy(&self) -> bool {
        self.config.tls.mode == TlsMode::BehindProxy
    }
}

/// A configuration for one machine or one local network: no name, a self-signed certificate.
#[must_use]
pub fn local_config(listen: std::net::SocketAddr, public: Vec<String>) -> Config {
    Config {
        listen: Listen {
            address: listen,
            public,
            ..Listen::default()
        },
        ..Config::default()
    }
}
