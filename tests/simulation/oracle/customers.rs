//! Every customer once in the ERP, and no field against its owner.

use std::collections::BTreeSet;

use passerelle_core::Result;
use passerelle_core::store::Entry;

use super::Findings;
use crate::simulation::books::{Books, Party, card, text};
use crate::simulation::story::Ending;
use crate::simulation::world::{Customer, Phone, World};

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
            // Deleted in the ERP, it is not made again; entered there anew, it is another: docs/reliability.md says so.
            [] if customer.was_deleted => {}
            [_] if customer.was_deleted => {}
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

/// Whether the other system's record was changed no earlier than this number was entered, and the two had not met before.
fn is_undecidable(ending: &Ending, customer: &Customer, last: &Phone) -> Result<bool> {
    let others = customer.touched.iter().filter(|(system, _)| **system != last.system);
    let is_later = others.into_iter().any(|(_, second)| *second >= last.second);
    // Of two records that meet for the first time, one without a number says nothing.
    if !is_later && !last.number.is_empty() {
        return Ok(false);
    }
    let journal = ending.hub.store.journal(None)?;
    let names_it = |entry: &&Entry| {
        entry.entity.as_str() == "company"
            && (entry.id.as_str() == customer.id || entry.from.iter().any(|from| from.id.as_str() == customer.id))
    };
    // The hub's clock may be five minutes off.
    let met = journal.iter().filter(names_it).map(|entry| entry.at.as_second()).min();
    Ok(met.is_none_or(|met| met + 600 >= last.second))
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
    if !party.vat.is_empty() && text(&shown, "vat_number") != party.vat && !customer.was_deleted {
        let told = text(&shown, "vat_number");
        findings.say(format!("{what}: the ERP owns VAT numbers and has {:?}, the CRM has {told:?}", party.vat));
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
        && !world.rules.reviews
        // Two records that meet for the first time after the change: `latest` cannot trust a time that is still to come,
        // and no time decides where the other record was changed in the same second or later.
        && !(world.was_called && world.was_clock_wrong)
        && entered.len() == customer.phones.len()
        && (first.system == last.system || customer.phones.len() == 2)
        && customer.phones.iter().skip(1).all(|phone| phone.system == last.system)
        && (tail(&party.phone) != tail(&last.number) || tail(&text(&shown, "phone")) != tail(&last.number))
        && !is_undecidable(ending, customer, last)?
    {
        findings.say(format!(
            "{what}: the phone number {} that the {} was told last did not stay",
            last.number, last.system
        ));
    }
    Ok(())
}
