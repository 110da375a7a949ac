//! The first day: both systems are filled, all at one instant, and some customers are in both already.

use passerelle_core::clock::Clock;
use passerelle_core::emulator::Host;
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::chance::Chance;
use super::names;
use super::world::{Customer, Line, Phone, Product, Sale, Stage, World};

/// VAT rates that lines bear, in percent.
const RATES: [&str; 5] = ["20", "10", "5.5", "2.1", "0"];

/// Above this gross an order is held by the shipped mapping.
pub const LIMIT: i64 = 10_000;

/// Fills both systems of `host` for about so many sales.
///
/// # Errors
/// What the emulated systems refuse.
pub fn fill(host: &Host, dice: &mut Chance, sales: usize) -> Result<World> {
    let (vat_of_total, is_crowded) = (dice.falls(0.08), dice.falls(0.06));
    let mut world = World { vat_of_total, is_crowded, ..World::default() };
    let lag = dice.between(0, 10);
    host.control("hubspot", "settings", &json!({ "search_lag_seconds": lag }))?;
    host.control("dolibarr", "settings", &json!({ "vat_of_total": world.vat_of_total }))?;
    products(host, dice, &mut world, sales)?;
    customers(host, dice, &mut world, sales)?;
    for _ in 0..sales {
        let sale = sale(dice, &world);
        let stage = match dice.between(0, 9) {
            0..=5 => Stage::Won,
            6..=8 => Stage::Open,
            _ => Stage::Lost,
        };
        open(host, &mut world, sale, stage)?;
    }
    Ok(world)
}

fn products(host: &Host, dice: &mut Chance, world: &mut World, sales: usize) -> Result<()> {
    for place in 0..(3 + sales / 20).min(12) {
        let mut product = Product {
            sku: format!("ART-{place:03}"),
            name: names::product(dice, place),
            price: price(dice),
            vat: rate(dice),
            is_service: dice.falls(0.2),
            ..Product::default()
        };
        let kind = if product.is_service { "service" } else { "inventory" };
        let properties = json!({
            "name": product.name, "hs_sku": product.sku, "price": product.price.to_string(),
            "vat_rate": product.vat.to_string(), "hs_product_type": kind,
        });
        product.id = created(host, "products", &properties)?;
        if dice.falls(0.4) {
            let fields = json!({
                "ref": product.sku, "label": product.name.to_uppercase(), "price": product.price.to_string(),
                "tva_tx": product.vat.to_string(), "type": if product.is_service { "1" } else { "0" }, "status": "1",
            });
            host.control("dolibarr", "create", &json!({ "type": "products", "fields": fields }))?;
        }
        world.products.push(product);
    }
    Ok(())
}

fn customers(host: &Host, dice: &mut Chance, world: &mut World, sales: usize) -> Result<()> {
    // More than a page of the ERP's list.
    let crowd = if world.is_crowded { dice.between(105, 125) as usize } else { 0 };
    for place in 0..(2 + sales / 8).max(crowd) {
        let customer = match place {
            1.. if crowd == 0 && dice.falls(0.05) => double(dice, world),
            _ => customer(dice, place),
        };
        let at = enter(host, dice, world, customer)?;
        let fresh = world.customers[at].double_of.is_none() && world.customers[at].is_storable;
        if fresh && (crowd > 0 || dice.falls(0.3)) {
            twin(host, dice, &world.customers[at])?;
        }
    }
    Ok(())
}

/// A company that nobody entered before.
pub fn customer(dice: &mut Chance, place: usize) -> Customer {
    let siren = names::siren(place);
    let is_storable = !dice.falls(0.02);
    let mut name = names::customer(dice, place);
    if !is_storable {
        name.push_str(" 🎉");
    }
    Customer {
        name,
        vat: if dice.falls(0.8) { names::vat_number(&siren) } else { String::new() },
        zip: format!("{:05}", dice.between(1_000, 95_999)),
        is_client: dice.falls(0.7),
        is_storable,
        ..Customer::default()
    }
}

/// A second entry of a customer: by the same VAT number, else by the same name and postal code.
fn double(dice: &mut Chance, world: &World) -> Customer {
    let of = world.customer(dice.place(world.customers.len()));
    let first = &world.customers[of];
    let of = first.double_of.unwrap_or(of);
    let name = if first.vat.is_empty() { first.name.to_uppercase() } else { format!("{} SARL", first.name) };
    Customer { name, double_of: Some(of), id: String::new(), phones: Vec::new(), ..first.clone() }
}

/// Enters a customer in the CRM.
///
/// # Errors
/// What the CRM refuses.
pub fn enter(host: &Host, dice: &mut Chance, world: &mut World, mut customer: Customer) -> Result<usize> {
    let stage = if customer.is_client { "customer" } else { "lead" };
    let phone = names::phone(dice);
    let mut properties = json!({
        "name": customer.name, "zip": customer.zip, "city": names::town(dice), "country": "France",
        "lifecyclestage": stage, "phone": phone,
    });
    if !customer.vat.is_empty() {
        properties["vat_number"] = json!(customer.vat);
    }
    let second = host.time().now().as_second();
    customer.phones.push(Phone { system: "crm", number: phone, second });
    customer.touched.insert("crm", second);
    customer.id = created(host, "companies", &properties)?;
    world.customers.push(customer);
    Ok(world.customers.len() - 1)
}

/// The same customer, entered in the ERP by somebody else.
///
/// # Errors
/// What the ERP refuses.
pub fn twin(host: &Host, dice: &mut Chance, customer: &Customer) -> Result<()> {
    let by_vat = !customer.vat.is_empty() && dice.falls(0.7);
    let fields = json!({
        "name": if by_vat { customer.name.to_uppercase() } else { customer.name.clone() },
        "zip": customer.zip, "tva_intra": if by_vat { customer.vat.clone() } else { String::new() },
        "country_code": "FR", "client": "1", "code_client": "-1",
    });
    host.control("dolibarr", "create", &json!({ "type": "thirdparties", "fields": fields })).map(drop)
}

/// A sale that might be made.
pub fn sale(dice: &mut Chance, world: &World) -> Sale {
    let forgotten = dice.falls(0.02);
    let count = dice.between(1, 4);
    let mut lines: Vec<Line> = (0..count).map(|_| line(dice, world)).collect();
    if let (true, Some(line)) = (forgotten, lines.first_mut()) {
        line.vat = None;
    }
    let place = world.sales.len();
    Sale {
        title: format!("Affaire n° {place} — {}", dice.word(&["été", "hiver", "Noël", "rentrée"])),
        reference: format!("BC-{}", dice.between(100, 99_999)),
        customer: dice.place(world.customers.len()),
        lines,
        is_welcome: dice.falls(0.8),
        ..Sale::default()
    }
}

fn line(dice: &mut Chance, world: &World) -> Line {
    let product = dice.place(world.products.len());
    let known = &world.products[product];
    let price = if dice.falls(0.7) { known.price } else { price(dice) };
    let off = if dice.falls(0.15) { Decimal::new(dice.between(1, 9) as i64, 2) } else { Decimal::ZERO };
    Line {
        product,
        quantity: if dice.falls(0.8) {
            Decimal::from(dice.between(1, 12))
        } else {
            Decimal::new(dice.between(1, 999) as i64, 2)
        },
        price,
        discount: off.min(price),
        percent: if dice.falls(0.2) { Decimal::new(dice.between(1, 400) as i64, 1) } else { Decimal::ZERO },
        vat: Some(rate(dice)),
    }
}

/// Enters a sale in the CRM.
///
/// # Errors
/// What the CRM refuses.
pub fn open(host: &Host, world: &mut World, mut sale: Sale, stage: Stage) -> Result<usize> {
    let at = world.sales.len();
    let lines: Vec<Value> =
        sale.lines.iter().enumerate().map(|(place, line)| spelled(at, place, line, world)).collect();
    let company = &world.customers[world.customer(sale.customer)].id;
    let deal = json!({
        "properties": {
            "dealname": sale.title, "customer_reference": sale.reference, "deal_currency_code": "EUR",
            "pipeline": "default", "dealstage": word(stage), "closedate": "2026-11-20",
        },
        "company": company, "line_items": lines,
    });
    sale.id = told_id(&host.control("hubspot", "create_deal", &deal)?)?;
    sale.stage = stage;
    sale.was_won = stage == Stage::Won;
    world.sales.push(sale);
    Ok(at)
}

/// What a line of a sale is called, which no other is.
pub fn line_name(sale: usize, place: usize) -> String {
    format!("Poste {place} de l’affaire n° {sale}")
}

fn spelled(sale: usize, place: usize, line: &Line, world: &World) -> Value {
    let mut properties = json!({
        "name": world.products[line.product].name, "quantity": line.quantity.to_string(),
        "price": line.price.to_string(), "description": line_name(sale, place),
    });
    if !line.discount.is_zero() {
        properties["discount"] = json!(line.discount.to_string());
    }
    if !line.percent.is_zero() {
        properties["hs_discount_percentage"] = json!(line.percent.to_string());
    }
    match line.vat {
        Some(vat) => {
            properties["vat_rate"] = json!(vat.to_string());
            json!({ "properties": properties, "product": world.products[line.product].id })
        }
        // A line of no product takes over no rate.
        None => json!({ "properties": properties }),
    }
}

/// A stage as the CRM calls it.
pub fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Open => "appointmentscheduled",
        Stage::Won => "closedwon",
        Stage::Lost => "closedlost",
    }
}

fn created(host: &Host, kind: &str, properties: &Value) -> Result<String> {
    told_id(&host.control("hubspot", "create", &json!({ "type": kind, "properties": properties }))?)
}

fn told_id(answer: &Value) -> Result<String> {
    let id = answer["id"].as_str().map(str::to_owned);
    id.ok_or_else(|| Error::new(ErrorKind::Bug, "a create without an id"))
}

fn price(dice: &mut Chance) -> Decimal {
    match dice.between(0, 9) {
        0..=6 => Decimal::new(dice.between(50, 40_000) as i64, 2),
        7..=8 => Decimal::new(dice.between(1, 99_999) as i64, 3),
        _ => Decimal::new(dice.between(1, 9_999_999) as i64, 5),
    }
}

fn rate(dice: &mut Chance) -> Decimal {
    dice.word(&RATES).parse().unwrap_or_default()
}
