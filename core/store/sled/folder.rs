//! The state folder: whose it is, who may read it, and its copy before a change of format.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::unusable;
use crate::{Error, ErrorKind, Result};
use jiff::Timestamp;

/// What the store keeps in the folder; the rest is somebody else's and left alone.
const DATA: [&str; 2] = ["db", "seal"];

/// A folder that belongs to this process until it is dropped.
///
/// It holds `hub.pid` (locked while it is used; tells who has it), `db/` (sled's files) and `seal`.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    claim: File,
}

impl Folder {
    /// Makes the folder where there is none, and takes it for this process.
    pub(super) fn claim(path: &Path, now: Timestamp) -> Result<Self> {
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
        Ok(Self { path: path.to_owned(), claim })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
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
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let settled = || {
            close_to_others(&self.path.join("hub.pid"))?;
            for data in DATA {
                close_to_others(&self.path.join(data))?;
                sync_all(&self.path.join(data))?;
            }
            sync(&self.path)?;
            sync(parent)
        };
        settled().map_err(unusable)
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
            for data in DATA {
                copy(&self.path.join(data), &partial.join(data))?;
            }
            sync_all(&partial)?;
            fs::rename(&partial, &backup)
        };
        copied().map_err(unusable).map_err(|error| error.at("backup", backup.display()))?;
        Ok(backup)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.wait_for_engine();
        // The lock is what counts; a name that stays behind does no harm.
        let _ = self.claim.set_len(0);
    }
}

fn taken(claim: &mut File) -> Error {
    let mut who = String::new();
    let read = claim.rewind().and_then(|()| claim.read_to_string(&mut who));
    let who = if read.is_ok() && !who.trim().is_empty() { who.trim() } else { "a process that has not told its id" };
    let message = format!("another hub uses this state folder ({who}): ask that one, or stop it first");
    Error::new(ErrorKind::Config, message)
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

/// Syncs a file, or every file and folder below a folder and then the folder.
fn sync_all(path: &Path) -> std::io::Result<()> {
    if path.is_file() {
        return OpenOptions::new().read(true).write(true).open(path)?.sync_all();
    }
    for entry in fs::read_dir(path)? {
        sync_all(&entry?.path())?;
    }
    sync(path)
}

/// Syncs a folder's list of names, where the system can.
fn sync(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
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
