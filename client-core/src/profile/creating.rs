//! Making an account for an invite, so that every attempt after a failure goes on with the same keys.

use std::{fs, io};

use protocol::{AccountId, Link, LinkKind, RelayId};
use tracing::warn;
use zeroize::Zeroizing;

use crate::{
    content,
    crypto::AccountKeys,
    engine::{Engine, Seams, recovery::signed_record},
    error::{Error, ErrorKind, Result},
    files,
    keyslots::{self, Protection, SecretStore, Unlock, UnlockError},
    profile::{OpenedAccount, Profile, entry_name},
    restoring::FoundAccount,
    seams::Randomness,
    store::{Database, DatabaseKey, account, account::AccountRow, identity},
};

/// Ends the marker of an attempt whose account is stored.
const STORED: &str = " stored";

impl Profile {
    /// Makes an account for a link, ready to register. Safe to repeat with the same link: the same keys are used again, so
    /// that an answer of the relay that was lost does no harm.
    ///
    /// Where an earlier attempt with another link came to nothing, the newer link counts. Where the relay has made an account
    /// for it, that one is opened instead: it then has the relay of the earlier link, and the newer one adds its contact if it is
    /// of the same relay.
    ///
    /// # Errors
    /// [`ErrorKind::BadLink`] where the link is no invite, [`ErrorKind::NameInvalid`], the errors of [`keyslots::create`],
    /// [`ErrorKind::Database`], [`ErrorKind::DiskFull`]; [`ErrorKind::OtherProtection`] or [`ErrorKind::Keyring`] where an
    /// earlier attempt with the same link cannot be opened, which nothing replaces.
    pub fn create(
        &self,
        link: &Link,
        name: &str,
        protection: &Protection,
        keyring: &dyn SecretStore,
        seams: Seams,
    ) -> Result<OpenedAccount> {
        let name = content::clean_name(name)?;
        if link.kind != LinkKind::Invite {
            return Err(Error::new(
                ErrorKind::BadLink,
                "a contact link makes no account",
            ));
        }
        let token = link.secret.token();
        let marker = token.stored_hash().to_hex();
        let relay = link.relay;
        let new = |random: &mut dyn Randomness, now| {
            let keys = AccountKeys::generate(random, relay, now)?;
            let manifest = keys.manifest();
            Ok(New {
                row: AccountRow::new(&keys, manifest, &link.addresses, Some(token)),
                former: None,
                record: None,
            })
        };
        let aim = Aim::Invite(link);
        let (mut opened, made) =
            self.begin_or_go_on(&marker, aim, protection, keyring, seams, new)?;
        opened.engine.set_name(&name)?;
        match (made, link.issuer) {
            (MadeBy::ThisAttempt, Some(issuer)) => {
                opened.engine.open_inviter(issuer, link.secret.clone())?;
            }
            // as for any account that was there before
            (MadeBy::Another(of), Some(_)) if of == relay => {
                opened.engine.open_link(link)?;
            }
            (MadeBy::Another(_), _) => warn!("an account was there that another link made"),
            (MadeBy::ThisAttempt, None) => {}
        }
        Ok(opened)
    }

    /// Brings an account back on this computer as a new device, ready to be let in. The devices before it are revoked. Safe to
    /// repeat with the same code. Without a name the person keeps the one that the recovery record has.
    ///
    /// An earlier attempt goes on while it leads into the account as the relay shows it. Where another computer came back since,
    /// it is moved out of the way, and another begins.
    ///
    /// # Errors
    /// [`ErrorKind::NameInvalid`], also where none is given and the record has none; [`ErrorKind::RelayIdentity`] where the
    /// relay shows documents that contradict the record, [`ErrorKind::OtherProtection`] as in [`Profile::create`], the errors
    /// of [`keyslots::create`], [`ErrorKind::Database`], [`ErrorKind::DiskFull`].
    pub fn restore(
        &self,
        found: &FoundAccount,
        name: Option<&str>,
        protection: &Protection,
        keyring: &dyn SecretStore,
        seams: Seams,
    ) -> Result<OpenedAccount> {
        let name = content::clean_name(name.or(found.record.name()).unwrap_or_default())?;
        let marker = found.code.record_id().stored_hash().to_hex();
        let new = |random: &mut dyn Randomness, now| {
            let (mut keys, manifest) =
                AccountKeys::restored(&found.record, &found.manifest, random, now)
                    .map_err(|error| Error::new(ErrorKind::RelayIdentity, error.to_string()))?;
            // the code stays; what it opens holds the new device-signing key from now on
            let record = keys
                .recovery_record(random, &found.code, &name)
                .map_err(|error| Error::new(ErrorKind::Crypto, error.to_string()))?;
            let record = signed_record(&keys, &found.code, record);
            keys.forget_root_key();
            let mut row = AccountRow::new(&keys, manifest, &found.addresses, None);
            row.enrolling = true;
            Ok(New {
                row,
                former: Some(found.manifest.clone()),
                record: Some(record),
            })
        };
        let aim = Aim::Restore(found);
        let (mut opened, _) = self.begin_or_go_on(&marker, aim, protection, keyring, seams, new)?;
        opened.engine.set_name(&name)?;
        Ok(opened)
    }

    /// Ends an attempt that was cut off after the relay had made the account, or had let this device in, and before that was
    /// noted here: says whether there is one. Only where it opens without a question.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub fn finish_begun(&self, keyring: &dyn SecretStore) -> Result<bool> {
        let is_stored = self.left()?.is_some_and(|left| left.ends_with(STORED));
        if !is_stored {
            return Ok(false);
        }
        // one that does not open now is a question when it is asked for again
        let Ok((_, database)) = self.open_begun(&Protection::Keyring, keyring) else {
            return Ok(false);
        };
        let is_made = account::load(database.connection())?.is_made();
        drop(database);
        if is_made {
            self.registered()?;
        }
        Ok(is_made)
    }

    /// Goes on with what an earlier attempt left, or begins.
    fn begin_or_go_on(
        &self,
        marker: &str,
        aim: Aim<'_>,
        protection: &Protection,
        keyring: &dyn SecretStore,
        mut seams: Seams,
        new: impl FnOnce(&mut dyn Randomness, u64) -> Result<New>,
    ) -> Result<(OpenedAccount, MadeBy)> {
        let (key, database, made) = match self.begun(marker, aim, protection, keyring)? {
            Some((key, database, made)) => {
                let account = account::load(database.connection())?.account;
                self.protect_anew(&key, protection, account, keyring, &mut seams)?;
                (key, database, made)
            }
            None => {
                let (key, database) = self.begin(marker, protection, keyring, &mut seams, new)?;
                (key, database, MadeBy::ThisAttempt)
            }
        };
        let opened = OpenedAccount {
            engine: Engine::new(database, seams)?,
            path: self.database(),
            key,
            mended: None,
        };
        Ok((opened, made))
    }

    /// What the marker says, where there is one.
    fn left(&self) -> Result<Option<String>> {
        match fs::read_to_string(self.marker()) {
            Ok(left) => Ok(Some(left)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What an earlier attempt left, if it goes on: one with the same link, or one that the relay has let in since. An attempt
    /// of which the relay cannot have heard counts for nothing; one with another link that cannot be opened is not asked for
    /// any more, and is moved out of the way. So is everything else than the account that is to be restored, and what leads into
    /// that no more.
    ///
    /// # Errors
    /// Where an attempt with the same link cannot be opened: its keys may be the only ones that the link lets in.
    fn begun(
        &self,
        marker: &str,
        aim: Aim<'_>,
        protection: &Protection,
        keyring: &dyn SecretStore,
    ) -> Result<Option<(DatabaseKey, Database, MadeBy)>> {
        let left = self.left()?;
        let Some(link) = left.as_deref().and_then(|left| left.strip_suffix(STORED)) else {
            return Ok(None);
        };
        let is_same = link == marker;
        match self.open_begun(protection, keyring) {
            Ok((key, mut database)) => {
                let row = account::load(database.connection())?;
                let goes_on = match aim {
                    Aim::Invite(link) => row.is_made() || (is_same && row.relay == link.relay),
                    Aim::Restore(found) => (row.is_made() || is_same) && found.admits(&row)?,
                };
                if !goes_on {
                    return Ok(None);
                }
                if let Aim::Invite(link) = aim
                    && !row.is_made()
                {
                    // the relay may be somewhere else than the same link said before
                    database.write(|write| account::set_addresses(write, &link.addresses))?;
                }
                let made = if is_same {
                    MadeBy::ThisAttempt
                } else {
                    MadeBy::Another(row.relay)
                };
                Ok(Some((key, database, made)))
            }
            Err(error) if is_same => Err(error),
            Err(error) => {
                warn!(%error, "an attempt with another link is left aside");
                Ok(None)
            }
        }
    }

    fn open_begun(
        &self,
        protection: &Protection,
        keyring: &dyn SecretStore,
    ) -> Result<(DatabaseKey, Database)> {
        let key = self.unlock_begun(protection, keyring).map_err(|error| {
            let error = Error::from(error);
            match error.kind() {
                ErrorKind::WrongPassphrase => {
                    Error::new(ErrorKind::OtherProtection, error.to_string())
                }
                _ => error,
            }
        })?;
        let database = Database::open(&self.database(), &key)?;
        Ok((key, database))
    }

    fn unlock_begun(
        &self,
        protection: &Protection,
        keyring: &dyn SecretStore,
    ) -> std::result::Result<DatabaseKey, UnlockError> {
        let silently = Unlock::Silently(keyring);
        let asked = match protection {
            Protection::Passphrase(passphrase) => Unlock::Passphrase(passphrase),
            Protection::RecoveryCode(code) => Unlock::RecoveryCode(code),
            Protection::Keyring | Protection::Unprotected => return self.unlock(&silently),
        };
        // the keyring's trouble says more than that the passphrase is not for it
        self.unlock(&asked).or_else(|_| self.unlock(&silently))
    }

    /// The person may choose another protection at the second attempt.
    fn protect_anew(
        &self,
        key: &DatabaseKey,
        protection: &Protection,
        account: AccountId,
        keyring: &dyn SecretStore,
        seams: &mut Seams,
    ) -> Result<()> {
        if keyslots::kinds(&self.slots())? == [protection.kind()] {
            return Ok(());
        }
        let random = seams.random.as_mut();
        keyslots::create(
            &self.slots(),
            key,
            protection,
            &entry_name(account),
            keyring,
            random,
        )
    }

    /// Makes keys, slots and database. An account that was never made is moved out of the way, not deleted.
    fn begin(
        &self,
        marker: &str,
        protection: &Protection,
        keyring: &dyn SecretStore,
        seams: &mut Seams,
        new: impl FnOnce(&mut dyn Randomness, u64) -> Result<New>,
    ) -> Result<(DatabaseKey, Database)> {
        if self.holds_account() {
            self.set_aside(seams.clock.wall_ms())?;
        }
        files::create_private_folder(&self.account())?;
        files::replace(&self.marker(), marker.as_bytes())?;
        files::sync_folder(&self.folder)?;
        let now = seams.clock.wall_ms();
        let random = seams.random.as_mut();
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice())?;
        let key = DatabaseKey::new(*bytes);
        let New {
            row,
            former,
            record,
        } = new(random, now)?;
        let entry = entry_name(row.account);
        keyslots::create(&self.slots(), &key, protection, &entry, keyring, random)?;
        keyslots::keep_identity(&self.slots(), &key, &identity::of_row(&row), random)?;
        crate::KillPoint::KeySlotsMade.reach();
        let mut database = Database::create(&self.database(), &key)?;
        crate::KillPoint::DatabaseMade.reach();
        database.write(|write| {
            account::insert(write, &row)?;
            if let Some(former) = &former {
                account::note_own_manifest(write.connection(), former)?;
            }
            match &record {
                Some(record) => account::set_record(write, record),
                None => Ok(()),
            }
        })?;
        crate::KillPoint::AccountStored.reach();
        // from here on the relay may hear of it
        files::replace(&self.marker(), format!("{marker}{STORED}").as_bytes())?;
        Ok((key, database))
    }

    fn set_aside(&self, now: u64) -> Result<()> {
        if !self.marker().exists() {
            return Err(Error::new(
                ErrorKind::Database,
                "there is an account already",
            ));
        }
        fs::rename(self.account(), self.folder.join(format!("abandoned-{now}")))?;
        Ok(())
    }
}

/// What an attempt leads to.
#[derive(Clone, Copy)]
enum Aim<'a> {
    /// A new account by this link.
    Invite(&'a Link),
    /// This account, on this computer.
    Restore(&'a FoundAccount),
}

/// Which attempt an account is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MadeBy {
    /// The present one, or an earlier one with the same link or code.
    ThisAttempt,
    /// One with another link, on this relay.
    Another(RelayId),
}

/// What a new database begins with.
struct New {
    row: AccountRow,
    /// The manifest before the one in the row: others may still name it, and it is nobody else's.
    former: Option<Vec<u8>>,
    /// The recovery record that the relay has to be told.
    record: Option<account::Record>,
}
