//! The log: to stderr, and to a file of bounded size in the profile. Never what people write, never keys or links.
//!
//! A file that cannot be opened stops nothing: the folder cannot be written, and the page of the app says so.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result};
use tracing_subscriber::{
    EnvFilter, Layer as _, fmt as format, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// What is logged where the variable is not set. Other people's crates only warn: what they log is not ours to judge.
const FILTER: &str = "warn,relevo=info,client_core=info";
const FILTER_VARIABLE: &str = "RELEVO_LOG";
/// The file and the one before it hold at most this much each.
const LARGEST: u64 = 1024 * 1024;

/// Starts logging. Panics are logged as well, by their place only.
pub(crate) fn start(folder: &Path) -> Result<()> {
    let file = LogFile::open(folder.join("relevo.log"), LARGEST);
    let fault = file.as_ref().err().map(ToString::to_string);
    let filter =
        || EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(FILTER));
    tracing_subscriber::registry()
        .with(
            format::layer()
                .with_writer(io::stderr)
                .with_filter(filter()),
        )
        .with(file.ok().map(|file| {
            format::layer()
                .with_ansi(false)
                .with_writer(move || file.clone())
                .with_filter(filter())
        }))
        .try_init()
        .context("start the log")?;
    if let Some(fault) = fault {
        tracing::warn!(fault, "no log file: it cannot be opened");
    }
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!(
            place = panic.location().map(tracing::field::display),
            "panic"
        );
        others(panic);
    }));
    Ok(())
}

/// A file that is put aside when it is full; the one that was put aside before is replaced.
#[derive(Clone)]
struct LogFile {
    open: Arc<Mutex<Open>>,
}

struct Open {
    path: PathBuf,
    file: File,
    written: u64,
    largest: u64,
}

impl LogFile {
    fn open(path: PathBuf, largest: u64) -> io::Result<Self> {
        let file = append(&path)?;
        let written = file.metadata()?.len();
        Ok(Self {
            open: Arc::new(Mutex::new(Open {
                path,
                file,
                written,
                largest,
            })),
        })
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.written >= open.largest {
            fs::rename(&open.path, open.path.with_extension("log.1"))?;
            open.file = append(&open.path)?;
            open.written = 0;
        }
        let count = open.file.write(bytes)?;
        open.written = open.written.saturating_add(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        // files are not buffered here
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_cannot_be_opened_stops_nothing() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let in_its_place = folder.path().join("a file");
        fs::write(&in_its_place, "")?;
        start(&in_its_place)
    }

    #[test]
    fn a_full_log_is_put_aside_and_only_one_is_kept() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("relevo.log");
        let mut log = LogFile::open(path.clone(), 100)?;
        for number in 0..100 {
            log.write_all(format!("line {number:02}, some words\n").as_bytes())?;
        }
        let kept =
            fs::read_to_string(&path)? + &fs::read_to_string(folder.path().join("relevo.log.1"))?;
        assert!(kept.contains("line 99"));
        assert!(kept.len() < 300, "{}", kept.len());
        assert_eq!(fs::read_dir(folder.path())?.count(), 2);
        Ok(())
    }
}
