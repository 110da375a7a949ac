//! What makes files survive a power cut: the one place that asks the disk to keep what was written.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::path::Path;

/// The disk under a state folder; the tests' own forgets what it was not asked to keep.
pub(super) trait Disk: Send + Sync + Debug {
    /// Keeps the content of the file at `path`, which is open as `file`.
    fn keep_file(&self, path: &Path, file: &File) -> std::io::Result<()>;

    /// Keeps a folder's list of names.
    fn keep_names(&self, folder: &Path) -> std::io::Result<()>;

    /// What tells one start of the machine from another: between two there may have been a power cut.
    fn boot(&self) -> Option<String>;

    /// Keeps a file, or every file and folder below a folder and then the folder.
    fn keep_all(&self, path: &Path) -> std::io::Result<()> {
        if path.is_file() {
            return self.keep_file(path, &OpenOptions::new().read(true).write(true).open(path)?);
        }
        for entry in fs::read_dir(path)? {
            self.keep_all(&entry?.path())?;
        }
        self.keep_names(path)
    }
}

/// The machine's own disk.
#[derive(Debug)]
pub(super) struct Machine;

impl Disk for Machine {
    fn keep_file(&self, _: &Path, file: &File) -> std::io::Result<()> {
        file.sync_all()
    }

    fn boot(&self) -> Option<String> {
        fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
    }

    /// Where the system can; elsewhere names are kept with the files.
    fn keep_names(&self, folder: &Path) -> std::io::Result<()> {
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }
}
