//! Encryption as a story of people: keys, groups, the table that they live in, and what is refused.

mod content;
mod forgery;
mod golden;
mod groups;
mod keys;
mod people;
mod signals;
mod transactions;
