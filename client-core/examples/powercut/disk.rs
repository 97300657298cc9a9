//! A disk whose power can be cut: XFS in a file, on a loop device.
//!
//! The cut is XFS's own shutdown without a flush of its log (`XFS_IOC_GOINGDOWN`, no log flush): from then on nothing
//! reaches the file, and what was not synced before is gone after the next mount. ext4 with the same call is too kind.
//!
//! One thing it does that no disk does: an `fdatasync` that is under way at that moment may report success for what is lost.
//! Some 370 cuts under a program that does nothing but write and sync showed this in every ninth, never for a sync that had
//! returned before the shutdown was called. So only answers that came before it count; see [`Power`].

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

/// Bytes of the file system; the smallest that `mkfs.xfs` takes is 300 MiB.
const SIZE: u64 = 400 * 1024 * 1024;
/// How often unmounting is tried while a killed process is still let go of.
const ATTEMPTS: u32 = 200;

/// Whether the power is on. What is answered later is no promise.
#[derive(Clone)]
pub(crate) struct Power(Arc<AtomicBool>);

impl Power {
    pub(crate) fn on() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn fail(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// A mounted file system.
pub(crate) struct Disk {
    image: PathBuf,
    mount: PathBuf,
    mounted: bool,
}

impl Disk {
    /// Makes an empty file system in `dir`.
    pub(crate) fn create(dir: &Path) -> Result<Self> {
        let mut disk = Self {
            image: dir.join("disk.img"),
            mount: dir.join("disk"),
            mounted: false,
        };
        fs::create_dir_all(&disk.mount)?;
        File::create(&disk.image)?.set_len(SIZE)?;
        run(Command::new("mkfs.xfs").args(["-q", "-f"]).arg(&disk.image))?;
        disk.mount()?;
        Ok(disk)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.mount
    }

    /// The power fails. Whoever uses the disk gets errors from now on and should be killed.
    pub(crate) fn cut(&self) -> Result<()> {
        run(Command::new("xfs_io")
            .args(["-x", "-c", "shutdown"])
            .arg(&self.mount))
    }

    /// The power is back.
    pub(crate) fn restore(&mut self) -> Result<()> {
        self.unmount()?;
        self.mount()
    }

    fn mount(&mut self) -> Result<()> {
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(&self.image)
            .arg(&self.mount))?;
        self.mounted = true;
        Ok(())
    }

    fn unmount(&mut self) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if run(Command::new("umount").arg(&self.mount)).is_ok() {
                self.mounted = false;
                return Ok(());
            }
            sleep(Duration::from_millis(10));
        }
        bail!("{} is still in use", self.mount.display())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // a file system that stays is seen in `mount`
            let _unmounted = self.unmount();
        }
    }
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    // Ctrl+C is not for them
    let output = command
        .process_group(0)
        .output()
        .with_context(|| format!("start {name}"))?;
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
