//! One run: what it begins from, its points, and how it ends when nothing disturbs it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Done;
use crate::books::{self, Books};
use crate::points::{self, Point};
use crate::process::{self, Program};
use crate::world::{Snapshot, World};

/// Runs that a world may need until it is at rest.
const ROUNDS: usize = 5;

/// A run that was seen once without a kill.
#[derive(Debug)]
pub struct Run {
    /// Its name, for `--only`.
    pub name: &'static str,
    /// Where it begins.
    pub begin: Snapshot,
    /// Its points.
    pub points: Vec<Point>,
    /// How it ends.
    pub rest: Books,
}

impl Run {
    /// Runs in `world`, which is at rest then.
    pub fn undisturbed(
        runtime: &tokio::runtime::Handle,
        name: &'static str,
        world: &World,
        begin: Snapshot,
    ) -> Done<Self> {
        world.wait();
        process::listed(world)?;
        let points = points::read(&std::fs::read_to_string(world.list())?);
        let mut rest = runtime.block_on(books::of(world))?;
        for round in 0.. {
            world.wait();
            let ended = Program::Counted.run(world, &["sync"])?;
            let again = runtime.block_on(books::of(world))?;
            if again == rest && !has_written(&ended.said)? {
                break;
            }
            if round == ROUNDS {
                return Err(format!("the run {name} does not come to rest without any kill").into());
            }
            rest = again;
        }
        verify(&Program::Counted, world)?;
        Ok(Self { name, begin, points, rest })
    }

    /// Kills the hub at `point`, lets another come to rest, and compares.
    ///
    /// Gives the time from the kill to the first call that changed a vendor, where there was one left to make.
    ///
    /// # Errors
    /// How the end differs from the undisturbed one's.
    pub fn killed(&self, runtime: &tokio::runtime::Handle, point: &Point) -> Done<Option<Duration>> {
        let world = World::again(runtime, &self.begin)?;
        world.wait();
        let ended = process::killed_at(&world, point)?;
        if ended.code.is_some() {
            return Err("the hub did not come to this point".into());
        }
        let killed = Instant::now();
        let mut recovery = None;
        let mut different = Vec::new();
        for _ in 0..ROUNDS {
            world.wait();
            Program::Counted.run(&world, &["sync"])?;
            recovery = recovery.or(world.watch.first_effect().map(|effect| effect - killed));
            different = books::differences(&self.rest, &runtime.block_on(books::of(&world))?);
            if different.is_empty() {
                verify(&Program::Counted, &world)?;
                return Ok(recovery);
            }
        }
        let count = different.len();
        different.truncate(5);
        Err(format!("{count} things are not as in the undisturbed run:\n  {}", different.join("\n  ")).into())
    }
}

/// Has the hub compare both sides.
///
/// # Errors
/// What it finds.
pub fn verify(program: &Program, world: &World) -> Done<()> {
    let ended = program.run(world, &["verify"])?;
    let told: Value = serde_json::from_str(&ended.said)?;
    if told["differences"] == 0 { Ok(()) } else { Err(format!("verify finds {told}").into()) }
}

/// Whether a sync changed a vendor.
pub fn has_written(said: &str) -> Done<bool> {
    let told: Value = serde_json::from_str(said)?;
    let wrote = |flow: &Value| ["created", "updated"].iter().any(|count| flow["counts"][count] != 0);
    Ok(told["flows"].as_array().is_some_and(|flows| flows.iter().any(wrote)))
}
