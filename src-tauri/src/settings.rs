//! Theme and language, in a small file of the profile.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use tracing::warn;

use crate::dto::Settings;

/// A settings file is far smaller; anything larger is not one.
const LARGEST: u64 = 64 * 1024;

/// The settings and the file that keeps them.
pub(crate) struct SettingsFile {
    path: PathBuf,
    current: Mutex<Settings>,
}

impl SettingsFile {
    /// Reads the file. A damaged one is put aside, and the settings are the usual ones.
    pub(crate) fn load(folder: &Path) -> Self {
        let path = folder.join("settings.json");
        let current = match read(&path) {
            Ok(settings) => settings,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Settings::default(),
            Err(error) => {
                let put_aside = fs::rename(&path, path.with_extension("json.damaged")).is_ok();
                warn!(%error, put_aside, "the settings cannot be read");
                Settings::default()
            }
        };
        Self {
            path,
            current: Mutex::new(current),
        }
    }

    pub(crate) fn current(&self) -> Settings {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the file whole or not at all. Blocks.
    pub(crate) fn save(&self, settings: Settings) -> io::Result<()> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let partial = self.path.with_extension("json.partial");
        let mut file = File::create(&partial)?;
        file.write_all(&serde_json::to_vec_pretty(&settings)?)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&partial, &self.path)?;
        *current = settings;
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Settings> {
    if fs::metadata(path)?.len() > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "too large"));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dto::{Language, Theme};

    #[test]
    fn what_is_saved_is_read_again() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = SettingsFile::load(folder.path());
        assert_eq!(file.current(), Settings::default());
        let settings = Settings {
            theme: Theme::Dark,
            language: Language::Es,
        };
        file.save(settings)?;
        assert_eq!(file.current(), settings);
        assert_eq!(SettingsFile::load(folder.path()).current(), settings);
        Ok(())
    }

    #[test]
    fn a_damaged_file_is_put_aside() -> io::Result<()> {
        for damaged in [
            "",
            "{",
            "[]",
            r#"{"theme":"pink","language":"en"}"#,
            "\u{0}\u{1}",
        ] {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("settings.json");
            fs::write(&path, damaged)?;
            assert_eq!(
                SettingsFile::load(folder.path()).current(),
                Settings::default(),
                "{damaged:?}"
            );
            assert!(!path.exists());
            assert_eq!(
                fs::read_to_string(folder.path().join("settings.json.damaged"))?,
                damaged
            );
        }
        Ok(())
    }
}
