//! The folder of the demo: config, mappings and the price list, temporary unless it is to be kept.

use std::fs;
use std::path::{Path, PathBuf};

use passerelle_core::emulator::Base;
use passerelle_core::{Error, ErrorKind, Result};
use tempfile::TempDir;

/// The repository's example is what the demo runs.
const EXAMPLE: &str = include_str!("../../config.toml");

/// The journal of the emulated systems, in a folder that is kept.
pub(super) const EMULATED: &str = "emulated.jsonl";

/// Where the demo's files are.
#[derive(Debug)]
pub(super) struct Folder {
    /// The folder itself.
    pub path: PathBuf,
    /// Takes the folder away when it is dropped.
    _temporary: Option<TempDir>,
}

impl Folder {
    /// A temporary folder, or `keep`, which must be new or empty.
    ///
    /// # Errors
    /// `Config` when `keep` holds anything, or a folder cannot be made.
    pub fn make(keep: Option<&Path>) -> Result<Self> {
        let cannot = |cause| Error::new(ErrorKind::Config, "cannot make a folder for the demo").because(cause);
        let Some(path) = keep else {
            let temporary = TempDir::with_prefix("passerelle-demo-").map_err(cannot)?;
            return Ok(Self { path: temporary.path().to_owned(), _temporary: Some(temporary) });
        };
        fs::create_dir_all(path).map_err(cannot)?;
        if fs::read_dir(path).map_err(cannot)?.next().is_some() {
            let message = "the folder for the demo is not empty, and the demo overwrites nothing; name a new one";
            return Err(Error::new(ErrorKind::Config, message).at("folder", path.display()));
        }
        Ok(Self { path: path.to_owned(), _temporary: None })
    }

    /// Its config file.
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// The journal of the emulated systems.
    pub fn emulated(&self) -> PathBuf {
        self.path.join(EMULATED)
    }

    /// Writes config.toml for the systems at `bases`, the mappings and the price list.
    ///
    /// # Errors
    /// `Config` when a file cannot be written.
    pub fn fill(&self, bases: &[Base], mappings: &[(&str, &str)]) -> Result<()> {
        let mut config = EXAMPLE.replace("tests/data/tarif.xlsx", "tarif.xlsx");
        for base in bases {
            // The stand-in's key is no secret; a person's own stays in the environment.
            let (address, variable) = match base.vendor {
                "hubspot" => ("http://127.0.0.1:4010/hubspot", "${HUBSPOT_TOKEN}"),
                _ => ("http://127.0.0.1:4010/dolibarr/api/index.php", "${DOLIBARR_KEY}"),
            };
            config = config.replacen(address, &base.url, 1).replacen(variable, &base.key, 1);
        }
        self.write("config.toml", config.as_bytes())?;
        self.write("tarif.xlsx", crate::sample::PRICE_LIST)?;
        for (name, text) in mappings {
            // At Ateliers Vauclin the price list decides what an article costs, whoever changed it elsewhere.
            let text =
                if *name == "product.toml" { text.replace("\"latest\"", "\"prices\"") } else { (*text).to_owned() };
            self.write(&format!("mappings/{name}"), text.as_bytes())?;
        }
        Ok(())
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let cannot = |cause| {
            Error::new(ErrorKind::Config, "cannot write a file of the demo").at("file", path.display()).because(cause)
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(cannot)?;
        }
        fs::write(&path, content).map_err(cannot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_holds_something_is_refused_and_left_alone() {
        let there = TempDir::new().unwrap();
        fs::write(there.path().join("letter.txt"), "dear").unwrap();
        let refusal = Folder::make(Some(there.path())).unwrap_err();
        assert_eq!(refusal.kind(), ErrorKind::Config);
        assert!(refusal.to_string().contains("not empty"), "{refusal}");
        assert_eq!(fs::read_dir(there.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_temporary_folder_goes_with_its_owner() {
        let folder = Folder::make(None).unwrap();
        let path = folder.path.clone();
        folder.fill(&[], &[("company.toml", "")]).unwrap();
        assert!(path.join("mappings/company.toml").exists());
        drop(folder);
        assert!(!path.exists());
    }
}
