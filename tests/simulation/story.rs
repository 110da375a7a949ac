//! One seed's story: a first day, rounds in which people act while the hub runs and dies, and the quiet after.

use std::time::Duration;

use jiff::SignedDuration;
use passerelle_core::Result;
use passerelle_core::clock::Clock;
use passerelle_core::emulator::{Chance as Share, Faults};
use passerelle_core::engine::{Engine, OnDelete, Report, Scope};
use passerelle_core::mutant::Mutant;
use passerelle_core::store::{At, Conflict, Facts, Taken, Verdict};

use super::chance::{Chance, Concern};
use super::fate::{Fate, Rates};
use super::genesis;
use super::hub::Ground;
use super::office::Office;
use super::people::merge;
use super::post::{serve, subscribe};
use super::world::{Rules, Sale, World};

/// Healthy runs within which everything must have come to rest.
const PATIENCE: usize = 8;

/// A seed, and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct Plot {
    /// The seed.
    pub seed: u64,
    /// About how many sales there are.
    pub sales: usize,
    /// Whether nothing goes wrong.
    pub is_calm: bool,
    /// The bug on purpose that the hub has.
    pub mutant: Option<Mutant>,
}

/// What the oracle looks at.
#[derive(Debug)]
pub struct Ending {
    /// Both systems and the disk.
    pub ground: Ground,
    /// What people know.
    pub world: World,
    /// The hub, alive.
    pub hub: Engine,
    /// Whether the last runs wrote nothing.
    pub is_quiet: bool,
    /// Records that the very last run decided again although nothing had changed.
    pub decided_again: u64,
}

struct Story {
    ground: Ground,
    hub: Option<Engine>,
    is_still: bool,
    wishes: Chance,
    rates: Rates,
    faults: Faults,
    is_calm: bool,
}

/// Plays a seed to its end.
///
/// # Errors
/// What the stage itself does wrong; what the hub does wrong is for the oracle.
pub async fn play(plot: Plot) -> Result<Ending> {
    let mut dice = Chance::of(plot.seed, Concern::World);
    let rules = rules(&mut Chance::of(plot.seed, Concern::Rules));
    let ground = Ground::new(Fate::of(plot.seed), Chance::of(plot.seed, Concern::People), dice.falls(0.4), rules)?;
    subscribe(&ground.host).await?;
    let mut world = genesis::fill(&ground.host, &mut dice, plot.sales)?;
    world.rules = ground.rules;
    ground.office.with(|known| *known = world);
    let mut wishes = Chance::of(plot.seed, Concern::Hub);
    let is_still = wishes.falls(0.1);
    let (rates, faults) = trouble(&ground.fate);
    let mut story = Story { ground, hub: None, is_still, wishes, rates, faults, is_calm: plot.is_calm };
    story.ground.host.seed_faults("hubspot", plot.seed)?;
    story.ground.host.seed_faults("dolibarr", plot.seed ^ 0xD01)?;
    for round in 0..story.wishes.between(3, 7) {
        story.round(plot.sales, round == 0).await?;
    }
    story.rest().await
}

/// What a company decided: mostly nothing, so that what is shipped holds.
fn rules(dice: &mut Chance) -> Rules {
    let on_delete = match dice.between(0, 9) {
        0 | 1 => OnDelete::Archive,
        2 | 3 => OnDelete::Review,
        _ => OnDelete::Keep,
    };
    Rules { on_delete, reviews: dice.falls(0.2) }
}

/// How much goes wrong in a seed: nothing of some kinds, much of others.
fn trouble(fate: &Fate) -> (Rates, Faults) {
    fate.throw(|dice| {
        let mut share = |most: f64| if dice.falls(0.4) { 0.0 } else { dice.share() * most };
        let rates = Rates {
            crash: share(0.01),
            cut: share(0.02),
            timeout: share(0.02),
            late: share(0.02),
            doubled: share(0.05),
            expired: share(0.02),
            mixed: share(0.3),
            straggler: share(0.02),
            deed: share(0.03),
        };
        let mut chance = |most: f64| Share::Share(share(most));
        let faults = Faults {
            rate_limited: chance(0.05),
            error_before: chance(0.03),
            error_after: chance(0.03),
            drop_before: chance(0.03),
            drop_after: chance(0.03),
            ..Faults::default()
        };
        (rates, faults)
    })
}

impl Story {
    /// People act, then the hub runs, perhaps for the last time in this life.
    async fn round(&mut self, sales: usize, is_first: bool) -> Result<()> {
        let minutes = if self.wishes.falls(0.3) { 0 } else { self.wishes.between(1, 120) };
        let seconds = self.wishes.between(0, 20);
        // Now and then a whole story happens within one second, but for what the hub itself waits.
        self.pass(Duration::from_secs(if self.is_still { 0 } else { minutes * 60 + seconds }));
        let office = &self.ground.office;
        office.read_books().await?;
        let deeds = office.act(|people| Ok(people.dice.between(1, 2 + sales as u64 / 5)))?;
        for _ in 0..deeds {
            office.act(|people| people.act())?;
        }
        if !is_first && office.with(|world| world.is_crowded && !world.was_called) {
            office.act(|people| people.call_round())?;
        }
        self.ground.fate.count(|tally| tally.deeds += deeds);
        self.bring_trouble(true)?;
        // A hub that died is started again at once, or is missed some minutes later.
        for _ in 0..3 {
            if self.run().await? {
                break;
            }
            self.pass(Duration::from_secs(self.ground.fate.throw(|dice| dice.between(1, 600))));
        }
        self.ground.arrive().await;
        self.bring_trouble(false)
    }

    fn bring_trouble(&self, comes: bool) -> Result<()> {
        let comes = comes && !self.is_calm;
        self.ground.fate.set(if comes { self.rates } else { Rates::default() });
        for vendor in ["hubspot", "dolibarr"] {
            self.ground.host.set_faults(vendor, if comes { self.faults.clone() } else { Faults::default() })?;
        }
        let is_wrong = comes && self.ground.fate.throw(|dice| dice.falls(0.5));
        let off = if is_wrong { self.ground.fate.throw(|dice| dice.between(0, 600)) as i64 - 300 } else { 0 };
        if off != 0 {
            self.ground.fate.count(|tally| tally.fault("clock set wrong"));
            self.ground.office.with(|world| world.was_clock_wrong = true);
        }
        self.ground.clock.set(SignedDuration::from_secs(off));
        Ok(())
    }

    /// Somebody who decides what is in conflict.
    fn clerk(&self) -> Chance {
        Chance::of(self.ground.fate.throw(|dice| dice.between(0, u64::from(u32::MAX))), Concern::People)
    }

    fn pass(&self, time: Duration) {
        self.ground.host.time().advance(time);
    }

    /// One wish of the hub's people; whether the hub lived to see its end.
    async fn run(&mut self) -> Result<bool> {
        let hub = match self.hub.take() {
            // Now and then it is stopped and started without any harm.
            Some(hub) if !self.wishes.falls(0.2) => hub,
            _ => self.ground.start()?,
        };
        let wish = self.wishes.between(0, 9);
        let mut clerk = self.clerk();
        let work = async {
            match wish {
                0 => drop(hub.sync(&hub.flows, Scope::Full).await),
                1 => {
                    if let Ok(plan) = hub.plan(&hub.flows, Scope::Changed).await {
                        drop(hub.apply(&plan).await);
                    }
                }
                2 => drop(retry_parked(&hub)),
                3..=4 => drop(serve(&hub, &self.ground.host, &self.ground.fate).await),
                _ => drop(hub.sync(&hub.flows, Scope::Changed).await),
            }
            let _ = approve(&hub, &self.ground.office);
            let _ = resolve(&hub, &mut clerk, 0.5);
        };
        let survived = self.ground.fate.survives(work).await.is_some();
        if survived {
            self.hub = Some(hub);
        }
        Ok(survived)
    }

    /// No more faults and no more deeds, but what people still owe: doubles are merged. Then runs until nothing moves.
    async fn rest(self) -> Result<Ending> {
        self.bring_trouble(false)?;
        self.ground.office.act(|people| {
            for at in 0..people.world.customers.len() {
                if people.world.is_double(at) && people.dice.falls(0.8) {
                    merge(people.host, people.world, at)?;
                }
            }
            Ok(())
        })?;
        let hub = self.ground.start()?;
        let to_noon = 86_400 - (self.ground.host.time().now().as_second() + 43_200).rem_euclid(86_400);
        self.pass(Duration::from_secs(to_noon as u64));
        let mut quiet = 0;
        let mut clerk = self.clerk();
        for _ in 0..PATIENCE {
            let reports = self.ground.fate.survives(hub.sync(&hub.flows, Scope::Changed)).await;
            quiet = if reports.is_some_and(|reports| is_quiet(&reports)) { quiet + 1 } else { 0 };
            approve(&hub, &self.ground.office)?;
            if resolve(&hub, &mut clerk, 1.0)? {
                quiet = 0;
            }
            if quiet == 2 {
                break;
            }
            self.pass(Duration::from_secs(20 * 60));
        }
        // Whatever feeds did not show would be seen now, and written.
        let last = hub.sync(&hub.flows, Scope::Full).await?;
        quiet = if last.iter().all(|report| !wrote(report)) { quiet } else { 0 };
        let decided_again = last.iter().map(|report| report.counts.read - report.counts.unchanged).sum();
        let world = self.ground.office.with(std::mem::take);
        Ok(Ending { ground: self.ground, world, hub, is_quiet: quiet == 2, decided_again })
    }
}

fn is_quiet(reports: &Result<Vec<Report>>) -> bool {
    reports.as_ref().is_ok_and(|reports| !reports.iter().any(wrote))
}

fn wrote(report: &Report) -> bool {
    report.counts.created + report.counts.updated > 0 || report.error.is_some()
}

/// `held approve` of the sales that a person wants.
fn approve(hub: &Engine, office: &Office) -> Result<()> {
    let mut facts = Facts::new();
    for mut held in hub.store.held()?.into_iter().filter(|held| held.verdict == Verdict::Waiting) {
        let is_of = |sale: &&Sale| held.source.id.as_str() == sale.id;
        if office.with(|world| world.sales.iter().find(is_of).is_some_and(|sale| sale.is_welcome)) {
            held.verdict = Verdict::Approved;
            facts.hold(&held);
        }
    }
    hub.store.commit(facts)
}

/// `parked retry all`.
fn retry_parked(hub: &Engine) -> Result<()> {
    let mut facts = Facts::new();
    for mut parked in hub.store.parked(usize::MAX)? {
        parked.attempts = 0;
        facts.park(&parked);
    }
    hub.store.commit(facts)
}

/// `conflicts resolve` of a share of what waits, each with the value of one system or another; whether any did.
fn resolve(hub: &Engine, dice: &mut Chance, share: f64) -> Result<bool> {
    let mut facts = Facts::new();
    let mut any = false;
    for conflict in hub.store.conflicts_after(None, usize::MAX)?.into_iter().filter(Conflict::waits) {
        let sides: Vec<_> = conflict.sides.iter().collect();
        let Some((system, said)) = dice.pick(&sides).filter(|_| dice.falls(share)) else { continue };
        let taken = Taken { system: (*system).clone(), value: said.value.clone(), at: hub.clock.now() };
        facts.again(&At { entity: conflict.entity.clone(), system: (*system).clone(), id: said.id.clone() });
        facts.conflict(&Conflict { taken: Some(taken), moved: None, refused: None, ..conflict.clone() });
        any = true;
    }
    hub.store.commit(facts)?;
    Ok(any)
}
