//! The one door to the disk: whole files in, whole files out by temporary file, sync and rename.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use passerelle_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

/// A larger file is refused, as the whole of it is held in memory.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// A file as it was at one moment.
#[derive(Clone)]
pub(super) struct Snapshot {
    /// Where it really is, behind symbolic links.
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    /// SHA-256 of the bytes, the first 16 in hexadecimal.
    pub(super) hash: String,
    /// When the file system says it was last changed.
    pub(super) modified: Option<SystemTime>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("path", &self.path).field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// Reads a file.
///
/// # Errors
/// `Config` when it is not there or too large, `Denied` when it may not be read, `Unavailable` while a program writes it.
pub(super) fn read(path: &Path) -> Result<Snapshot> {
    let path = fs::canonicalize(path).map_err(|cause| refused(path, cause))?;
    let mut file = File::open(&path).map_err(|cause| refused(&path, cause))?;
    let before = file.metadata().map_err(|cause| refused(&path, cause))?;
    if !before.is_file() {
        return Err(Error::new(ErrorKind::Config, format!("{} is not a file", path.display())));
    }
    if before.len() > MOST_BYTES {
        let text = format!("{} has {} bytes; the most is {MOST_BYTES}", path.display(), before.len());
        return Err(Error::new(ErrorKind::Config, text));
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file).take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|cause| refused(&path, cause))?;
    let after = file.metadata().map_err(|cause| refused(&path, cause))?;
    if after.len() != bytes.len() as u64 || after.modified().ok() != before.modified().ok() {
        return Err(being_written(&path));
    }
    if bytes.is_empty() {
        return Err(Error::new(ErrorKind::Unavailable, format!("{} is empty; it may be being saved", path.display())));
    }
    let hash = hash(&bytes);
    Ok(Snapshot { path, bytes, hash, modified: after.modified().ok() })
}

/// The error of a file that is only half there.
pub(super) fn being_written(path: &Path) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{} is incomplete; it may be being saved just now", path.display()))
}

fn refused(path: &Path, cause: io::Error) -> Error {
    let (kind, what) = match cause.kind() {
        io::ErrorKind::NotFound if lock(path).is_some() => (ErrorKind::Unavailable, "is being saved just now"),
        io::ErrorKind::NotFound => (ErrorKind::Config, "is not there"),
        io::ErrorKind::PermissionDenied => (ErrorKind::Denied, "may not be used by the hub's user"),
        _ => (ErrorKind::Unavailable, "cannot be used"),
    };
    Error::new(kind, format!("{} {what}", path.display())).because(cause)
}

/// SHA-256, the first 16 bytes in hexadecimal.
pub(super) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Who has the file open, and the lock file that says so.
pub(super) fn lock(path: &Path) -> Option<(String, PathBuf)> {
    let name = path.file_name()?.to_str()?;
    let office = path.with_file_name(format!(".~lock.{name}#"));
    if let Ok(text) = fs::read_to_string(&office) {
        let person = text.split(',').find(|part| !part.trim().is_empty()).unwrap_or("somebody").trim().to_owned();
        return Some((person, office));
    }
    let excel = path.with_file_name(format!("~${name}"));
    let bytes = fs::read(&excel).ok()?;
    let length = bytes.first().map_or(0, |length| usize::from(*length));
    let (person, _, _) = encoding_rs::WINDOWS_1252.decode(bytes.get(1..=length).unwrap_or_default());
    let person = if person.trim().is_empty() { "somebody".to_owned() } else { person.trim().to_owned() };
    Some((person, excel))
}

/// Puts `bytes` in the place of the file that was read as `old`.
///
/// A reader sees the old file or the new one, whole; a crash leaves one of the two.
///
/// # Errors
/// `Unavailable` while a person has it open, `Stale` when it changed since it was read, `Denied` without the rights,
/// `OutcomeUnknown` when it was replaced but the folder could not be synced.
pub(super) fn replace(old: &Snapshot, bytes: &[u8]) -> Result<()> {
    let path = &old.path;
    if let Some((person, lock)) = lock(path) {
        let text =
            format!("{} is open at {person}'s; nothing is written while {} is there", path.display(), lock.display());
        return Err(Error::new(ErrorKind::Unavailable, text));
    }
    let refuse = |cause| refused(path, cause);
    let folder = path.parent().unwrap_or(Path::new("."));
    let permissions = fs::metadata(path).map_err(refuse)?.permissions();
    if permissions.readonly() {
        return Err(Error::new(ErrorKind::Denied, format!("{} is read-only", path.display())));
    }
    let mut temporary = tempfile::Builder::new().prefix(".passerelle-").tempfile_in(folder).map_err(refuse)?;
    temporary.write_all(bytes).map_err(refuse)?;
    temporary.as_file().set_permissions(permissions).map_err(refuse)?;
    temporary.as_file().sync_all().map_err(refuse)?;
    if read(path)?.hash != old.hash {
        return Err(Error::new(ErrorKind::Stale, format!("{} changed since it was read", path.display())));
    }
    temporary.persist(path).map_err(|failed| refused(path, failed.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|cause| {
        let text = format!("{} was replaced, but its folder could not be synced", path.display());
        Error::new(ErrorKind::OutcomeUnknown, text).because(cause)
    })
}

/// The workbooks of a folder, or those whose file name fits a pattern with `*`, in the order of their names.
///
/// # Errors
/// `Config` when the folder is not there.
pub(super) fn workbooks(path: &Path) -> Result<Vec<PathBuf>> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let (folder, pattern) = if path.is_dir() || !name.contains('*') {
        (path, "*")
    } else {
        (path.parent().unwrap_or(Path::new(".")), name)
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|cause| refused(folder, cause))? {
        let file = entry.map_err(|cause| refused(folder, cause))?.path();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_hidden = name.starts_with('.') || name.starts_with("~$");
        let is_workbook = [".xlsx", ".xlsm", ".ods"].iter().any(|end| name.to_lowercase().ends_with(end));
        if is_workbook && !is_hidden && fits(name, pattern) {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a name fits a pattern in which `*` stands for any characters.
fn fits(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| name.strip_prefix(start)) else { return false };
    let Some(end) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(end)
}
