//! The public state of MLS groups: what lets a relay refuse a commit that would wedge or hijack a group.
//!
//! A relay holds no secret of a group. It follows the tree and the transcript by the handshakes, which are public, and
//! checks each commit before the members see it.

mod cache;
mod leaf;
mod public;
mod snapshot;

pub(crate) use self::{
    cache::Groups,
    leaf::check_key_package,
    public::{Founding, Proposed, is_external},
};
