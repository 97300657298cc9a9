use std::path::PathBuf;

use client_core::{
    export::{Format, Locale, Words},
    seams::Zone,
};

use super::{
    AcknowledgeMended, BackupNow, BringBack, DiscardDamaged, ExportConversation, Health,
    RehearseBackup, SetBackupFolder, account,
};
use crate::{
    dto::{self, AppError, ErrorCode, ExportFormat, ExportLanguage},
    state::Shell,
};

pub(super) async fn acknowledge_mended(
    shell: &Shell,
    AcknowledgeMended {}: AcknowledgeMended,
) -> Result<(), AppError> {
    Ok(shell.client()?.as_ref().mendings_told().await?)
}

pub(super) async fn health(shell: &Shell, Health {}: Health) -> Result<dto::Health, AppError> {
    shell.health().await
}

pub(super) async fn set_backup_folder(
    shell: &Shell,
    params: SetBackupFolder,
) -> Result<dto::Health, AppError> {
    let code = params.code.map(|code| account::code(&code.0)).transpose()?;
    shell
        .set_backup_folder(params.folder.map(PathBuf::from), code)
        .await?;
    shell.health().await
}

pub(super) async fn backup_now(
    shell: &Shell,
    BackupNow {}: BackupNow,
) -> Result<dto::Health, AppError> {
    shell.back_up().await?;
    shell.health().await
}

pub(super) async fn rehearse_backup(
    shell: &Shell,
    RehearseBackup {}: RehearseBackup,
) -> Result<dto::Health, AppError> {
    shell.rehearse_backup().await?;
    shell.health().await
}

pub(super) async fn bring_back(
    shell: &Shell,
    params: BringBack,
) -> Result<dto::BroughtBack, AppError> {
    let code = params.code.map(|code| account::code(&code.0)).transpose()?;
    shell.bring_back(params.folder.into(), code).await
}

pub(super) async fn discard_damaged(
    shell: &Shell,
    DiscardDamaged {}: DiscardDamaged,
) -> Result<dto::Health, AppError> {
    shell.discard_damaged().await?;
    shell.health().await
}

pub(super) async fn export_conversation(
    shell: &Shell,
    params: ExportConversation,
) -> Result<String, AppError> {
    let format = match params.format {
        ExportFormat::Html => Format::Html,
        ExportFormat::Json => Format::Json,
        ExportFormat::Markdown => Format::Markdown,
    };
    let locale = Locale {
        words: words(params.language),
        zone: Zone::of_computer(),
    };
    let file = shell
        .export(
            params.conversation.into(),
            format,
            locale,
            params.folder.into(),
        )
        .await?;
    file.into_os_string()
        .into_string()
        .map_err(|_| AppError::new(ErrorCode::Folder, "the name of the folder is no text"))
}

/// The words of an exported file.
fn words(language: ExportLanguage) -> Words {
    match language {
        ExportLanguage::En => Words::default(),
        ExportLanguage::Es => spanish(),
    }
}

fn spanish() -> Words {
    Words {
        language: "es".to_owned(),
        conversation_with: "Conversación con".to_owned(),
        exported_on: "Exportada el".to_owned(),
        unreadable: "Este mensaje no se pudo abrir.".to_owned(),
        unsupported: "Este mensaje es de un tipo que esta versión no muestra.".to_owned(),
        started: "La conversación empezó.".to_owned(),
        missing: "Pueden faltar algunos mensajes aquí.".to_owned(),
        accepted: "La solicitud fue aceptada.".to_owned(),
        rejoined: "Este equipo volvió a la conversación.".to_owned(),
        reset: "El cifrado se estableció de nuevo.".to_owned(),
        devices_changed: "Los dispositivos de la otra persona cambiaron.".to_owned(),
        split_view:
            "El relay contó cosas distintas a distintas personas sobre los dispositivos de la otra."
                .to_owned(),
        relay_went_back: "El relay volvió a un estado anterior. Lo que este equipo envió desde entonces se envió de nuevo.".to_owned(),
        not_sent: "sin enviar".to_owned(),
        sent: "enviado".to_owned(),
        delivered: "entregado".to_owned(),
        read: "leído".to_owned(),
    }
}
