//! The books of both systems, read from their stand-ins and laid side by side: what was agreed, ordered, invoiced, paid.
//!
//! Nothing of it comes through the hub: sums are made anew, from lines, invoices and payments.

use std::collections::BTreeMap;

use passerelle_core::emulator::InProcess;
use passerelle_core::http::{Request, Wire};
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::stage::Stage;

/// Every won deal with what became of it, and every validated order.
#[derive(Debug)]
pub(super) struct Ledger {
    pub sales: Vec<Sale>,
    pub orders: Vec<Order>,
}

/// A won deal; its money is in its own currency.
#[derive(Debug)]
pub(super) struct Sale {
    pub deal: String,
    pub currency: String,
    /// Gross, from the lines of the accepted quote, else of the deal; `None` where a line lacks its VAT rate.
    pub agreed: Option<Decimal>,
    /// What the CRM was told.
    pub told: Told,
    /// `None` while it waits for a person.
    pub order: Option<Order>,
}

/// Properties of a deal that the hub writes.
#[derive(Debug)]
pub(super) struct Told {
    pub order: Option<String>,
    pub invoices: Option<String>,
    pub status: Option<String>,
    pub invoiced: Option<Decimal>,
    pub paid: Option<Decimal>,
    pub due: Option<Decimal>,
}

/// An order of the ERP with the sums over its invoices and payments.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    pub id: String,
    pub number: String,
    pub total: Decimal,
    pub total_at_home: Decimal,
    pub invoices: Vec<String>,
    pub invoiced: Decimal,
    pub paid: Decimal,
    pub due: Decimal,
}

impl Ledger {
    /// Reads both systems.
    ///
    /// # Errors
    /// What they answer.
    pub async fn of(stage: &Stage<'_>) -> Result<Self> {
        let orders = Erp::of(stage)?.orders().await?;
        let crm = Crm::read(stage).await?;
        let won = crm.deals.iter().filter(|deal| text(deal, "hs_is_closed_won").as_deref() == Some("true"));
        let sale = |deal: &Value| {
            let number = text(deal, "erp_order_number");
            let order = orders.iter().find(|order| Some(&order.number) == number.as_ref()).cloned();
            Sale {
                deal: text(deal, "dealname").unwrap_or_default(),
                currency: text(deal, "deal_currency_code").unwrap_or_default(),
                agreed: crm.agreed(deal),
                told: Told {
                    order: number,
                    invoices: text(deal, "erp_invoice_numbers"),
                    status: text(deal, "erp_invoice_status"),
                    invoiced: number_of(deal, "erp_invoiced"),
                    paid: number_of(deal, "erp_paid"),
                    due: number_of(deal, "erp_balance_due"),
                },
                order,
            }
        };
        let sales = won.map(sale).collect();
        Ok(Self { sales, orders })
    }

    /// The sales in JSON; money as decimal texts.
    pub fn json(&self) -> Value {
        let one = |sale: &Sale| {
            let told = &sale.told;
            json!({
                "deal": sale.deal, "currency": sale.currency, "agreed": sale.agreed,
                "order": sale.order.as_ref().map(|order| &order.number),
                "order_total": sale.order.as_ref().map(|order| order.total),
                "invoices": told.invoices, "status": told.status,
                "invoiced": told.invoiced, "paid": told.paid, "due": told.due,
            })
        };
        self.sales.iter().map(one).collect()
    }
}

/// The stand-in of the ERP, asked by its own API.
#[derive(Debug)]
pub(super) struct Erp {
    door: Door,
}

impl Erp {
    /// The ERP of the stage.
    ///
    /// # Errors
    /// `Config` when none is played.
    pub fn of(stage: &Stage<'_>) -> Result<Self> {
        Ok(Self { door: Door::to(stage, "dolibarr", |key| ("DOLAPIKEY".to_owned(), key))? })
    }

    /// Every validated order, oldest first.
    ///
    /// # Errors
    /// What the ERP answers.
    pub async fn orders(&self) -> Result<Vec<Order>> {
        let invoices = self.door.get("/invoices?limit=0&sortfield=t.rowid").await?;
        let mut orders = Vec::new();
        for listed in rows(&self.door.get("/orders?limit=0&sortfield=t.rowid").await?) {
            let order = self.door.get(&format!("/orders/{}", text(listed, "id").unwrap_or_default())).await?;
            if text(&order, "statut").as_deref() != Some("0") {
                orders.push(self.order(&order, &invoices).await?);
            }
        }
        Ok(orders)
    }

    async fn order(&self, order: &Value, invoices: &Value) -> Result<Order> {
        let amount = |of: &Value, name: &str| number_of(of, name).unwrap_or_default();
        let mut sums = Order {
            id: text(order, "id").unwrap_or_default(),
            number: text(order, "ref").unwrap_or_default(),
            total: cents(amount(order, "multicurrency_total_ttc")),
            total_at_home: amount(order, "total_ttc"),
            ..Order::default()
        };
        let linked = order["linkedObjectsIds"]["facture"].as_object().into_iter().flatten();
        for id in linked.filter_map(|(_, id)| id.as_str()) {
            let invoice = self.door.get(&format!("/invoices/{id}")).await?;
            let rate = amount(&invoice, "multicurrency_tx");
            let gross = cents(amount(&invoice, "multicurrency_total_ttc"));
            let (mut paid, mut credited) = (Decimal::ZERO, Decimal::ZERO);
            for payment in rows(&self.door.get(&format!("/invoices/{id}/payments")).await?) {
                let part = amount(payment, "amount") * rate;
                if payment["typeline"] == json!("payment") { paid += part } else { credited += part }
            }
            sums.invoices.push(text(&invoice, "ref").unwrap_or_default());
            sums.invoiced += gross;
            sums.paid += cents(paid);
            sums.due += gross - cents(paid) - cents(credited);
            let notes = rows(invoices).filter(|note| text(note, "fk_facture_source").as_deref() == Some(id));
            for note in notes {
                sums.invoices.push(text(note, "ref").unwrap_or_default());
                sums.invoiced += cents(amount(note, "multicurrency_total_ttc"));
            }
        }
        Ok(sums)
    }
}

/// The stand-in of the CRM: its deals, quotes and lines, by id.
struct Crm {
    deals: Vec<Value>,
    quotes: BTreeMap<String, Value>,
    lines: BTreeMap<String, Value>,
}

impl Crm {
    async fn read(stage: &Stage<'_>) -> Result<Self> {
        let door = Door::to(stage, "hubspot", |key| ("Authorization".to_owned(), format!("Bearer {key}")))?;
        let deals = "deals?associations=quotes,line_items&properties=dealname,deal_currency_code,hs_is_closed_won,\
            erp_order_number,erp_invoice_numbers,erp_invoice_status,erp_invoiced,erp_paid,erp_balance_due";
        let quotes = "quotes?associations=line_items&properties=hs_quote_status,hs_quote_esign_status";
        let lines = "line_items?properties=price,quantity,discount,hs_discount_percentage,vat_rate";
        let deals = all(&door, deals).await?;
        Ok(Self { deals, quotes: by_id(all(&door, quotes).await?), lines: by_id(all(&door, lines).await?) })
    }

    /// Line by line to the cent, the way both systems' people would write it on paper.
    fn agreed(&self, deal: &Value) -> Option<Decimal> {
        let accepted = |quote: &&Value| {
            let is = |name: &str, word: &str| text(quote, name).as_deref() == Some(word);
            is("hs_quote_status", "ACCEPTED") || is("hs_quote_esign_status", "SIGNED")
        };
        let quotes = joined(deal, "quotes");
        let source = quotes.iter().filter_map(|id| self.quotes.get(id)).find(accepted).unwrap_or(deal);
        let lines = joined(source, "line items");
        lines.iter().filter_map(|id| self.lines.get(id)).map(gross).sum()
    }
}

fn gross(line: &Value) -> Option<Decimal> {
    let or_zero = |name: &str| number_of(line, name).unwrap_or_default();
    let unit = number_of(line, "price")? - or_zero("discount");
    let kept = Decimal::ONE - or_zero("hs_discount_percentage") / Decimal::ONE_HUNDRED;
    let net = cents(unit * number_of(line, "quantity")? * kept);
    Some(net + cents(net * number_of(line, "vat_rate")? / Decimal::ONE_HUNDRED))
}

/// Every object of a list.
async fn all(door: &Door, list: &str) -> Result<Vec<Value>> {
    let (mut found, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = door.get(&format!("/crm/objects/2026-09/{list}&limit=100&after={after}")).await?;
        found.extend(rows(&page["results"]).cloned());
        match page["paging"]["next"]["after"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return Ok(found),
        }
    }
}

fn by_id(objects: Vec<Value>) -> BTreeMap<String, Value> {
    objects.into_iter().map(|object| (object["id"].as_str().unwrap_or_default().to_owned(), object)).collect()
}

/// The ids of what an object of the CRM is associated with; a pair with two labels is told twice.
fn joined(object: &Value, name: &str) -> Vec<String> {
    let ids = rows(&object["associations"][name]["results"]).filter_map(|end| end["id"].as_str().map(str::to_owned));
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids.dedup();
    ids
}

/// A way into a stand-in that does not pass the hub.
#[derive(Debug)]
struct Door {
    wire: InProcess,
    base: String,
    key: (String, String),
}

impl Door {
    fn to(stage: &Stage<'_>, name: &str, header: fn(String) -> (String, String)) -> Result<Self> {
        let wire = InProcess::new(stage.host().clone());
        Ok(Self { base: wire.base_url(name)?, key: header(stage.host().key(name)?.to_owned()), wire })
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let request = Request::get(format!("{}{path}", self.base)).header(&self.key.0, &self.key.1);
        let response = self.wire.call(request).await?;
        if response.status != 200 {
            let message = format!("a stand-in answers {}: {}", response.status, response.excerpt());
            return Err(Error::new(ErrorKind::Bug, message).at("path", path));
        }
        response.parse()
    }
}

fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A field as text, of a document or of its `properties`; unset is none.
fn text(of: &Value, name: &str) -> Option<String> {
    let value = of.get("properties").unwrap_or(of).get(name)?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(text).filter(|text| !text.is_empty() && !value.is_null())
}

fn number_of(of: &Value, name: &str) -> Option<Decimal> {
    text(of, name)?.parse().ok()
}

fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}
