//! So that nothing is lost that can be kept: automatic copies of the database, and what is done when it is damaged.
//!
//! ```text
//! account/copies/relevo-YYYYMMDDTHHMM.db   the newest three copies, encrypted by the same key, each read back whole
//! account/quarantine-TIME/                 a damaged database as it was found; only a person deletes it
//! account/relevo.db.partial                a new database in the making
//! account/relevo.db.mended-TIME            one that is ready to take the damaged one's place
//! ```
//! Damage never ends in an empty database in silence: what can be read is taken over, what cannot comes from the newest
//! copy, and what is lost is said in [`Mended`], which stays in the database until the person has read it.

pub(crate) mod copies;
pub(crate) mod mending;

pub use self::copies::Copied;
pub use crate::store::mendings::{How, Mended};
