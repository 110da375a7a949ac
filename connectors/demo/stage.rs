//! The stage: emulated systems on loopback, a folder, a time of its own, and command lines as a person types them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use passerelle_core::cli::{Context, Failure, Paint, Report};
use passerelle_core::clock::Clock;
use passerelle_core::emulator::{EmulatedTime, Emulator, Host, Hosted, serve};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::folder::{self, Folder};
use super::time::StoryTime;
use crate::sample;

/// The systems that are played.
const PLAYED: [&str; 2] = ["hubspot", "dolibarr"];

/// Longer lines are broken, so that the story fits a terminal.
const WIDEST: usize = 98;

/// Where the story is told.
pub(super) struct Stage<'a> {
    context: &'a Context,
    hub: Context,
    host: Arc<Host>,
    hosted: Hosted,
    time: EmulatedTime,
    folder: Folder,
    steps: Vec<Value>,
}

/// How much of a command's output is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Show {
    /// Every line.
    All,
    /// So many lines at the start and at the end.
    Ends(usize, usize),
}

impl<'a> Stage<'a> {
    /// Seeds and serves the systems, and writes what the hub needs.
    ///
    /// # Errors
    /// `Config` for a folder that is in use, or a loopback address that cannot be had.
    pub async fn set(context: &'a Context, keep: Option<&Path>) -> Result<Self, Failure> {
        let folder = Folder::make(keep)?;
        let time = EmulatedTime::of(Arc::new(StoryTime::beginning(beginning()?)));
        let emulators = PLAYED.iter().map(|vendor| stand_in(context, vendor)).collect::<Result<_>>()?;
        let mut host = Host::new(emulators, time.clone());
        if keep.is_some() {
            host.keep_in(&folder.emulated())?;
        }
        for vendor in PLAYED {
            host.control(vendor, "seed", &(context.registry.sample)(vendor).unwrap_or_default())?;
        }
        let host = Arc::new(host);
        let hosted = serve(Arc::clone(&host), ([127, 0, 0, 1], 0).into()).await?;
        folder.fill(&hosted.bases, context.registry.mappings)?;
        // What was written just now is not yet in HubSpot's search index.
        time.advance(Duration::from_secs(600));
        let hub = context.beside(folder.config(), Arc::new(time.clone()));
        let stage = Self { context, hub, host, hosted, time, folder, steps: Vec::new() };
        stage.say(&stage.announcement())?;
        Ok(stage)
    }

    fn announcement(&self) -> String {
        let mut text = format!("{}\n", self.paint().bold("Ateliers Vauclin, makers of workshop furniture in Thiers"));
        for base in &self.hosted.bases {
            text.push_str(&format!("  {:<9} {}\n", base.vendor, base.url));
        }
        text + &format!("  {:<9} {}\n", "folder", self.folder.path.display())
    }

    /// Says the day, and what happened until then.
    pub fn day(&self, what: &str) -> Result<(), Failure> {
        let day = self.time.now().to_zoned(TimeZone::UTC).strftime("%-d %B %Y");
        self.say(&format!("\n{}\n", self.paint().bold(&format!("{day}: {what}"))))
    }

    /// Runs a command line of the hub and shows it with its output.
    pub async fn run(&mut self, words: &[&str], show: Show) -> Result<Report, Failure> {
        let line = format!("passerelle {}", words.join(" "));
        self.say(&format!("\n{}\n", self.paint().dim(&format!("$ {line}"))))?;
        let ran = self.hub.perform(words).await;
        self.say(&shown(&ran.text, show))?;
        let mut result = ran.json.clone();
        // A plan tells every change; its numbers are enough here.
        if let Some(document) = result.as_object_mut() {
            document.remove("plan");
        }
        self.steps.push(json!({ "command": line, "at": self.time.now(), "exit": ran.exit as u8, "result": result }));
        Ok(ran)
    }

    /// Says something to a person.
    pub fn say(&self, text: &str) -> Result<(), Failure> {
        self.context.say(&Report::done(Value::Null, text))
    }

    /// What a person does on a system's own screens.
    ///
    /// # Errors
    /// The emulator's.
    pub fn person(&self, system: &str, command: &str, arguments: &Value) -> Result<Value> {
        self.host.control(system, command, arguments)
    }

    pub fn wait_minutes(&self, minutes: u64) {
        self.time.advance(Duration::from_secs(60 * minutes));
    }

    pub fn wait_days(&self, days: u64) {
        self.time.advance(Duration::from_secs(86_400 * days));
    }

    pub fn paint(&self) -> Paint {
        self.context.paint
    }

    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// How a person goes on with a kept folder.
    pub fn how_to_go_on(&self, folder: &Path) -> String {
        let (head, address) = (self.paint().bold("Kept. To go on, in one terminal:"), self.hosted.address);
        let (enter, emulated) = (format!("  cd {}", folder.display()), folder::EMULATED);
        // Run by its path, as cargo does, the program need not be among those that a shell finds.
        let path = std::env::args().next().filter(|name| name.contains('/')).and(std::env::current_exe().ok());
        let alias = path.map(|path| format!("  alias passerelle='{}'\n", path.display())).unwrap_or_default();
        format!(
            "\n{head}\n{alias}{enter}\n  passerelle emulate {} --listen {address} --keep {emulated}\n\
             and in another:\n{alias}{enter}\n  passerelle status\n  passerelle held approve all\n  passerelle plan\n  passerelle sync\n",
            PLAYED.join(" ")
        )
    }

    /// What was run: command, instant, exit code, JSON document.
    pub fn steps(&self) -> &[Value] {
        &self.steps
    }

    /// Stops the systems; a temporary folder goes.
    ///
    /// # Errors
    /// `Bug` when their server broke.
    pub async fn strike(self) -> Result<()> {
        self.hosted.stop().await
    }
}

fn beginning() -> Result<Timestamp> {
    let begins = sample::BEGINS.to_zoned(TimeZone::UTC);
    Ok(begins
        .map_err(|cause| Error::new(ErrorKind::Bug, "the sample begins at no instant").because(cause))?
        .timestamp())
}

fn stand_in(context: &Context, vendor: &str) -> Result<Box<dyn Emulator>> {
    let make = context.registry.plugin(vendor).and_then(|plugin| plugin.emulator);
    let none = || Error::new(ErrorKind::Unsupported, format!("this build has no stand-in of {vendor}"));
    Ok(make.ok_or_else(none)?())
}

/// A command's output as far as it is shown.
fn shown(text: &str, show: Show) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let (first, last) = match show {
        Show::All => (lines.len(), 0),
        Show::Ends(first, last) => (first, last),
    };
    if lines.len() <= first + last + 1 {
        return fitted(&lines);
    }
    let hidden = lines.len() - first - last;
    fitted(&lines[..first]) + &format!("... {hidden} more lines\n") + &fitted(&lines[lines.len() - last..])
}

fn fitted(lines: &[&str]) -> String {
    lines.iter().map(|line| wrapped(line)).collect()
}

/// A line, broken between words where it is too long; what follows is indented a little more.
fn wrapped(line: &str) -> String {
    let indent = line.len() - line.trim_start().len() + 4;
    let (mut text, mut width) = (String::new(), 0);
    for word in line.split_inclusive(' ') {
        let wide = word.chars().count();
        if width > indent && width + wide > WIDEST {
            text.truncate(text.trim_end().len());
            text.push_str(&format!("\n{:indent$}", ""));
            width = indent;
        }
        text.push_str(word);
        width += wide;
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_long_output_is_counted_not_shown() {
        assert_eq!(shown("a\nb\nc\nd\ne\n", Show::Ends(1, 1)), "a\n... 3 more lines\ne\n");
        assert_eq!(shown("a\nb\nc\n", Show::Ends(1, 1)), "a\nb\nc\n");
        assert_eq!(shown("a\nb\n", Show::All), "a\nb\n");
    }

    #[test]
    fn a_long_line_is_broken_between_words_and_indented() {
        let line = format!("  {} {}", "é".repeat(90), "word ".repeat(4));
        assert_eq!(wrapped(&line), format!("  {} word\n      word word word \n", "é".repeat(90)));
    }
}
