//! What a segment says, one after the other.

use minicbor::{Decode, Encode};

use crate::store::backup::Cell;

/// One item of a segment.
#[derive(Debug, PartialEq, Encode, Decode)]
pub(super) enum Record {
    /// The rows that follow are of this table and have these columns.
    #[n(0)]
    Table(#[n(0)] String, #[n(1)] Vec<String>),
    /// A row.
    #[n(1)]
    Row(#[n(0)] i64, #[n(1)] Vec<Cell>),
    /// The message of this row is gone.
    #[n(2)]
    Removed(#[n(0)] i64),
}
