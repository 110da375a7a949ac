//! Kills of the shipped program at moments that nobody chose, while people go on working.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use passerelle_core::clock::Timestamp;
use serde_json::Value;
use tokio::runtime::{Handle, Runtime};

use crate::args::Args;
use crate::books::{Ledger, key_of, rows, text};
use crate::process::{self, Program};
use crate::run::{has_written, verify};
use crate::world::{Ground, World};
use crate::{Done, people};

/// Runs that a world may need until it is at rest.
const ROUNDS: usize = 6;

/// Kills, lets the hub come to rest, and tells whether all is as it should be.
pub fn kill_at_random(args: &Args, kills: u64) -> Done<bool> {
    let runtime = Runtime::new()?;
    let program = process::shipped()?;
    let sample = people::sample(args.sales)?;
    let doubles = Doubles::of(&sample);
    let world = |ground| World::new(runtime.handle(), ground, Timestamp::now(), &sample);
    let calm = world(Ground::Memory)?;
    let began = Instant::now();
    calm.wait();
    program.run(&calm, &["sync"])?;
    let usual = began.elapsed();
    rest(&calm, &program)?;
    let parked = parked(&calm, &doubles)?;

    let world = world(Ground::Disk)?;
    let mut dice = Dice(args.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (mut killed, mut started) = (0, 0);
    let mut actions = 0;
    while killed < kills {
        world.wait();
        let mut hub = program.command(&world, &["sync"])?.spawn()?;
        let until = Instant::now() + usual.mul_f64(dice.fraction() * if started % 4 == 0 { 1.0 } else { 0.3 });
        while Instant::now() < until {
            actions += u64::from(act(&world, runtime.handle(), &mut dice, actions)?);
            std::thread::sleep(Duration::from_millis(1));
        }
        hub.kill()?;
        started += 1;
        if started > 20 * kills {
            return Err("the hubs are done before they can be killed; try more --sales".into());
        }
        // One that was done before does not count.
        if hub.wait()?.code().is_none() {
            killed += 1;
            if killed % 25 == 0 {
                eprintln!("{killed} of {kills} kills");
            }
        }
    }
    println!("{killed} of {started} hubs were killed before they were done; meanwhile people did {actions} things");
    rest(&world, &program)?;
    let wrong = wrong(&world, runtime.handle(), (&parked, &doubles))?;
    wrong.iter().for_each(|line| eprintln!("{line}"));
    let is_well = wrong.is_empty();
    println!(
        "{}",
        if is_well { "verdict: one order for each won sale, nothing lost, 0 differences" } else { "verdict: FAILED" }
    );
    if !is_well {
        println!(
            "again: cargo run --release -p passerelle-tests --bin sweep -- --sales {} --random {kills} --seed {}",
            args.sales, args.seed
        );
    }
    Ok(is_well)
}

/// One thing that people do; whether they did any.
fn act(world: &World, runtime: &Handle, dice: &mut Dice, number: u64) -> Done<bool> {
    let number = number as usize;
    match (dice.fraction() * 400.0) as u32 {
        0..4 => people::edit_customer(&world.host, number)?,
        4 => people::win_a_deal(&world.host, &number.to_string())?,
        5 | 6 => {
            let orders = runtime.block_on(Ledger::of(&world.host))?.orders;
            let is_open =
                |order: &&Value| text(order, "statut") == "1" && order["linkedObjectsIds"]["facture"].is_null();
            let open: Vec<&Value> = orders.iter().filter(is_open).collect();
            let Some(order) = open.get((dice.fraction() * open.len() as f64) as usize) else { return Ok(false) };
            people::bill(&world.host, order, number)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn rest(world: &World, program: &Program) -> Done<()> {
    for _ in 0..ROUNDS {
        world.wait();
        if !has_written(&program.run(world, &["sync"])?.said)? {
            return verify(program, world);
        }
    }
    Err("the hub does not come to rest".into())
}

/// Customers that are in the CRM twice: the entry that a hub meets first is created, the other waits, and with it what
/// belongs to it. Which one that is changes when somebody edits one of them before the hub comes to it.
struct Doubles {
    customers: BTreeSet<String>,
    /// Their contacts and deals, by a part of how a person recognises them.
    theirs: Vec<String>,
}

impl Doubles {
    fn of(sample: &[(&'static str, Value)]) -> Self {
        let Some((_, crm)) = sample.iter().find(|(vendor, _)| *vendor == "hubspot") else {
            return Self { customers: BTreeSet::new(), theirs: Vec::new() };
        };
        let companies: Vec<&Value> = rows(&crm["companies"]).map(|company| &company["properties"]).collect();
        let vat = |company: &Value| text(company, "vat_number");
        let is_double = |at: usize| {
            let same = |other: &&&Value| vat(other) == vat(companies[at]);
            !vat(companies[at]).is_empty() && companies.iter().filter(same).count() > 1
        };
        let doubles: Vec<usize> = (0..companies.len()).filter(|at| is_double(*at)).collect();
        let of_them = |row: &&Value| row["company"].as_u64().is_some_and(|at| doubles.contains(&(at as usize)));
        let named = |kind: &str, name: &str| -> Vec<String> {
            rows(&crm[kind]).filter(of_them).map(|row| text(&row["properties"], name)).collect()
        };
        let theirs = named("contacts", "lastname").into_iter().chain(named("deals", "dealname")).collect();
        Self { customers: doubles.iter().map(|at| text(companies[*at], "name")).collect(), theirs }
    }

    /// What is parked, as it is the same whichever entry waits.
    fn told(&self, entity: &str, label: &str) -> Option<String> {
        match entity {
            "company" if self.customers.contains(label) => Some("company that was entered twice".to_owned()),
            "contact" | "sale" if self.theirs.iter().any(|name| label.contains(name.as_str())) => None,
            _ => Some(format!("{entity} {label}")),
        }
    }
}

/// How many records of each label are parked.
fn parked(world: &World, doubles: &Doubles) -> Done<BTreeMap<String, usize>> {
    let mut parked = BTreeMap::new();
    for one in world.store()?.parked(usize::MAX)? {
        if let Some(told) = doubles.told(one.at.entity.as_str(), &one.label) {
            *parked.entry(told).or_default() += 1;
        }
    }
    Ok(parked)
}

/// What is not as it should be.
fn wrong(
    world: &World,
    runtime: &Handle,
    (expected, doubles): (&BTreeMap<String, usize>, &Doubles),
) -> Done<Vec<String>> {
    let mut wrong = Vec::new();
    let ledger = runtime.block_on(Ledger::of(&world.host))?;
    let mut orders: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for order in &ledger.orders {
        orders.entry(key_of(order)).or_default().push(order);
    }
    let (waiting, jobs) = {
        let store = world.store()?;
        let held = store.held()?.into_iter().map(|held| held.source.id.to_string());
        let parked = store.parked(usize::MAX)?.into_iter().map(|parked| parked.at.id.to_string());
        (held.chain(parked).collect::<Vec<_>>(), store.jobs()?.len())
    };
    for deal in ledger.deals.iter().filter(|deal| text(deal, "dealstage") == "closedwon") {
        let id = text(deal, "hs_object_id");
        let made = orders.remove(&format!("sale:crm:{id}")).unwrap_or_default();
        let told = text(deal, "erp_order_number");
        match made.as_slice() {
            [] if waiting.contains(&id) => {}
            [order] if text(order, "ref") == told => {}
            made => wrong.push(format!("deal {id}: {} orders, and the CRM was told `{told}`", made.len())),
        }
    }
    wrong.extend(orders.into_keys().map(|key| format!("an order `{key}` of no won deal")));
    let parked = parked(world, doubles)?;
    if parked != *expected {
        wrong.push(format!("parked {parked:?}, without kills {expected:?}"));
    }
    if jobs > 0 {
        wrong.push(format!("{jobs} creates are unfinished"));
    }
    Ok(wrong)
}

/// Chance under a seed.
struct Dice(u64);

impl Dice {
    /// A number of [0, 1).
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
