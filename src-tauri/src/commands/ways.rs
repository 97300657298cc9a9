use client_core::restoring;

use super::{AddCodeSlot, AddSlot, RemoveSlot, Slots};
use crate::{
    dto::{AppError, Slot},
    state::Shell,
};

pub(super) async fn list(shell: &Shell, Slots {}: Slots) -> Result<Vec<Slot>, AppError> {
    shell.slots().await
}

pub(super) async fn add(shell: &Shell, params: AddSlot) -> Result<Vec<Slot>, AppError> {
    shell.add_slot(params.protection.into()).await
}

pub(super) async fn add_code(shell: &Shell, params: AddCodeSlot) -> Result<Vec<Slot>, AppError> {
    shell.add_code_slot(&restoring::code(&params.code.0)?).await
}

pub(super) async fn remove(shell: &Shell, params: RemoveSlot) -> Result<Vec<Slot>, AppError> {
    shell.remove_slot(params.kind.into()).await
}
