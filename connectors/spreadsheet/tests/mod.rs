//! The connector on real files: a desk is a temporary folder with a copy of some of tests/data.

mod broken;
mod laws;
mod reading;
mod writing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use passerelle_core::clock::ManualClock;
use passerelle_core::connector::{Connector, Page, Tools};
use passerelle_core::http::{Request, Response, Transport, Wire};
use passerelle_core::model::{Cursor, Record};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A temporary folder with files.
pub(super) struct Desk(TempDir);

#[derive(Debug)]
struct NoWire;

#[async_trait::async_trait]
impl Wire for NoWire {
    async fn call(&self, _: Request) -> Result<Response> {
        Err(Error::new(ErrorKind::Bug, "a spreadsheet calls nobody"))
    }
}

impl Desk {
    /// A folder with copies of files of tests/data.
    pub(super) fn with(names: &[&str]) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for name in names {
            std::fs::copy(data(name), desk.path(name)).unwrap();
        }
        desk
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The connector, with these options.
    pub(super) fn open(&self, options: Value) -> Result<Arc<dyn Connector>> {
        let tools = Tools {
            wire: Arc::new(NoWire),
            clock: Arc::new(ManualClock::at("2100-01-01T00:00:00Z".parse().unwrap())),
            transport: Transport::default(),
            folder: self.0.path().to_path_buf(),
            wanted: Arc::default(),
        };
        (super::PLUGIN.build)(options, tools)
    }
}

/// A file of tests/data.
pub(super) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(name)
}

/// All records of a feed, and where it ended.
pub(super) async fn all(connector: &Arc<dyn Connector>, resource: &str) -> Result<(Vec<Record>, Cursor)> {
    let mut records = Vec::new();
    let mut since = None;
    loop {
        let page: Page = connector.changes(&resource.into(), since.as_ref()).await?;
        records.extend(page.records);
        if !page.more {
            return Ok((records, page.next));
        }
        since = Some(page.next);
    }
}

/// The error of reading a CSV file of this text.
pub(super) async fn refusal(text: &str) -> Error {
    let desk = Desk::with(&[]);
    desk.put("a.csv", text);
    let connector = desk.open(json!({ "path": "a.csv" })).unwrap();
    all(&connector, "rows").await.unwrap_err()
}
