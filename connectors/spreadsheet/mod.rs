//! Spreadsheets: the rows of a sheet or named range, and quote workbooks.

mod cell;
mod cell_xml;
mod config;
mod dialect;
mod disk;
mod files;
mod grid;
mod ods;
mod package;
mod plan;
mod quote;
mod sheet_xml;
mod source;
mod stale;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod workbook_xml;
mod write;
mod xlsx;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use passerelle_core::clock::Clock;
use passerelle_core::connector::{
    Batch, Capabilities, Connector, Effect, Feed, Identity, Lookup, Page, Plug, Plugin, Preparation, Prepare, Removal,
    Resource, Schema, Tools,
};
use passerelle_core::model::{Cursor, Need, Outcome, Record, RemoteId, ResourceName, Write};
use passerelle_core::{Error, ErrorKind, Result};

use config::Config;
use files::Files;
use source::Format;

pub(crate) const PLUGIN: Plugin = Plugin::of::<Config>();

impl Plug for Config {
    const NAME: &'static str = "spreadsheet";
    const ABOUT: &'static str = "Sheets and quote workbooks: .xlsx, .ods, .csv";

    fn resources() -> Vec<Resource> {
        vec![rows("rows", Format::Xlsx), quotes(), rows("*", Format::Xlsx)]
    }

    fn build(self, tools: Tools) -> Result<Arc<dyn Connector>> {
        let resources = match self.format()? {
            None => vec![quotes()],
            Some(format) => {
                let configured = ["rows"].into_iter().chain(self.sheet.as_deref()).chain(self.range.as_deref());
                let names: BTreeSet<&str> = configured.chain(tools.wanted.keys().map(AsRef::as_ref)).collect();
                names.into_iter().map(|name| rows(name, format)).collect()
            }
        };
        let files = Arc::new(Files::new(&self, &tools.folder)?);
        Ok(Arc::new(Spreadsheet { resources, files, clock: tools.clock }))
    }
}

fn rows(name: &str, format: Format) -> Resource {
    let is_writable = format != Format::Ods;
    Resource {
        name: name.into(),
        about: if name == "*" { "rows of the sheet or named range of that name" } else { "rows of a sheet or range" },
        capabilities: Capabilities {
            feed: Feed::FullScan,
            create: if is_writable { Effect::Keyed } else { Effect::None },
            update: is_writable,
            archive: false,
            batch: Batch { read: 1000, find: 1000, write: 500 },
            actions: &[],
        },
    }
}

fn quotes() -> Resource {
    Resource {
        name: "quotes".into(),
        about: "quote workbooks, one record per file",
        capabilities: Capabilities {
            feed: Feed::FullScan,
            create: Effect::None,
            update: false,
            archive: false,
            batch: Batch { read: 1000, find: 1000, write: 1 },
            actions: &[],
        },
    }
}

#[derive(Debug)]
struct Spreadsheet {
    resources: Vec<Resource>,
    files: Arc<Files>,
    clock: Arc<dyn Clock>,
}

impl Spreadsheet {
    /// Does file work away from the threads that wait on networks.
    async fn on_disk<T: Send + 'static>(&self, work: impl FnOnce(&Files) -> Result<T> + Send + 'static) -> Result<T> {
        let files = Arc::clone(&self.files);
        let done = tokio::task::spawn_blocking(move || work(&files)).await;
        done.map_err(|cause| Error::new(ErrorKind::Bug, "reading a spreadsheet failed").because(cause))?
    }
}

#[async_trait]
impl Connector for Spreadsheet {
    fn resources(&self) -> &[Resource] {
        &self.resources
    }

    async fn check(&self) -> Result<Identity> {
        self.on_disk(|files| Ok(Identity { account: files.summary()?, version: None })).await
    }

    async fn describe(&self, resource: &ResourceName) -> Result<Schema> {
        let resource = resource.clone();
        self.on_disk(move |files| files.describe(&resource)).await
    }

    async fn changes(&self, resource: &ResourceName, since: Option<&Cursor>) -> Result<Page> {
        let (resource, since, now) = (resource.clone(), since.cloned(), self.clock.now());
        self.on_disk(move |files| files.changes(&resource, since.as_ref(), now)).await
    }

    async fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        let (resource, ids) = (resource.clone(), ids.to_vec());
        self.on_disk(move |files| files.read(&resource, &ids)).await
    }

    async fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        let (resource, by) = (resource.clone(), by.clone());
        self.on_disk(move |files| files.find(&resource, &by)).await
    }

    async fn write(&self, resource: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
        let (resource, writes) = (resource.clone(), writes.to_vec());
        self.on_disk(move |files| files.write(&resource, &writes)).await
    }

    async fn prepare(&self, resource: &ResourceName, needs: &[Need], how: Prepare) -> Result<Vec<Preparation>> {
        let (resource, needs) = (resource.clone(), needs.to_vec());
        self.on_disk(move |files| files.prepare(&resource, &needs, how)).await
    }

    async fn remove(&self, thing: &str) -> Result<Removal> {
        let thing = thing.to_owned();
        self.on_disk(move |files| files.remove(&thing)).await
    }
}
