//! What people do while the hub runs, on the systems' own screens; what they did is written into the world.

mod late;

use passerelle_core::Result;
use passerelle_core::clock::Clock;
use passerelle_core::emulator::Host;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::books::Books;
use super::chance::Chance;
use super::world::{Invoice, Phone, Stage, World, cents};
use super::{genesis, names};

/// People at work.
#[derive(Debug)]
pub struct People<'a> {
    /// The systems.
    pub host: &'a Host,
    /// The ERP as they see it now.
    pub books: &'a Books,
    /// What they know.
    pub world: &'a mut World,
    /// Whose turn it is.
    pub dice: &'a mut Chance,
}

impl People<'_> {
    /// One deed, or none where there is nothing to do it to.
    ///
    /// # Errors
    /// What a system's screens refuse and should not.
    pub fn act(&mut self) -> Result<()> {
        match self.dice.between(0, 25) {
            0..=4 => self.win(),
            5 => self.move_to(Stage::Lost),
            6 => self.move_to(Stage::Open),
            7 => self.sell(),
            8..=10 => self.invoice(),
            11..=14 => self.pay(),
            15 => self.credit(),
            16 => self.phone(),
            17 => self.rename(),
            18 => self.refer(),
            19 => self.tamper(),
            20 => self.put_away(),
            21 => self.merge(),
            22 => self.meet(),
            23 => self.reword(),
            24 => self.delete(),
            _ => self.reprice(),
        }
    }

    /// One deed in the middle of a run: only what the hub has no write under way for, see docs/reliability.md.
    ///
    /// # Errors
    /// What a system's screens refuse and should not.
    pub fn interrupt(&mut self) -> Result<()> {
        match self.dice.between(0, 13) {
            0..=2 => self.win(),
            3 => self.move_to(Stage::Lost),
            4 => self.move_to(Stage::Open),
            5 => self.sell(),
            6 => self.invoice(),
            7..=8 => self.pay(),
            9 => self.credit(),
            10 => self.refer(),
            11 => self.put_away(),
            12 => self.merge(),
            _ => self.reprice(),
        }
    }

    /// Every customer's phone number is entered anew in the ERP, all within one second.
    ///
    /// # Errors
    /// What the ERP's screens refuse and should not.
    pub fn call_round(&mut self) -> Result<()> {
        self.world.was_called = true;
        for at in self.singles() {
            let Some(party) = self.party_of(at) else { continue };
            let phone = names::phone(self.dice);
            self.note_phone(at, "erp", &phone);
            self.change("thirdparties", &party, &json!({ "phone": phone }))?;
        }
        Ok(())
    }

    fn win(&mut self) -> Result<()> {
        let Some(at) = self.sale(|sale| sale.stage == Stage::Open && !sale.is_archived) else { return Ok(()) };
        let sale = &mut self.world.sales[at];
        (sale.stage, sale.was_won) = (Stage::Won, true);
        self.host.control("hubspot", "win_deal", &json!({ "id": sale.id })).map(drop)
    }

    fn move_to(&mut self, stage: Stage) -> Result<()> {
        let Some(at) = self.sale(|sale| sale.stage != stage && !sale.is_archived) else { return Ok(()) };
        let sale = &mut self.world.sales[at];
        sale.was_withdrawn |= sale.stage == Stage::Won;
        sale.stage = stage;
        let id = sale.id.clone();
        self.edit("deals", &id, &json!({ "dealstage": genesis::word(stage) }))
    }

    fn sell(&mut self) -> Result<()> {
        let sale = genesis::sale(self.dice, self.world);
        let stage = if self.dice.falls(0.5) { Stage::Won } else { Stage::Open };
        genesis::open(self.host, self.world, sale, stage).map(drop)
    }

    /// Invoices an order that has none, all of it or half.
    fn invoice(&mut self) -> Result<()> {
        let open: Vec<_> =
            self.books.orders.iter().filter(|order| !order.is_draft && order.invoices.is_empty()).collect();
        let Some(order) = self.dice.pick(&open) else { return Ok(()) };
        let Some(sale) = self.world.sales.iter().position(|sale| order.key == format!("sale:crm:{}", sale.id)) else {
            return Ok(());
        };
        if self.world.sales[sale].was_deleted || self.world.invoices.iter().any(|invoice| invoice.sale == sale) {
            return Ok(());
        }
        let share = if self.dice.falls(0.2) { "0.5" } else { "1" };
        let is_draft = self.dice.falls(0.1);
        let made = json!({ "order": order.id, "share": share, "draft": is_draft });
        let made = self.host.control("dolibarr", "invoice_order", &made)?;
        if !is_draft {
            let id = made["invoice"].as_str().unwrap_or_default().to_owned();
            self.world.invoices.push(Invoice { id, sale, paid: Decimal::ZERO, is_credited: false });
        }
        Ok(())
    }

    /// Books a payment: what is left, or a part.
    fn pay(&mut self) -> Result<()> {
        let Some((at, rest)) = self.open_invoice() else { return Ok(()) };
        let part = if self.dice.falls(0.5) { rest } else { cents(rest * Decimal::new(4, 1)) };
        if part.is_zero() {
            return Ok(());
        }
        let invoice = &mut self.world.invoices[at];
        invoice.paid += part;
        let amount = if part == rest { "remain".to_owned() } else { part.to_string() };
        let payment = json!({ "invoice": invoice.id, "amount": amount });
        self.host.control("dolibarr", "pay", &payment).map(drop)
    }

    /// A credit note over all of an invoice on which nothing was paid.
    fn credit(&mut self) -> Result<()> {
        let Some((at, _)) = self.open_invoice() else { return Ok(()) };
        let invoice = &mut self.world.invoices[at];
        if !invoice.paid.is_zero() {
            return Ok(());
        }
        invoice.is_credited = true;
        self.host.control("dolibarr", "credit_note", &json!({ "invoice": invoice.id })).map(drop)
    }

    /// An invoice on which something is left, and how much; the books may be older than the last payment.
    fn open_invoice(&mut self) -> Option<(usize, Decimal)> {
        let open = self.world.invoices.iter().enumerate().filter_map(|(at, invoice)| {
            let bill = self.books.bills.get(&invoice.id)?;
            let rest = bill.gross - invoice.paid;
            (!invoice.is_credited && rest > Decimal::ZERO).then_some((at, rest))
        });
        let open: Vec<(usize, Decimal)> = open.collect();
        self.dice.pick(&open).copied()
    }

    /// A new phone number, in the CRM, in the ERP, or another one in each.
    fn phone(&mut self) -> Result<()> {
        let Some(at) = self.customer() else { return Ok(()) };
        let sides = self.dice.between(1, 3);
        if sides & 1 == 1 {
            let phone = self.number(at);
            self.note_phone(at, "crm", &phone);
            let id = self.world.customers[at].id.clone();
            self.edit("companies", &id, &json!({ "phone": phone }))?;
        }
        if sides & 2 == 2
            && let Some(party) = self.party_of(at)
        {
            let phone = self.number(at);
            self.note_phone(at, "erp", &phone);
            self.change("thirdparties", &party, &json!({ "phone": phone }))?;
        }
        Ok(())
    }

    /// A new phone number; now and then none any more, or one that it had before.
    fn number(&mut self, at: usize) -> String {
        match self.dice.between(0, 9) {
            0 => String::new(),
            1 => {
                let known = self.world.customers[at].phones.iter().map(|phone| phone.number.clone());
                self.dice.pick(&known.collect::<Vec<_>>()).cloned().unwrap_or_default()
            }
            _ => names::phone(self.dice),
        }
    }

    fn note_phone(&mut self, at: usize, system: &'static str, number: &str) {
        let second = self.touch(at, system);
        self.world.customers[at].phones.push(Phone { system, number: number.to_owned(), second });
    }

    fn touch(&mut self, at: usize, system: &'static str) -> i64 {
        let second = self.host.time().now().as_second();
        self.world.customers[at].touched.insert(system, second);
        second
    }

    /// The CRM owns names: what the ERP's people write there does not stay.
    fn rename(&mut self) -> Result<()> {
        let Some(at) = self.customer().filter(|at| !self.world.customers[*at].vat.is_empty()) else { return Ok(()) };
        if self.dice.falls(0.5) {
            let name = format!("{} & Fils", self.world.customers[at].name);
            let id = self.world.customers[at].id.clone();
            self.world.customers[at].name.clone_from(&name);
            self.touch(at, "crm");
            return self.edit("companies", &id, &json!({ "name": name }));
        }
        // Known by its name alone and given another, it would be nobody's that anyone could tell.
        let vat = &self.world.customers[at].vat;
        let Some(party) = self.books.parties.iter().find(|party| party.vat == *vat) else { return Ok(()) };
        if self.world.customers[at].was_deleted {
            return Ok(());
        }
        self.touch(at, "erp");
        self.change("thirdparties", &party.id, &json!({ "name": "ANCIEN NOM" }))
    }

    /// A deal gets another reference or title.
    fn refer(&mut self) -> Result<()> {
        let Some(at) = self.sale(|sale| !sale.is_archived) else { return Ok(()) };
        let reference = format!("BC-{}/é", self.dice.between(100_000, 999_999));
        let sale = &mut self.world.sales[at];
        sale.reference.clone_from(&reference);
        sale.title.push_str(" bis");
        let (id, title) = (sale.id.clone(), sale.title.clone());
        self.edit("deals", &id, &json!({ "customer_reference": reference, "dealname": title }))
    }

    /// Somebody writes where the other system decides.
    fn tamper(&mut self) -> Result<()> {
        if self.dice.falls(0.5) {
            let Some(at) = self.sale(|sale| sale.was_won && !sale.is_archived) else { return Ok(()) };
            let id = self.world.sales[at].id.clone();
            let known = super::books::card(self.host, "deals", &id)?;
            if known.get("erp_order_number").is_none() {
                return Ok(());
            }
            return self.edit("deals", &id, &json!({ "erp_paid": "1234.56", "erp_invoice_status": "paid" }));
        }
        let is_there =
            |key: &str| self.world.sales.iter().any(|sale| !sale.was_deleted && key == format!("sale:crm:{}", sale.id));
        let orders: Vec<_> = self.books.orders.iter().filter(|order| is_there(&order.key)).collect();
        match self.dice.pick(&orders) {
            Some(order) => self.change("orders", &order.id, &json!({ "ref_client": "AUTRE" })),
            None => Ok(()),
        }
    }

    /// A deal goes into the bin, or comes back.
    fn put_away(&mut self) -> Result<()> {
        let is_back = self.dice.falls(0.4);
        let Some(at) = self.sale(|sale| sale.is_archived == is_back) else { return Ok(()) };
        let sale = &mut self.world.sales[at];
        sale.is_archived = !is_back;
        sale.was_withdrawn |= sale.stage == Stage::Won;
        let command = if is_back { "restore" } else { "archive" };
        self.host.control("hubspot", command, &json!({ "type": "deals", "id": sale.id })).map(drop)
    }

    /// Two entries of one customer become one.
    fn merge(&mut self) -> Result<()> {
        let doubles: Vec<usize> = (0..self.world.customers.len()).filter(|at| self.world.is_double(*at)).collect();
        match self.dice.pick(&doubles).copied() {
            Some(at) => merge(self.host, self.world, at),
            None => Ok(()),
        }
    }

    /// A new customer, in the CRM, and by somebody else in the ERP before the hub saw it; or one of the CRM's is entered in the ERP, where it is not there yet.
    fn meet(&mut self) -> Result<()> {
        if self.dice.falls(0.5) {
            let customer = genesis::customer(self.dice, self.world.customers.len());
            let at = genesis::enter(self.host, self.dice, self.world, customer)?;
            if !self.dice.falls(0.5) || !self.world.customers[at].is_storable {
                return Ok(());
            }
            self.world.twins_made.insert(at);
            return genesis::twin(self.host, self.dice, &self.world.customers[at]);
        }
        let Some(at) = self.customer() else { return Ok(()) };
        let customer = &self.world.customers[at];
        if self.in_books(at).is_some() || customer.vat.is_empty() || self.world.twins_made.contains(&at) {
            return Ok(());
        }
        self.world.twins_made.insert(at);
        genesis::twin(self.host, self.dice, &self.world.customers[at])
    }

    fn reprice(&mut self) -> Result<()> {
        let at = self.dice.place(self.world.products.len());
        let price = Decimal::new(self.dice.between(100, 90_000) as i64, 2);
        let product = &mut self.world.products[at];
        product.price = price;
        let id = product.id.clone();
        self.edit("products", &id, &json!({ "price": price.to_string() }))
    }

    fn sale(&mut self, fits: impl Fn(&super::world::Sale) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.world.sales.len()).filter(|at| fits(&self.world.sales[*at])).collect();
        self.dice.pick(&fitting).copied()
    }

    /// A customer that was entered once, and whose name the ERP can store.
    fn customer(&mut self) -> Option<usize> {
        let single = self.singles();
        self.dice.pick(&single).copied()
    }

    fn singles(&self) -> Vec<usize> {
        let world = &self.world;
        let single = |at: &usize| {
            let customer = &world.customers[*at];
            let has_double = world.customers.iter().any(|other| other.double_of == Some(*at));
            customer.double_of.is_none() && !has_double && customer.is_storable && customer.merged_into.is_none()
        };
        (0..world.customers.len()).filter(single).collect()
    }

    /// The ERP's id of a customer, found as its people find it.
    fn party_of(&self, at: usize) -> Option<String> {
        self.in_books(at).filter(|_| !self.world.customers[at].was_deleted)
    }

    /// The same, be it that another was deleted.
    fn in_books(&self, at: usize) -> Option<String> {
        let customer = &self.world.customers[at];
        let by_vat = self.books.parties.iter().find(|party| !customer.vat.is_empty() && party.vat == customer.vat);
        let by_name = || {
            let same = |party: &&super::books::Party| party.name == customer.name && party.zip == customer.zip;
            self.books.parties.iter().find(same)
        };
        by_vat.or_else(by_name).map(|party| party.id.clone())
    }

    fn edit(&self, kind: &str, id: &str, properties: &Value) -> Result<()> {
        let edit = json!({ "type": kind, "id": id, "properties": properties });
        self.host.control("hubspot", "edit", &edit).map(drop)
    }

    fn change(&self, kind: &str, id: &str, fields: &Value) -> Result<()> {
        self.host.control("dolibarr", "edit", &json!({ "type": kind, "id": id, "fields": fields })).map(drop)
    }
}

/// Merges a second entry of a customer into the first.
///
/// # Errors
/// What the CRM refuses.
pub fn merge(host: &Host, world: &mut World, double: usize) -> Result<()> {
    let Some(of) = world.customers[double].double_of else { return Ok(()) };
    let (first, second) = (world.customer(of), world.customer(double));
    let merge = json!({
        "type": "companies", "primary": world.customers[first].id, "other": world.customers[second].id,
    });
    let merged = host.control("hubspot", "merge", &merge)?;
    world.customers[first].id = merged["id"].as_str().unwrap_or_default().to_owned();
    world.customers[second].merged_into = Some(first);
    Ok(())
}
