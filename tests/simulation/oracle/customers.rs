//! Every customer once in the ERP, and no field against its owner.

use std::collections::BTreeSet;

use passerelle_core::Result;

use super::Findings;
use crate::simulation::books::{Books, Party, card, text};
use crate::simulation::story::Ending;
use crate::simulation::world::{Customer, World};

/// Looks at every customer that is not merged away.
pub fn judge(ending: &Ending, books: &Books, findings: &mut Findings) -> Result<()> {
    let world = &ending.world;
    let ordered: BTreeSet<&str> = books.orders.iter().map(|order| order.party.as_str()).collect();
    for (at, customer) in world.customers.iter().enumerate().filter(|(_, one)| one.merged_into.is_none()) {
        if world.is_double(at) {
            continue;
        }
        let parties: Vec<&Party> = books.parties.iter().filter(|party| is(customer, party, world, at)).collect();
        let what = format!("customer {} \"{}\"", customer.id, customer.name);
        match parties.as_slice() {
            [] if customer.is_client && customer.is_storable => findings.loss(format!("{what} is not in the ERP")),
            [] => {}
            [party] => owned(ending, at, party, findings)?,
            several => {
                let ids: Vec<String> = several
                    .iter()
                    .map(|party| format!("{}{}", party.id, if ordered.contains(party.id.as_str()) { "*" } else { "" }))
                    .collect();
                findings.duplicate(format!("{what} is in the ERP {} times: {}", several.len(), ids.join(", ")));
            }
        }
    }
    let mut skus = BTreeSet::new();
    for sku in &books.skus {
        if !skus.insert(sku.to_lowercase()) {
            findings.duplicate(format!("product {sku} is in the ERP twice"));
        }
    }
    Ok(())
}

/// Whether a third party is this customer: by its VAT number, else by what it was called at some time.
fn is(customer: &Customer, party: &Party, world: &World, at: usize) -> bool {
    if !customer.vat.is_empty() && !party.vat.is_empty() {
        return customer.vat == party.vat;
    }
    // Entered several times, it may bear the name of any of the entries.
    let same = |other: &Customer| party.zip == other.zip && party.name.eq_ignore_ascii_case(&other.name);
    world.customers.iter().enumerate().any(|(place, other)| world.customer(place) == at && same(other))
}

/// The CRM owns names, the ERP owns VAT numbers, and a phone number is one that somebody entered.
fn owned(ending: &Ending, at: usize, party: &Party, findings: &mut Findings) -> Result<()> {
    let world = &ending.world;
    let customer = &world.customers[at];
    let what = format!("customer {} \"{}\"", customer.id, customer.name);
    let shown = card(&ending.ground.host, "companies", &customer.id)?;
    if text(&shown, "name") != customer.name {
        findings.say(format!("{what}: the CRM's own name became {:?}", text(&shown, "name")));
    }
    let is_single =
        !(0..world.customers.len()).any(|other| world.is_double(other) && world.customers[other].double_of == Some(at));
    if is_single && party.name != customer.name {
        findings.say(format!("{what}: the CRM owns names, the ERP has {:?}", party.name));
    }
    let entered: Vec<&str> = (0..world.customers.len())
        .filter(|other| world.customer(*other) == at)
        .flat_map(|other| world.customers[other].phones.iter().map(|phone| phone.number.as_str()))
        .collect();
    let plain = |phone: &str| phone.chars().filter(char::is_ascii_digit).collect::<String>();
    let tail = |phone: &str| plain(phone).chars().rev().take(9).collect::<String>();
    let known = |phone: &str| entered.iter().any(|one| tail(one) == tail(phone));
    for (side, phone) in [("CRM", text(&shown, "phone")), ("ERP", party.phone.clone())] {
        if is_single && !known(&phone) {
            findings.say(format!("{what}: nobody entered the {side}'s phone number {phone:?}"));
        }
    }
    // Only one side ever changed it: that is the truth on both.
    if let [.., first, last] = customer.phones.as_slice()
        && is_single
        // Two records that meet for the first time after the change: `latest` cannot trust a time that is still to come,
        // and no time decides between two of the same second.
        && !(world.was_called && world.was_clock_wrong)
        && !(first.system != last.system && first.second == last.second)
        && entered.len() == customer.phones.len()
        && (first.system == last.system || customer.phones.len() == 2)
        && customer.phones.iter().skip(1).all(|phone| phone.system == last.system)
        && (tail(&party.phone) != tail(&last.number) || tail(&text(&shown, "phone")) != tail(&last.number))
    {
        findings.say(format!(
            "{what}: the phone number {} that the {} was told last did not stay",
            last.number, last.system
        ));
    }
    Ok(())
}
