//! What runs leave in the folder that belongs to no backup.

use std::{fs, path::Path};

use crate::backup::{
    BackupError, aside,
    manifest::{self, SegmentId},
};

/// Removes what a run wrote that failed, unless the manifest names it: that takes its place before the disk confirms it, and is
/// whole all the same. What is left the next run that ends well removes.
pub(super) fn give_up(folder: &Path, key: &[u8; 32], written: &[SegmentId]) {
    let named = match manifest::read(folder, key) {
        Ok(manifest) => manifest.names().copied().collect(),
        // what was written last is whole where it can be read
        Err(BackupError::Missing | BackupError::Damaged(_)) => Vec::new(),
        // it may name them
        Err(_) => return,
    };
    for id in written.iter().filter(|id| !named.contains(id)) {
        let _removed = fs::remove_file(manifest::segment_path(folder, id));
    }
}

pub(super) fn is_partial(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "partial")
}

/// Of the segments that the manifest does not name, sets aside those that may hold what nothing else does, and removes the
/// others: rests, those that `former` named, and what no manifest ever named.
pub(super) fn clear(
    folder: &Path,
    key: &[u8; 32],
    named: &[SegmentId],
    former: &[SegmentId],
    place: Option<&Path>,
) -> Result<(), BackupError> {
    let waiting = aside::Waiting::of(folder, key);
    for (path, id) in manifest::segments_in(folder)? {
        if is_partial(&path) {
            fs::remove_file(&path)?;
        } else if !named.contains(&id) {
            let place = place.or_else(|| waiting.place_of(&id, former.contains(&id)));
            match place {
                Some(place) => aside::take(&path, place, &id, key)?,
                None => fs::remove_file(&path)?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use minicbor::bytes::ByteArray;
    use protocol::{AccountId, DeviceId};

    use super::*;
    use crate::{backup::manifest::Manifest, seams::SeededRandom};

    const KEY: [u8; 32] = [7; 32];

    fn manifest(segments: &[u8]) -> Manifest {
        Manifest {
            run: [1; 16].into(),
            time: 1,
            account: AccountId::new([2; 16]),
            device: DeviceId::new([3; 16]),
            form: 1,
            record: Vec::new().into(),
            state: id(9),
            segments: segments.iter().copied().map(id).collect(),
            last_message: 0,
            messages: 0,
            digest: [0; 32].into(),
            holds_lost: false,
            privacy: None,
            handle: None,
        }
    }

    fn id(number: u8) -> SegmentId {
        ByteArray::from([number; 16])
    }

    /// A run that wrote segments 1, 2 and 9 fails; which of them are left.
    fn left_after(prepare: impl FnOnce(&Path)) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = |number: &u8| manifest::segment_path(folder.path(), &id(*number));
        let written = [1, 2, 9];
        for number in &written {
            fs::write(path(number), b"sealed").unwrap();
        }
        prepare(folder.path());
        give_up(folder.path(), &KEY, &written.map(id));
        let there = written.iter().filter(|number| path(number).exists());
        there.copied().collect()
    }

    fn write(folder: &Path, manifest: &Manifest) {
        manifest::write(folder, &KEY, manifest, &mut SeededRandom::new(1)).unwrap();
    }

    #[test]
    fn a_run_that_fails_after_its_manifest_took_its_place_keeps_what_that_names() {
        assert_eq!(left_after(|it| write(it, &manifest(&[1, 2]))), [1, 2, 9]);
        let unreadable = |folder: &Path| fs::create_dir(folder.join("relevo-backup")).unwrap();
        assert_eq!(left_after(unreadable), [1, 2, 9], "nobody can tell");
    }

    #[test]
    fn a_run_that_fails_before_leaves_nothing() {
        assert!(left_after(|_| ()).is_empty());
        let former = Manifest {
            state: id(8),
            ..manifest(&[5])
        };
        assert!(left_after(|it| write(it, &former)).is_empty());
        let damaged = |folder: &Path| fs::write(folder.join("relevo-backup"), b"RLVB").unwrap();
        assert!(left_after(damaged).is_empty());
    }
}
