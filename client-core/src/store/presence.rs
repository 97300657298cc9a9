//! What the person says of themselves, and whether contacts may still believe what is not true any more.

use rusqlite::{Connection, OptionalExtension as _, named_params};

use crate::{
    error::Result,
    event::Event,
    model::{DoNotDisturb, OwnPresence, StatusText},
    store::{WriteTransaction, signed, unsigned},
};

/// What the person says.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn load(connection: &Connection) -> Result<OwnPresence> {
    let row = connection
        .query_row(
            "SELECT quiet_since, quiet_until, text, text_until FROM own_presence WHERE id = 1",
            [],
            |row| {
                let time = |column: &str| -> rusqlite::Result<Option<u64>> {
                    Ok(row.get::<_, Option<i64>>(column)?.map(unsigned))
                };
                let text: String = row.get("text")?;
                let (quiet_until, text_until) = (time("quiet_until")?, time("text_until")?);
                Ok(OwnPresence {
                    do_not_disturb: time("quiet_since")?.map(|since| DoNotDisturb {
                        since,
                        until: quiet_until,
                    }),
                    text: (!text.is_empty()).then_some(StatusText {
                        text,
                        until: text_until,
                    }),
                })
            },
        )
        .optional()?;
    Ok(row.unwrap_or_default())
}

/// Keeps what the person says.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn save(write: &WriteTransaction<'_>, own: &OwnPresence) -> Result<()> {
    write.execute(
        "INSERT INTO own_presence (id, quiet_since, quiet_until, text, text_until)
         VALUES (1, :quiet_since, :quiet_until, :text, :text_until)
         ON CONFLICT (id) DO UPDATE SET quiet_since = excluded.quiet_since, quiet_until = excluded.quiet_until,
             text = excluded.text, text_until = excluded.text_until",
        named_params! {
            ":quiet_since": own.do_not_disturb.map(|it| signed(it.since)),
            ":quiet_until": own.do_not_disturb.and_then(|it| it.until).map(signed),
            ":text": own.text.as_ref().map_or("", |it| it.text.as_str()),
            ":text_until": own.text.as_ref().and_then(|it| it.until).map(signed),
        },
    )?;
    write.announce(Event::MeChanged);
    Ok(())
}

/// A number for what is told next, higher than all before.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn next_number(write: &WriteTransaction<'_>) -> Result<u64> {
    let number: i64 = write
        .connection()
        .prepare_cached(
            "INSERT INTO own_presence (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET number = number + 1
             RETURNING number",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(unsigned(number))
}

/// Whether contacts may have been told something that is to be taken back.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn told(connection: &Connection) -> Result<bool> {
    let told = connection
        .query_row("SELECT told FROM own_presence WHERE id = 1", [], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(told.unwrap_or(false))
}

/// Notes that contacts are about to be told something, or that all of it was taken back.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_told(write: &WriteTransaction<'_>, told: bool) -> Result<()> {
    write.execute(
        "INSERT INTO own_presence (id, told) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET told = excluded.told",
        [told],
    )?;
    Ok(())
}
