//! A few hundred seeds of the simulation: faults everywhere, and the oracle is content with each.
#![allow(clippy::unwrap_used, reason = "a broken test tells where")]

use passerelle_core::mutant::Mutant;
use passerelle_tests::simulation::{Outcome, Plot, simulate};

fn plot(seed: u64, sales: usize) -> Plot {
    Plot { seed, sales, is_calm: false, mutant: None }
}

/// Plays seeds on two threads, and gives their outcomes in order.
fn play(plots: Vec<Plot>) -> Vec<(Plot, Outcome)> {
    let played = |plots: &[Plot]| plots.iter().map(|plot| (*plot, simulate(*plot).unwrap())).collect::<Vec<_>>();
    let (front, back) = plots.split_at(plots.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| played(back));
        let mut all = played(front);
        all.extend(other.join().unwrap());
        all
    })
}

/// Every seed ends as promised, and says how to replay it where it does not.
fn check(plots: Vec<Plot>) {
    for (plot, outcome) in play(plots) {
        assert!(
            outcome.findings.is_empty(),
            "cargo run --release -p passerelle-tests --bin simulate -- --seeds 1 --start {} --sales {}\n{}",
            plot.seed,
            plot.sales,
            outcome.findings.join("\n")
        );
    }
}

#[test]
fn whatever_goes_wrong_every_won_sale_has_one_order_and_the_crm_knows_its_payments() {
    let small = (0..16).map(|seed| plot(seed, 5));
    let large = (1000..1002).map(|seed| plot(seed, 30));
    check(small.chain(large).collect());
}

#[test]
fn a_seed_happens_the_same_way_each_time() {
    let one = simulate(plot(7, 8)).unwrap();
    assert_eq!(one, simulate(plot(7, 8)).unwrap());
    assert_ne!(one.trace, simulate(plot(8, 8)).unwrap().trace);
}

/// Whether the oracle sees a mutant within so many seeds, from seed 10 on, of so many sales.
fn is_caught(mutant: Mutant, within: u64, sales: usize) -> bool {
    (10..10 + within).any(|seed| {
        let plot = Plot { mutant: Some(mutant), ..plot(seed, sales) };
        !simulate(plot).unwrap().findings.is_empty()
    })
}

#[test]
fn a_hub_that_decides_its_own_echoes_is_caught() {
    assert!(is_caught(Mutant::UncheckedEcho, 2, 4));
}

#[test]
fn a_hub_that_stores_its_cursor_early_is_caught() {
    assert!(is_caught(Mutant::EarlyCursor, 12, 15));
}

#[test]
fn a_hub_that_syncs_its_outbox_late_is_caught() {
    assert!(is_caught(Mutant::LateOutbox, 12, 15));
}

#[test]
fn a_hub_whose_money_gate_is_lax_is_caught() {
    assert!(is_caught(Mutant::LaxGate, 12, 15));
}

#[test]
fn a_hub_that_knows_no_owners_is_caught() {
    assert!(is_caught(Mutant::IgnoredOwner, 12, 15));
}
