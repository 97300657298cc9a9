//! The recovery code: kept here until the person has it, and the record at the relay that it opens.

use protocol::StoreRecord;

use crate::{
    engine::{Engine, requests::Request},
    error::Result,
    store,
};

impl Engine {
    /// Gives the relay the recovery record that it does not have yet.
    pub(super) fn tell_record(&mut self) -> Result<()> {
        if let Some((record, bytes)) = store::account::untold_record(self.database.connection())? {
            let frame = StoreRecord {
                record,
                bytes: bytes.into(),
            };
            self.request(Request::Record, &frame.into());
        }
        Ok(())
    }
}
