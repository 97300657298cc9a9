//! The recovery code: kept here until the person has it, and the record at the relay that it opens.

use protocol::{StoreRecord, identity::Manifest};
use zeroize::Zeroizing;

use crate::{
    crypto::{AccountKeys, Comparison, RecoveryCode, RecoveryLink, SafetyNumber},
    engine::{Engine, ids::Ids, requests::Request},
    error::{Error, ErrorKind, Result},
    model::ConversationKey,
    restoring::Lost,
    store::{self, contacts, conversations},
};

/// How many words a person is asked for.
const ASKED: usize = 2;

/// What a person writes down. Shows nothing in `Debug`.
pub struct ShownCode {
    /// The code as words, in order.
    pub words: Vec<&'static str>,
    /// The text of the QR code: the code, and where the relay is.
    pub qr_text: Zeroizing<String>,
    /// The positions of the words that will be asked, from 1, ascending.
    pub ask: Vec<usize>,
    /// The code itself, for the slot that it opens.
    pub code: RecoveryCode,
}

impl std::fmt::Debug for ShownCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ShownCode(…)")
    }
}

impl Engine {
    /// Makes a recovery code where the root key is here and none was made: for a new account, and after damage. The record of
    /// an early version is signed as long as the key is here.
    pub(super) fn prepare_recovery(&mut self) -> Result<()> {
        if !self.keys.has_root_key() {
            return Ok(());
        }
        if self.account.recovery_code.is_some() {
            return self.sign_early_record();
        }
        let code = RecoveryCode::generate(self.seams.random.as_mut())?;
        let name = self.account.name.clone();
        let record = self.new_record(&code, &name)?;
        self.write(|write| {
            store::account::set_recovery_code(write, code.as_bytes(), &record)?;
            crate::KillPoint::RecordBeforeCommit.reach();
            Ok(())
        })?;
        crate::KillPoint::RecordAfterCommit.reach();
        self.account.recovery_code = Some(Zeroizing::new(*code.as_bytes()));
        Ok(())
    }

    fn new_record(&mut self, code: &RecoveryCode, name: &str) -> Result<store::account::Record> {
        let random = self.seams.random.as_mut();
        let bytes = self
            .keys
            .recovery_record(random, code, name)
            .map_err(|error| Error::new(ErrorKind::Crypto, error.to_string()))?;
        Ok(signed_record(&self.keys, code, bytes))
    }

    /// The record with another name, as long as the code is here.
    pub(super) fn record_named(&mut self, name: &str) -> Result<Option<store::account::Record>> {
        match self.account.recovery_code.clone() {
            Some(code) if self.keys.has_root_key() => {
                Ok(Some(self.new_record(&RecoveryCode::new(code), name)?))
            }
            _ => Ok(None),
        }
    }

    fn sign_early_record(&mut self) -> Result<()> {
        let record = store::account::record(self.database.connection())?
            .filter(|record| record.signature.is_none());
        let Some(mut record) = record else {
            return Ok(());
        };
        record.signature = self.keys.sign_record(&record.name, &record.bytes);
        self.write(|write| store::account::set_record(write, &record))
    }

    /// The recovery code, as long as the person has not confirmed having it. Each time other words of it are asked for.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where it is not here any more, or not yet; [`ErrorKind::Internal`].
    pub fn recovery_code(&mut self) -> Result<ShownCode> {
        let code = self.unconfirmed_code()?;
        let link = RecoveryLink {
            addresses: self.addresses()?,
            relay: self.account.relay,
            code: code.clone(),
        };
        let qr_text = link.to_text();
        if qr_text.parse::<RecoveryLink>().is_err() {
            // nobody must find out years later
            return Err(Error::new(
                ErrorKind::Internal,
                "the code's picture could not be read again",
            ));
        }
        let words = code.words();
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let mut positions: Vec<usize> = (1..=words.len()).collect();
        let mut ask = Vec::with_capacity(ASKED);
        while ask.len() < ASKED && !positions.is_empty() {
            let [drawn] = ids.array::<1>();
            ask.push(positions.swap_remove(usize::from(drawn) % positions.len()));
        }
        ask.sort_unstable();
        self.asked_words.clone_from(&ask);
        Ok(ShownCode {
            qr_text,
            words,
            ask,
            code,
        })
    }

    fn unconfirmed_code(&self) -> Result<RecoveryCode> {
        let gone = || Error::new(ErrorKind::NotFound, "there is no recovery code here");
        let code = self.account.recovery_code.clone().ok_or_else(gone)?;
        Ok(RecoveryCode::new(code))
    }

    /// Checks the words that [`Engine::recovery_code`] asked for last, by their positions from 1: those and no others. Nothing
    /// changes. Returns the code that the person has.
    ///
    /// # Errors
    /// [`ErrorKind::WrongWord`], also where none was asked for yet; [`ErrorKind::NotFound`] where there is no code any more.
    pub fn check_recovery_words(&self, answers: &[(usize, String)]) -> Result<RecoveryCode> {
        let code = self.unconfirmed_code()?;
        let words = code.words();
        let is_right = |(position, word): &(usize, String)| {
            let known = position
                .checked_sub(1)
                .and_then(|index| words.get(index))
                .is_some_and(|known| *known == word.trim().to_lowercase());
            known && self.asked_words.contains(position)
        };
        let answered = |position| answers.iter().any(|(other, _)| other == position);
        let all = self.asked_words.len() == ASKED && self.asked_words.iter().all(answered);
        if !all || !answers.iter().all(is_right) {
            return Err(Error::new(
                ErrorKind::WrongWord,
                "another word was written down",
            ));
        }
        Ok(code)
    }

    /// Checks the words that were asked for, as [`Engine::check_recovery_words`]. If they are right the code leaves this
    /// computer, and the root key with it.
    ///
    /// # Errors
    /// As there, [`ErrorKind::Offline`] while the relay does not have the record that the code opens, [`ErrorKind::Database`].
    pub fn confirm_recovery_code(&mut self, answers: &[(usize, String)]) -> Result<()> {
        self.check_recovery_words(answers)?;
        if store::account::untold_record(self.database.connection())?.is_some() {
            return Err(Error::new(
                ErrorKind::Offline,
                "the relay does not have the recovery record yet",
            ));
        }
        let mut keys = AccountKeys::from_bytes(&self.keys.to_bytes())?;
        keys.forget_root_key();
        let bytes = keys.to_bytes();
        self.write(|write| store::account::confirm_recovery(write, &bytes))?;
        self.keys = keys;
        self.account.keys = bytes;
        self.account.recovery_code = None;
        self.asked_words.clear();
        Ok(())
    }

    /// Whether a code that a person gives is the one of this account. Nothing is asked of the relay.
    ///
    /// # Errors
    /// [`ErrorKind::WrongCode`]; [`ErrorKind::NotFound`] where this device does not know, because it never had the code or lost
    /// what it knew of it: then [`Engine::lost`] finds out; [`ErrorKind::Database`].
    pub fn check_recovery_code(&self, code: &RecoveryCode) -> Result<()> {
        let record = store::account::record(self.database.connection())?
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no recovery record"))?;
        if code.record_id() == record.name {
            Ok(())
        } else {
            Err(other_code())
        }
    }

    /// What asks the relay of this account whose code this is.
    ///
    /// # Errors
    /// [`ErrorKind::BadLink`]: an address that was kept is none.
    pub fn lost(&self, code: RecoveryCode) -> Result<Lost> {
        Ok(Lost {
            code,
            addresses: self.addresses()?,
            relay: Some(self.account.relay),
        })
    }

    /// What was wiped lies in no copy of the database any more, see [`crate::profile::Profile::forget_what_was_wiped`]. The
    /// write-ahead log is emptied, which has pages as they were.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] while somebody reads an older state of the database; [`ErrorKind::Database`].
    pub fn note_wiped(&mut self) -> Result<()> {
        if !self.database.empty_log()? {
            return Err(Error::new(ErrorKind::Busy, "the log is being read"));
        }
        self.write(store::account::note_wiped)
    }

    /// The number that both people of a conversation compare.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] also before the other's key is known; [`ErrorKind::Database`].
    pub fn safety_number(&self, key: ConversationKey) -> Result<SafetyNumber> {
        let connection = self.database.connection();
        let row = conversations::row(connection, key)?;
        let peer = contacts::root_key(connection, row.peer)?
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "the other is not known yet"))?;
        let own = self.keys.root_public();
        Ok(SafetyNumber::of(
            (self.account.account, &own),
            (row.peer, &peer),
        ))
    }

    /// Compares what the other showed; the same number marks the contact as verified, another one takes the mark away.
    ///
    /// # Errors
    /// As [`Engine::safety_number`].
    pub fn compare_safety_number(
        &mut self,
        key: ConversationKey,
        text: &str,
    ) -> Result<Comparison> {
        let comparison = self.safety_number(key)?.compare(text);
        match comparison {
            Comparison::Same => self.set_verified(key, true)?,
            Comparison::Different => self.set_verified(key, false)?,
            Comparison::Unreadable => {}
        }
        Ok(comparison)
    }

    /// The number of our newest manifest.
    pub(super) fn manifest_number(&self) -> u64 {
        Manifest::open(&self.account.manifest).map_or(0, |manifest| manifest.number)
    }

    /// Gives the relay the recovery record that it does not have yet.
    pub(super) fn tell_record(&mut self) -> Result<()> {
        if let Some(record) = store::account::untold_record(self.database.connection())? {
            let frame = StoreRecord {
                record: record.name,
                bytes: record.bytes.into(),
                signature: record.signature,
            };
            self.request(Request::Record, &frame.into());
        }
        Ok(())
    }
}

/// The record that a code opens, signed by the root key where it is here.
pub(crate) fn signed_record(
    keys: &AccountKeys,
    code: &RecoveryCode,
    bytes: Vec<u8>,
) -> store::account::Record {
    let name = code.record_id();
    store::account::Record {
        name,
        signature: keys.sign_record(&name, &bytes),
        bytes,
    }
}

/// The code opens something else than this account.
pub(crate) fn other_code() -> Error {
    Error::new(ErrorKind::WrongCode, "the code is not of this account")
}
