//! The state folder: whose it is, who may read it, and its copy before a change of format.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::disk::Disk;
use super::index::unusable;
use super::log::Extent;
use super::seal::{Ended, Seal};
use crate::{Error, ErrorKind, Result};
use jiff::Timestamp;

/// What the store keeps in the folder; the rest is somebody else's and left alone.
const DATA: [&str; 2] = ["db", "seal"];

/// A folder that belongs to this process until it is dropped.
///
/// It holds `hub.pid` (locked while it is used; tells who has it), `log-<groups>`, `db/` (sled's files) and `seal`.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    claim: File,
    disk: Arc<dyn Disk>,
    /// What is said of the store once its engine is gone: what its log holds.
    closing: Option<(Seal, Extent)>,
}

impl Folder {
    /// Makes the folder where there is none, and takes it for this process.
    pub(super) fn claim(path: &Path, now: Timestamp, disk: Arc<dyn Disk>) -> Result<Self> {
        let at = |error: Error| error.at("folder", path.display());
        make(path).map_err(unusable).map_err(at)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut claim = options.open(path.join("hub.pid")).map_err(unusable).map_err(at)?;
        match claim.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(at(taken(&mut claim))),
            Err(TryLockError::Error(cause)) => return Err(at(unusable(cause))),
        }
        let told = format!("process {} since {now}\n", std::process::id());
        claim.set_len(0).and_then(|()| claim.write_all(told.as_bytes())).map_err(unusable).map_err(at)?;
        make(&path.join("db")).map_err(unusable).map_err(at)?;
        Ok(Self { path: path.to_owned(), claim, disk, closing: None })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.disk)
    }

    /// Where sled keeps its files.
    pub(super) fn engine(&self) -> PathBuf {
        self.path.join("db")
    }

    pub(super) fn seal(&self) -> PathBuf {
        self.path.join("seal")
    }

    /// Once all files are there: others may not read them, and a power cut cannot lose their names.
    pub(super) fn settle(&self) -> Result<()> {
        let settled = || {
            close_to_others(&self.path.join("hub.pid"))?;
            for data in self.data()? {
                close_to_others(&data)?;
                self.disk.keep_all(&data)?;
            }
            self.disk.keep_names(&self.path)?;
            self.keep_own_name()
        };
        settled().map_err(unusable)
    }

    /// Keeps the folder's name, and those of the folders above it: this process may have made them all, or one before
    /// it that was killed.
    fn keep_own_name(&self) -> std::io::Result<()> {
        let path = std::path::absolute(&self.path)?;
        for (height, folder) in path.ancestors().skip(1).enumerate() {
            match self.disk.keep_names(folder) {
                // Far above, where this user may not look, nothing was made.
                Err(cause) if height > 0 && cause.kind() == std::io::ErrorKind::PermissionDenied => break,
                kept => kept?,
            }
        }
        Ok(())
    }

    /// The store's files and folders.
    fn data(&self) -> std::io::Result<Vec<PathBuf>> {
        let mut data = super::log::files(&self.path)?;
        data.extend(DATA.map(|name| self.path.join(name)));
        Ok(data)
    }

    /// Takes sled's files away, to make them anew.
    pub(super) fn clear_engine(&self) -> Result<()> {
        let cleared = || {
            fs::remove_dir_all(self.engine())?;
            make(&self.engine())?;
            self.disk.keep_names(&self.path)
        };
        cleared().map_err(unusable)
    }

    /// Has the store sealed as closed once its engine is gone.
    pub(super) fn close_after_engine(&mut self, closing: (Seal, Extent)) {
        self.closing = Some(closing);
    }

    fn close(&mut self) -> Result<()> {
        let Some((mut seal, log)) = self.closing.take() else { return Ok(()) };
        self.disk.keep_all(&self.engine()).map_err(unusable)?;
        seal.write(log, Ended::Closed)?;
        seal.keep()
    }

    /// Waits until sled's own threads have let go of its files, which they do a moment after it was closed.
    pub(super) fn wait_for_engine(&self) {
        let free = || File::open(self.engine().join("db")).map_or(true, |file| file.try_lock().is_ok());
        let mut tries = 0;
        // sled offers nothing to wait for; it took milliseconds where it was watched.
        while !free() && tries < 1_000 {
            std::thread::sleep(Duration::from_millis(5));
            tries += 1;
        }
    }

    /// Copies the folder to `<folder>.backup-<format>`, or the next free name after it.
    pub(super) fn back_up(&self, format: u32) -> Result<PathBuf> {
        let name = |suffix: &str| {
            let mut name = self.path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let first = std::iter::once(name(&format!(".backup-{format}")));
        let mut names = first.chain((2..).map(|n| name(&format!(".backup-{format}-{n}"))));
        let backup = names.find(|name| !name.exists()).unwrap_or_default();
        let partial = name(".backup-partial");
        let copied = || {
            if partial.exists() {
                fs::remove_dir_all(&partial)?;
            }
            make(&partial)?;
            for data in self.data()? {
                copy(&data, &partial.join(data.file_name().unwrap_or_default()))?;
            }
            self.disk.keep_all(&partial)?;
            fs::rename(&partial, &backup)?;
            self.keep_own_name()
        };
        copied().map_err(unusable).map_err(|error| error.at("backup", backup.display()))?;
        Ok(backup)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.wait_for_engine();
        // Without the mark the next opening only takes longer.
        let _ = self.close();
        // The lock is what counts; a name that stays behind does no harm.
        let _ = self.claim.set_len(0);
    }
}

fn taken(claim: &mut File) -> Error {
    let mut who = String::new();
    let read = claim.rewind().and_then(|()| claim.read_to_string(&mut who));
    let who = if read.is_ok() && !who.trim().is_empty() { who.trim() } else { "a process that has not told its id" };
    let message = format!(
        "another hub uses this state folder ({who}): wait until it is done, or stop it first; \
         on SIGTERM `passerelle serve` finishes what is started"
    );
    Error::new(ErrorKind::Unavailable, message)
}

fn make(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if from.is_file() {
        return fs::copy(from, to).map(drop);
    }
    make(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(unix)]
fn close_to_others(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if path.is_file() {
        return fs::set_permissions(path, fs::Permissions::from_mode(0o600));
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        close_to_others(&entry?.path())?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> std::io::Result<()> {
    Ok(())
}
