//! The configuration: one documented struct, from which the example file is written.

use std::{fs, net::SocketAddr, path::Path, path::PathBuf};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

/// Declares a section once: its fields, their defaults, and their descriptions for rustdoc and for the example file.
macro_rules! section {
    ($(#[doc = $about:literal])+ $name:ident $title:literal { $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr,)+ }) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $name {
            fn write_example(&self, out: &mut String) {
                $(out.push_str(concat!("#", $about, "\n"));)+
                out.push_str(concat!("[", $title, "]\n"));
                $(
                    $(out.push_str(concat!("#", $doc, "\n"));)+
                    match toml::Value::try_from(&self.$field) {
                        Ok(value) => out.push_str(&format!("{} = {value}\n", stringify!($field))),
                        // an absent option has no value to show
                        Err(_) => out.push_str(concat!("# ", stringify!($field), " =\n")),
                    }
                )+
                out.push('\n');
            }
        }
    };
}

/// How TLS is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// A certificate made by `init`; clients trust it through the relay's identity key, which their link pins.
    SelfSigned,
    /// A certificate and key from files, for a name that browsers trust.
    Files,
    /// No TLS here: a proxy on this machine does it. Refused on anything but a loopback address.
    BehindProxy,
}

section! {
    /// Where the relay listens and how it is reached.
    Listen "listen" {
        /// The address and port of the listener.
        address: SocketAddr = SocketAddr::from(([0, 0, 0, 0], 8443)),
        /// Where clients reach the relay, as HOST:PORT; the first is tried first. Links carry them.
        public: Vec<String> = Vec::new(),
        /// Web origins that may open the socket. Programs send none; web pages have no business here.
        origins: Vec<String> = vec!["tauri://localhost".to_owned(), "http://tauri.localhost".to_owned()],
    }
}

section! {
    /// TLS. Version 1.3 with a post-quantum key exchange is always on.
    Tls "tls" {
        /// "self-signed", "files" or "behind-proxy".
        mode: TlsMode = TlsMode::SelfSigned,
        /// The certificate chain (PEM), with mode "files".
        certificate: Option<PathBuf> = None,
        /// Its private key (PEM), with mode "files".
        key: Option<PathBuf> = None,
        /// Also allow TLS 1.2.
        allow_tls12: bool = false,
    }
}

section! {
    /// Connections and their queues.
    Connections "connections" {
        /// The most connections in all; leave some of the process's file descriptors free.
        total: usize = 18_000,
        /// The most connections of one address (IPv6: of one /64) that have not logged in.
        unauthenticated_per_address: usize = 32,
        /// Pushed entries that a device may leave without acknowledgement.
        window_entries: u32 = 512,
        /// Pushed bytes that a device may leave without acknowledgement.
        window_bytes: u32 = 1024 * 1024,
        /// Frames that wait for one socket; beyond, pushes stop and go on from the log.
        queue_frames: usize = 64,
        /// Bytes that wait for one socket.
        queue_bytes: usize = 256 * 1024,
        /// Requests of one socket that are carried out at the same time.
        in_flight: usize = 64,
        /// Signals of one device that are kept in memory for those who connect later; those beyond are handed on only.
        kept_signals: usize = 1_000,
        /// Bytes of kept signals in all; about 400 for each contact of each device that is not simply there.
        kept_signal_bytes: usize = 64 * 1024 * 1024,
    }
}

section! {
    /// Deadlines, in milliseconds.
    Timeouts "timeouts" {
        /// From the TCP connection to the end of the TLS handshake.
        tls: u64 = 5_000,
        /// For the head of an HTTP request.
        header: u64 = 5_000,
        /// From the WebSocket upgrade to the login.
        login: u64 = 5_000,
        /// Idleness after which the relay pings.
        ping: u64 = 30_000,
        /// Idleness after which a connection is dead.
        dead: u64 = 45_000,
        /// Without any progress in writing, a slow reader is disconnected.
        write: u64 = 30_000,
        /// How long a contact still counts as connected after a drop.
        presence_grace: u64 = 15_000,
        /// Cursors are written behind within this time.
        cursors: u64 = 1_000,
        /// How long a stopping relay waits for its sessions.
        drain: u64 = 5_000,
    }
}

section! {
    /// What an account may do.
    Quotas "quotas" {
        /// Entries that a conversation may hold for devices that have not fetched them.
        entries_per_conversation: u64 = 200_000,
        /// Bytes that an account may append in a day; each entry counts for 256 more.
        bytes_per_day: u64 = 2 * 1024 * 1024 * 1024,
        /// Appends that a device may make in a second, on average.
        appends_per_second: u32 = 200,
        /// Appends that a device may make at once.
        appends_burst: u32 = 2_000,
        /// Signals that a device may send in a second.
        signals_per_second: u32 = 20,
        /// Other requests that a device may make in a second, on average.
        requests_per_second: u32 = 20,
        /// One-time key packages that are kept for a device.
        key_packages: u16 = 100,
        /// Key packages that an account may claim in an hour.
        claims_per_hour: u32 = 600,
        /// The same of one other account in a day: nobody uses up what a stranger has published.
        claims_of_one_per_day: u32 = 48,
        /// Commits that an account may make in one conversation in an hour, new incarnations included.
        commits_per_hour: u32 = 120,
        /// The same in a day where the other account blocked it.
        commits_of_blocked_per_day: u32 = 32,
        /// Logins of one device in a minute.
        logins_per_minute: u32 = 60,
        /// Conversations that an account may have asked for without an answer.
        requests: u32 = 20,
        /// Handles that an account may look up or try to take in an hour.
        lookups_per_hour: u32 = 60,
        /// The same of all accounts together in a minute.
        lookups_per_minute: u32 = 600,
        /// Links in force that an account may have made. With those that were used up or ended before their time, ten times as many.
        links: u32 = 50,
        /// The most accounts that one link of an account lets in.
        link_uses: u16 = 100,
        /// The longest life of a link of an account, in days.
        link_days: u32 = 365,
        /// Registrations from one address in an hour.
        registrations_per_hour: u32 = 30,
        /// Logins from one address that may fail in a minute.
        failed_logins_per_minute: u32 = 10,
        /// Registrations and failed logins in a minute, in all.
        attempts_per_minute: u32 = 600,
    }
}

section! {
    /// How long things are kept, in days.
    Retention "retention" {
        /// Entries that a device has not fetched.
        entries: u16 = 60,
        /// Client ids, by which repeats of a request are known.
        client_ids: u16 = 90,
    }
}

section! {
    /// The database.
    Storage "storage" {
        /// Connections that read beside the one that writes.
        readers: usize = 2,
        /// Requests that wait for the writer; beyond, the relay answers "unavailable".
        queue: usize = 8_192,
        /// The largest database in bytes; 0 is as much as the disk holds.
        max_bytes: u64 = 0,
        /// Groups whose public state is kept in memory.
        groups: usize = 512,
    }
}

/// Everything that an operator can set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the relay listens and how it is reached.
    pub listen: Listen,
    /// TLS.
    pub tls: Tls,
    /// Connections and their queues.
    pub connections: Connections,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// What an account may do.
    pub quotas: Quotas,
    /// How long things are kept.
    pub retention: Retention,
    /// The database.
    pub storage: Storage,
}

impl Config {
    /// Reads and checks a file. A key that is not known is an error: it is a misspelt one.
    ///
    /// # Errors
    /// Where the file cannot be read, does not parse, or contradicts itself.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let config: Self =
            toml::from_str(&text).with_context(|| format!("parse {}", path.display()))?;
        config.check()?;
        Ok(config)
    }

    /// The file with every key, its description and its value.
    #[must_use]
    pub fn to_commented_toml(&self) -> String {
        let mut out = String::from(
            "# relevo-relay. Every key is shown; what is left out has the value shown in `config example`.\n\n",
        );
        self.listen.write_example(&mut out);
        self.tls.write_example(&mut out);
        self.connections.write_example(&mut out);
        self.timeouts.write_example(&mut out);
        self.quotas.write_example(&mut out);
        self.retention.write_example(&mut out);
        self.storage.write_example(&mut out);
        out
    }

    /// Refuses what contradicts itself.
    ///
    /// # Errors
    /// A sentence that names the key.
    pub fn check(&self) -> anyhow::Result<()> {
        for address in &self.listen.public {
            address
                .parse::<protocol::Address>()
                .ok()
                .with_context(|| format!("listen.public: {address:?} is not HOST:PORT"))?;
        }
        ensure!(
            self.listen.public.len() <= protocol::bounds::ADDRESSES,
            "listen.public: at most {} addresses fit a link",
            protocol::bounds::ADDRESSES
        );
        ensure!(
            self.tls.mode != TlsMode::Files
                || (self.tls.certificate.is_some() && self.tls.key.is_some()),
            "tls.mode = \"files\" needs tls.certificate and tls.key"
        );
        ensure!(
            self.timeouts.ping < self.timeouts.dead,
            "timeouts.ping must be below timeouts.dead"
        );
        let connections = &self.connections;
        let sizes = [
            connections.total,
            connections.unauthenticated_per_address,
            connections.queue_frames,
            connections.queue_bytes,
            connections.in_flight,
        ];
        let windows = [connections.window_entries, connections.window_bytes];
        ensure!(
            !sizes.contains(&0) && !windows.contains(&0),
            "connections: zero allows nothing"
        );
        ensure!(
            self.storage.readers > 0 && self.storage.queue > 0 && self.storage.groups > 0,
            "storage: zero allows nothing"
        );
        ensure!(
            self.retention.client_ids >= self.retention.entries,
            "retention.client_ids must not be shorter than retention.entries"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_file_is_the_default_configuration() {
        let example = Config::default().to_commented_toml();
        assert_eq!(
            toml::from_str::<Config>(&example).unwrap(),
            Config::default()
        );
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        assert!(toml::from_str::<Config>("[listen]\nadress = \"0.0.0.0:1\"").is_err());
        assert!(toml::from_str::<Config>("[lisen]").is_err());
    }

    #[test]
    fn contradictions_are_refused() {
        let mut config = Config::default();
        config.tls.mode = TlsMode::Files;
        assert!(config.check().is_err());
        let mut config = Config::default();
        config.listen.public = vec!["not an address".to_owned()];
        assert!(config.check().is_err());
        let mut config = Config::default();
        config.connections.window_bytes = 0;
        assert!(config.check().is_err(), "nothing would ever be pushed");
    }
}
