//! The ERP's books and the CRM's cards as their own people see them: read past the hub, sums made anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use passerelle_core::clock::Clock;
use passerelle_core::emulator::{Host, InProcess};
use passerelle_core::http::{Request, Wire};
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// An order of the ERP.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// The ERP's id.
    pub id: String,
    /// Its number, or `(PROV..)`.
    pub number: String,
    /// Whether it is still a draft.
    pub is_draft: bool,
    /// The hub's key.
    pub key: String,
    /// The customer's number.
    pub reference: String,
    /// The customer's id.
    pub party: String,
    /// Without VAT.
    pub net: Decimal,
    /// The VAT.
    pub vat: Decimal,
    /// Both.
    pub gross: Decimal,
    /// Its lines as quantity, price, discount in percent, VAT rate.
    pub lines: Vec<[Decimal; 4]>,
    /// Ids of its invoices.
    pub invoices: Vec<String>,
}

/// An invoice of the ERP.
#[derive(Clone, Debug, Default)]
pub struct Bill {
    /// The ERP's id.
    pub id: String,
    /// Its number, or `(PROV..)`.
    pub number: String,
    /// Whether it is a credit note.
    pub is_note: bool,
    /// The invoice that it corrects.
    pub source: String,
    /// 0 draft, 1 open, 2 closed, 3 given up.
    pub state: String,
    /// What it comes to.
    pub gross: Decimal,
    /// What came in.
    pub paid: Decimal,
    /// What is left.
    pub rest: Decimal,
    /// The day it is due.
    pub due: i64,
}

/// A third party of the ERP.
#[derive(Clone, Debug, Default)]
pub struct Party {
    /// The ERP's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its VAT number.
    pub vat: String,
    /// Its postal code.
    pub zip: String,
    /// Its phone number.
    pub phone: String,
}

/// What the ERP holds.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Orders, in the order of ids.
    pub orders: Vec<Order>,
    /// Invoices and credit notes by id.
    pub bills: BTreeMap<String, Bill>,
    /// Third parties.
    pub parties: Vec<Party>,
    /// References of products.
    pub skus: Vec<String>,
    /// The day it is, in seconds since 1970.
    pub today: i64,
}

impl Books {
    /// Reads the ERP.
    ///
    /// # Errors
    /// What it answers.
    pub async fn read(host: &Arc<Host>) -> Result<Self> {
        let orders = "id,ref,statut,array_options,socid,ref_client,total_ht,total_tva,total_ttc,lines,linkedObjectsIds";
        let bills = "id,ref,type,statut,fk_facture_source,total_ttc,totalpaid,remaintopay,date_lim_reglement";
        let orders = list(host, "orders", orders).await?;
        let bills = list(host, "invoices", bills).await?.into_iter().map(|raw| bill(&raw));
        let parties = list(host, "thirdparties", "id,name,tva_intra,zip,phone").await?;
        let products = list(host, "products", "id,ref").await?;
        Ok(Self {
            orders: orders.iter().map(order).collect(),
            bills: bills.map(|bill| (bill.id.clone(), bill)).collect(),
            parties: parties.iter().map(party).collect(),
            skus: products.iter().map(|product| text(product, "ref")).collect(),
            today: host.time().now().as_second().div_euclid(86_400) * 86_400,
        })
    }

    /// The orders that bear the key of a deal.
    pub fn orders_of<'a>(&'a self, deal: &str) -> impl Iterator<Item = &'a Order> {
        let key = format!("sale:crm:{deal}");
        self.orders.iter().filter(move |order| order.key == key)
    }

    /// The invoices of an order and the credit notes on them.
    pub fn bills_of<'a>(&'a self, order: &'a Order) -> Vec<&'a Bill> {
        let mut bills: Vec<&Bill> = order.invoices.iter().filter_map(|id| self.bills.get(id)).collect();
        let notes = self.bills.values().filter(|bill| bill.is_note && order.invoices.contains(&bill.source));
        for note in notes {
            if !bills.iter().any(|bill| bill.id == note.id) {
                bills.push(note);
            }
        }
        bills
    }
}

/// Every value of an object of the CRM.
///
/// # Errors
/// When there is no such object.
pub fn card(host: &Host, kind: &str, id: &str) -> Result<Value> {
    host.control("hubspot", "show", &json!({ "type": kind, "id": id }))
}

async fn list(host: &Arc<Host>, resource: &str, properties: &str) -> Result<Vec<Value>> {
    let wire = InProcess::new(Arc::clone(host));
    let request = Request::get(format!("{}/{resource}", wire.base_url("dolibarr")?))
        .query("limit", "0")
        .query("sortfield", "t.rowid")
        .query("loadlinkedobjects", "1")
        .query("properties", properties)
        .header("DOLAPIKEY", host.key("dolibarr")?);
    let response = wire.call(request).await?;
    match response.status {
        200 => response.parse(),
        // Dolibarr's way to say that there is nothing.
        404 => Ok(Vec::new()),
        status => Err(Error::new(ErrorKind::Bug, format!("the books cannot be read: {status}")).at("list", resource)),
    }
}

fn order(raw: &Value) -> Order {
    let lines = raw["lines"].as_array().into_iter().flatten();
    let line = |line: &Value| ["qty", "subprice", "remise_percent", "tva_tx"].map(|name| amount(line, name));
    let linked = raw["linkedObjectsIds"]["facture"].as_object().into_iter().flatten();
    Order {
        id: text(raw, "id"),
        number: text(raw, "ref"),
        is_draft: text(raw, "statut") == "0",
        key: text(&raw["array_options"], "options_passerelle_id"),
        reference: text(raw, "ref_client"),
        party: text(raw, "socid"),
        net: amount(raw, "total_ht"),
        vat: amount(raw, "total_tva"),
        gross: amount(raw, "total_ttc"),
        lines: lines.map(line).collect(),
        invoices: linked.filter_map(|(_, id)| id.as_str().map(str::to_owned)).collect(),
    }
}

fn bill(raw: &Value) -> Bill {
    Bill {
        id: text(raw, "id"),
        number: text(raw, "ref"),
        is_note: text(raw, "type") == "2",
        source: text(raw, "fk_facture_source"),
        state: text(raw, "statut"),
        gross: amount(raw, "total_ttc"),
        paid: amount(raw, "totalpaid"),
        rest: amount(raw, "remaintopay"),
        due: raw["date_lim_reglement"].as_i64().unwrap_or_default(),
    }
}

fn party(raw: &Value) -> Party {
    let field = |name: &str| text(raw, name);
    Party { id: field("id"), name: field("name"), vat: field("tva_intra"), zip: field("zip"), phone: field("phone") }
}

/// A field as text; what is not set is empty.
pub fn text(raw: &Value, name: &str) -> String {
    match raw.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A field as a number; what is not set is nothing.
pub fn amount(raw: &Value, name: &str) -> Decimal {
    text(raw, name).parse().unwrap_or_default()
}
