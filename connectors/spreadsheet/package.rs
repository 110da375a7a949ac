//! A workbook as a zip of parts: guarded against bombs, and written back with the untouched parts as they were.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use passerelle_core::{Error, ErrorKind, Result};
use zip::{ZipArchive, ZipWriter};

use super::disk;

/// The parts of a workbook may not unpack to more than this.
const MOST_UNPACKED: u64 = 512 * 1024 * 1024;
/// Nor be more than this.
const MOST_PARTS: usize = 10_000;

/// A zip archive that is whole and of bearable size.
#[derive(Debug)]
pub(super) struct Package<'a> {
    path: &'a Path,
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Package<'a> {
    /// Opens it and unpacks every part once, to prove that it is whole.
    ///
    /// # Errors
    /// `Unavailable` when it is cut short, `Config` when it is no zip, is encrypted, or unpacks to too much.
    pub(super) fn open(path: &'a Path, bytes: &'a [u8]) -> Result<Self> {
        if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
            let text = "is protected by a password or in the old .xls format; save it as .xlsx without a password";
            return Err(Error::new(ErrorKind::Config, format!("{} {text}", path.display())));
        }
        if !bytes.starts_with(b"PK") {
            return Err(Error::new(ErrorKind::Config, format!("{} is not a workbook", path.display())));
        }
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|cause| disk::being_written(path).because(cause))?;
        let mut package = Self { path, zip };
        package.prove(MOST_UNPACKED)?;
        Ok(package)
    }

    fn prove(&mut self, most: u64) -> Result<()> {
        let too_large = |path: &Path| Error::new(ErrorKind::Config, format!("{} unpacks to too much", path.display()));
        if self.zip.len() > MOST_PARTS {
            return Err(too_large(self.path));
        }
        let mut left = most;
        for index in 0..self.zip.len() {
            let part = self.zip.by_index(index).map_err(|cause| disk::being_written(self.path).because(cause))?;
            let unpacked = std::io::copy(&mut part.take(left + 1), &mut std::io::sink())
                .map_err(|cause| disk::being_written(self.path).because(cause))?;
            left = left.checked_sub(unpacked).ok_or_else(|| too_large(self.path))?;
        }
        Ok(())
    }

    /// Whether it has a part in this folder.
    pub(super) fn has_folder(&self, folder: &str) -> bool {
        self.zip.file_names().flatten().any(|name| name.starts_with(folder))
    }

    /// A part's text.
    ///
    /// # Errors
    /// `Config` when there is no such part, it is not UTF-8, or it declares entities.
    pub(super) fn text(&mut self, name: &str) -> Result<String> {
        let wrong = |what: &str| Error::new(ErrorKind::Config, format!("{name} in {} {what}", self.path.display()));
        let (missing, not_text, entities) = (wrong("is missing"), wrong("is not UTF-8"), wrong("declares entities"));
        let Ok(mut part) = self.zip.by_name(name) else { return Err(missing) };
        let mut text = String::new();
        part.read_to_string(&mut text).map_err(|cause| not_text.because(cause))?;
        if text.contains("<!DOCTYPE") || text.contains("<!ENTITY") {
            return Err(entities);
        }
        Ok(text)
    }

    /// The archive with some parts replaced; all others are copied as they are packed.
    ///
    /// # Errors
    /// `Bug` when the archive cannot be written in memory.
    pub(super) fn with(&mut self, replaced: &BTreeMap<String, String>) -> Result<Vec<u8>> {
        let broken =
            |cause: zip::result::ZipError| Error::new(ErrorKind::Bug, "cannot rewrite the workbook").because(cause);
        let mut out = ZipWriter::new(Cursor::new(Vec::new()));
        for index in 0..self.zip.len() {
            let part = self.zip.by_index_raw(index).map_err(broken)?;
            let (name, options) = (part.name().map_err(broken)?.into_owned(), part.options());
            let Some(text) = replaced.get(&name) else {
                out.raw_copy_file(part).map_err(broken)?;
                continue;
            };
            drop(part);
            out.start_file(name, options).map_err(broken)?;
            out.write_all(text.as_bytes()).map_err(|cause| broken(cause.into()))?;
        }
        Ok(out.finish().map_err(broken)?.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_unpacks_to_too_much_or_declares_entities_is_refused() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/tarif.ods");
        let bytes = std::fs::read(&path).unwrap();
        let mut package = Package::open(&path, &bytes).unwrap();
        assert_eq!(package.prove(10_000).unwrap_err().kind(), ErrorKind::Config);
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>".to_owned();
        let bytes = package.with(&BTreeMap::from([("content.xml".to_owned(), bomb)])).unwrap();
        let error = Package::open(&path, &bytes).unwrap().text("content.xml").unwrap_err();
        assert!(error.message().ends_with("declares entities"), "{error}");
    }
}
