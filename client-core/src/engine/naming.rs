//! The own name: a person may change it, and whoever has it is told.

use crate::{
    content,
    engine::{Engine, ids::Ids, opening::tell_profile},
    error::Result,
    model::Standing,
    store::{self, conversations},
};

impl Engine {
    /// Sets the own name, and queues it for everybody who has the former one: it goes out when there is a connection, to
    /// somebody blocked when the block is over. Who asks to write learns it on being accepted. The name that is set already is
    /// no news.
    ///
    /// The recovery record takes the name over as long as the code is here. Afterwards it keeps the one that it has.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NameInvalid`], [`crate::ErrorKind::DiskFull`], [`crate::ErrorKind::Database`]: the former name
    /// stays.
    pub fn set_name(&mut self, name: &str) -> Result<()> {
        let name = content::clean_name(name)?;
        if self.account.name == name {
            return Ok(());
        }
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let record = self.record_named(&name)?;
        self.write(|write| {
            store::account::set_name(write, &name)?;
            if let Some(record) = &record {
                store::account::set_record(write, record)?;
            }
            // where a conversation is only being opened, the name is told once it is there
            for key in conversations::established(write.connection())? {
                let row = conversations::row(write.connection(), key)?;
                if row.standing != Standing::Requested {
                    tell_profile(write, key, &name, None, &ids)?;
                }
            }
            Ok(())
        })?;
        self.account.name = name;
        let outcome = self.tell_name(record.is_some());
        self.settle(outcome);
        Ok(())
    }

    fn tell_name(&mut self, with_record: bool) -> Result<()> {
        if with_record && self.session.is_online() {
            self.tell_record()?;
        }
        self.pump()
    }
}
