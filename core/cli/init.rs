//! `passerelle init`: a commented config.toml and mappings to start from.

mod template;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Context;
use super::output::{CommandResult, Report};
use crate::connector::Plugin;
use crate::{Error, ErrorKind, Result};

/// Write a commented config.toml and the mappings to start from.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder; made where it is missing.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Your systems, NAME=CONNECTOR, or NAME=CONNECTOR@ADDRESS with a base URL or the path of a file. The first is the
    /// CRM and the second the ERP, unless they are called `crm` and `erp`.
    #[arg(
        long,
        value_name = "NAME=CONNECTOR[@ADDRESS],..",
        value_delimiter = ',',
        default_value = "crm=hubspot,erp=dolibarr"
    )]
    systems: Vec<String>,
    /// Overwrite files that are there.
    #[arg(long)]
    force: bool,
}

/// A system that the person asked for.
struct Chosen {
    name: String,
    plugin: &'static Plugin,
    /// Its address, or the path of its file, where the person gave one.
    address: Option<String>,
}

pub fn run(context: &Context, args: &Args) -> CommandResult {
    let systems = args.systems.iter().map(|text| choose(context, text)).collect::<Result<Vec<_>>>()?;
    let names: BTreeSet<&str> = systems.iter().map(|system| system.name.as_str()).collect();
    if names.len() < systems.len() || systems.len() < 2 {
        let message =
            "a hub needs two systems or more, each with a name of its own, such as `crm=hubspot,erp=dolibarr`";
        return Err(Error::new(ErrorKind::Config, message).into());
    }
    let mut files = vec![(PathBuf::from("config.toml"), template::config(&systems, context.registry))];
    for (name, text) in context.registry.mappings {
        files.push((Path::new("mappings").join(name), template::mapping(text, &systems)));
    }
    if !args.force {
        refuse_to_overwrite(&args.folder, &files)?;
    }
    for (name, text) in &files {
        write(&args.folder.join(name), text)?;
    }
    let written: Vec<PathBuf> = files.iter().map(|(name, _)| args.folder.join(name)).collect();
    Ok(Report::done(json!({ "written": written }), next_steps(context, args, &written)))
}

fn choose(context: &Context, text: &str) -> Result<Chosen> {
    let form = || {
        let message = format!("`{text}` is not a system; write NAME=CONNECTOR, such as `crm=hubspot`");
        Error::new(ErrorKind::Config, message)
    };
    let (name, connector) = text.trim().split_once('=').ok_or_else(form)?;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        return Err(form());
    }
    let (connector, address) = match connector.split_once('@') {
        Some((connector, address)) => (connector, Some(whole(address))),
        None => (connector, None),
    };
    let plugin = context.registry.plugin(connector).ok_or_else(|| {
        let known: Vec<&str> = context.registry.plugins.iter().map(|plugin| plugin.name).collect();
        let message = format!("there is no connector `{connector}`; there are {}", known.join(", "));
        Error::new(ErrorKind::Config, message)
    })?;
    Ok(Chosen { name: name.to_owned(), plugin, address })
}

/// The path of a file that exists, from the root: the new config.toml stands in another folder.
fn whole(address: &str) -> String {
    let path = Path::new(address);
    if path.exists() {
        std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
    } else {
        address.to_owned()
    }
}

fn refuse_to_overwrite(folder: &Path, files: &[(PathBuf, String)]) -> Result<()> {
    let there: Vec<String> = files
        .iter()
        .map(|(name, _)| folder.join(name))
        .filter(|path| path.exists())
        .map(|path| path.display().to_string())
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    let message = format!("nothing was written, for these files are there: {}; --force overwrites", there.join(", "));
    Err(Error::new(ErrorKind::Config, message))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let cannot = |cause| Error::new(ErrorKind::Config, format!("cannot write {}", path.display())).because(cause);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(cannot)?;
    }
    std::fs::write(path, text).map_err(cannot)
}

fn next_steps(context: &Context, args: &Args, written: &[PathBuf]) -> String {
    let mut text = String::new();
    for path in written {
        text.push_str(&format!("{} {}\n", context.paint.green("wrote"), path.display()));
    }
    let elsewhere = args.folder != Path::new(".");
    let enter = if elsewhere { format!("  cd {}\n", args.folder.display()) } else { String::new() };
    text.push_str(&format!(
        "\nNext:\n{enter}  passerelle check --offline   proves config and mappings, no account needed\n  \
         passerelle test              runs the mappings' examples\n  \
         passerelle check             asks the systems, once their variables are set\n  \
         passerelle plan              shows what a sync would do\n"
    ));
    text
}
