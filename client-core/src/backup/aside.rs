//! Former backups that a run may neither go on with nor delete, each in a folder of its own within the backup's.
//!
//! Such a folder is a backup like any other: with its manifest, as far as there was one, and opened once its files are
//! complete. Who restores the backup of the folder gets what it has too. Its segments are also found from the backup's folder, and those there from it: a file that was away may come
//! back to either.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    backup::{
        BackupError,
        manifest::{self, SegmentId},
        stream,
    },
    files,
};

/// No more former backups than this are set aside in one folder; then runs fail until a person clears it.
const MOST: u32 = 8;

/// Where former backups of a folder are set aside.
fn places(folder: &Path) -> impl Iterator<Item = PathBuf> {
    (1..=MOST).map(|number| folder.join(format!("relevo-earlier-{number}")))
}

/// The former backups that are set aside in a folder, oldest first.
#[must_use]
pub fn set_aside(folder: &Path) -> Vec<PathBuf> {
    places(folder).filter(|place| place.is_dir()).collect()
}

/// Where a segment is: in the folder, or where one of the same backup was set aside.
pub(super) fn find(folder: &Path, id: &SegmentId) -> PathBuf {
    let own = manifest::segment_path(folder, id);
    let above = folder
        .parent()
        .filter(|above| places(above).any(|place| place == folder));
    let others = above
        .map(Path::to_owned)
        .into_iter()
        .chain(places(above.unwrap_or(folder)));
    let mut all =
        std::iter::once(own.clone()).chain(others.map(|place| manifest::segment_path(&place, id)));
    all.find(|path| files::there(path)).unwrap_or(own)
}

/// A place for what is in the folder, with a copy of its manifest. The same place where a run before this one ended half way.
///
/// # Errors
/// [`BackupError::Damaged`]: there are too many; [`BackupError::Failed`].
pub(super) fn begin(folder: &Path) -> Result<PathBuf, BackupError> {
    let former = manifest::bytes(folder)?;
    for place in places(folder) {
        if !files::there(&place) {
            files::create_private_folder(&place)?;
            if let Some(bytes) = &former {
                manifest::copy_to(&place, bytes)?;
            }
            files::sync_folder(folder)?;
            return Ok(place);
        }
        if !place.is_dir() {
            continue;
        }
        let held = manifest::bytes(&place)?;
        if held == former {
            return Ok(place);
        }
        if let (None, Some(bytes)) = (held, &former)
            && manifest::segments_in(&place)?.is_empty()
        {
            // made, and the manifest did not come any more
            manifest::copy_to(&place, bytes)?;
            return Ok(place);
        }
    }
    Err(BackupError::damaged(
        "as many earlier backups as may be are set aside in the folder",
    ))
}

/// What waits for segments.
pub(super) struct Waiting {
    /// Each place, and what its manifest names; `None` where that is not known.
    places: Vec<(PathBuf, Option<Vec<SegmentId>>)>,
}

impl Waiting {
    pub(super) fn of(folder: &Path, key: &[u8; 32]) -> Self {
        let names = |place: PathBuf| {
            let manifest = manifest::read(&place, key).ok();
            let names = manifest.map(|it| it.names().copied().collect());
            (place, names)
        };
        Self {
            places: set_aside(folder).into_iter().map(names).collect(),
        }
    }

    /// The place that a segment belongs to. One that may hold messages no other has also goes where it may belong.
    pub(super) fn place_of(&self, id: &SegmentId, needless: bool) -> Option<&Path> {
        let named = |names: &Vec<SegmentId>| names.contains(id);
        let belongs = |(_, names): &&(PathBuf, Option<Vec<SegmentId>>)| {
            names.as_ref().map_or(!needless, named)
        };
        self.places.iter().find(belongs).map(|(place, _)| &**place)
    }
}

/// Moves a segment to a place, unless it is there and whole.
///
/// # Errors
/// [`BackupError::Failed`]; then it is where it was.
pub(super) fn take(
    path: &Path,
    place: &Path,
    id: &SegmentId,
    key: &[u8; 32],
) -> Result<(), BackupError> {
    let target = manifest::segment_path(place, id);
    if files::there(&target) && stream::read(&target, id, key, &mut |_| Ok(())).is_ok() {
        return Ok(fs::remove_file(path)?);
    }
    Ok(files::put_in_place(path, &target)?)
}
