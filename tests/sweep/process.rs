//! Hubs as processes of their own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Done;
use crate::hub;
use crate::points::Point;
use crate::world::World;

/// How a process ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// `None` when it was killed.
    pub code: Option<i32>,
    /// Whether it stood still at the chosen point.
    pub stood: bool,
    /// Its stdout.
    pub said: String,
}

/// Which program is the hub.
#[derive(Clone, Debug)]
pub enum Program {
    /// This binary, asked to be a hub that counts.
    Counted,
    /// The shipped program.
    Shipped(PathBuf),
}

impl Program {
    /// A command line of the hub in `world`.
    pub fn command(&self, world: &World, words: &[&str]) -> Done<Command> {
        let mut command = match self {
            Self::Counted => Command::new(std::env::current_exe()?),
            Self::Shipped(path) => Command::new(path),
        };
        command.arg("--config").arg(world.config()).args(["--quiet", "--json"]).args(words);
        command.env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if matches!(self, Self::Counted) {
            command.env(hub::AT, "");
        }
        Ok(command)
    }

    /// Runs a command line to its end.
    pub fn run(&self, world: &World, words: &[&str]) -> Done<Ended> {
        finish(world, self.command(world, words)?, 0)
    }
}

/// Runs `sync`, writing the list of points.
pub fn listed(world: &World) -> Done<Ended> {
    let mut command = Program::Counted.command(world, &["sync"])?;
    command.env(hub::LIST, world.list());
    finish(world, command, 0)
}

/// Runs `sync` until `point`, and kills it there.
pub fn killed_at(world: &World, point: &Point) -> Done<Ended> {
    let mut command = Program::Counted.command(world, &["sync"])?;
    command.env(hub::AT, point.number.to_string());
    let request = if point.kind == "answered" { point.request } else { 0 };
    finish(world, command, request)
}

fn finish(world: &World, mut command: Command, request: u64) -> Done<Ended> {
    let mut child = command.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    world.watch.over(child, request);
    let mut ended = Ended { code: None, stood: false, said: String::new() };
    for line in BufReader::new(stdout.ok_or("no stdout")?).lines() {
        let line = line?;
        if line == hub::STANDS {
            ended.stood = true;
            world.watch.kill();
            break;
        }
        ended.said.push_str(&line);
        ended.said.push('\n');
    }
    let mut hub = world.watch.take().ok_or("no hub")?;
    ended.code = hub.wait()?.code();
    if !matches!(ended.code, None | Some(0 | 3)) {
        let complaint = std::io::read_to_string(stderr.ok_or("no stderr")?)?;
        return Err(format!("the hub ended with {:?}: {} {complaint}", ended.code, ended.said).into());
    }
    Ok(ended)
}

/// The shipped program, built like this one and lying beside it.
pub fn shipped() -> Done<Program> {
    let own = std::env::current_exe()?;
    let folder = own.parent().ok_or("no folder")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", "passerelle"]);
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    if !cargo.status()?.success() {
        return Err("cargo cannot build the shipped program".into());
    }
    let path = folder.join(format!("passerelle{}", std::env::consts::EXE_SUFFIX));
    if path.exists() { Ok(Program::Shipped(path)) } else { Err("the shipped program is not where it was built".into()) }
}
