use client_core::{Error, ErrorKind};

use super::{
    CompareSafetyNumber, ConfirmRecoveryCode, RecoveryCode, SafetyNumber, SetVerified, qr,
};
use crate::{
    dto::{self, AppError, Comparison},
    state::Shell,
};

pub(super) async fn recovery_code(
    shell: &Shell,
    RecoveryCode {}: RecoveryCode,
) -> Result<dto::RecoveryCode, AppError> {
    let shown = shell.client()?.as_ref().recovery_code().await?;
    Ok(dto::RecoveryCode {
        qr: qr::draw(&shown.qr_text)?,
        words: shown.words,
        ask: shown.ask,
    })
}

pub(super) async fn confirm_recovery_code(
    shell: &Shell,
    params: ConfirmRecoveryCode,
) -> Result<Vec<String>, AppError> {
    let answers = params
        .words
        .into_iter()
        .map(|asked| (asked.position, asked.word.0))
        .collect();
    shell.confirm_recovery_code(answers).await
}

pub(super) async fn safety_number(
    shell: &Shell,
    params: SafetyNumber,
) -> Result<dto::SafetyNumber, AppError> {
    let client = shell.client()?;
    let client = client.as_ref();
    let key = params.conversation.into();
    let number = client.safety_number(key).await?;
    let conversation = client
        .conversations()
        .await?
        .into_iter()
        .find(|conversation| conversation.key == key)
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "no such conversation"))?;
    Ok(dto::SafetyNumber {
        groups: number
            .to_string()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        qr: qr::draw(&number.to_qr_text())?,
        verified: conversation.verified,
    })
}

pub(super) async fn compare_safety_number(
    shell: &Shell,
    params: CompareSafetyNumber,
) -> Result<Comparison, AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .compare_safety_number(params.conversation.into(), params.text)
        .await?
        .into())
}

pub(super) async fn set_verified(shell: &Shell, params: SetVerified) -> Result<(), AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .set_verified(params.conversation.into(), params.verified)
        .await?)
}
