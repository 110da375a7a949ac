//! VAT: rows taken from the site's own templates, because a template's name alone applies nothing (observed).
//!
//! A sale of one rate takes the rows of the Sales Taxes and Charges Template of that rate. A sale of several takes the
//! rows of each at 0 %, and gives every line the Item Tax Template of its rate, as ERPNext itself does it.

use std::collections::BTreeMap;
use std::str::FromStr;

use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Config;
use super::client::{Ask, Client};
use super::lines::Line;
use super::orders::rows;
use super::wire::{amount, name, number, plain, text};

/// The site's templates, as one company may use them.
#[derive(Debug, Default)]
pub(super) struct Templates {
    /// Of documents: rows by template.
    sales: BTreeMap<String, Vec<Row>>,
    /// Of lines: rates by account, by template.
    items: BTreeMap<String, BTreeMap<String, Decimal>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    charge: String,
    account: String,
    description: String,
    rate: Decimal,
    included: bool,
}

/// What a document is sent for its VAT.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub template: Option<String>,
    pub rows: Vec<Value>,
    /// The Item Tax Template of each line.
    pub of_lines: Vec<Option<String>>,
}

impl Templates {
    /// Two calls: all templates with their rows.
    pub async fn load(client: &Client, config: &Config) -> Result<Self> {
        let company = company(client, config).await?;
        let scope = || [json!(["company", "=", company]), json!(["disabled", "=", 0])];
        let fields = [
            "name",
            "taxes.charge_type",
            "taxes.account_head",
            "taxes.description",
            "taxes.rate",
            "taxes.included_in_print_rate",
        ];
        let mut templates = Self::default();
        for row in client.list("Sales Taxes and Charges Template", Ask::of(&fields).with(scope())).await? {
            let template = name(&row)?;
            let named = config.tax_templates.is_empty() || config.tax_templates.contains(&template);
            let (Some(charge), Some(account), true) = (text(&row, "charge_type"), text(&row, "account_head"), named)
            else {
                continue;
            };
            let description = text(&row, "description").unwrap_or_else(|| account.clone());
            let included = text(&row, "included_in_print_rate").as_deref() == Some("1");
            let row = Row { charge, account, description, rate: amount(&row, "rate"), included };
            templates.sales.entry(template).or_default().push(row);
        }
        let fields = ["name", "taxes.tax_type", "taxes.tax_rate"];
        for row in client.list("Item Tax Template", Ask::of(&fields).with(scope())).await? {
            let Some(account) = text(&row, "tax_type") else { continue };
            templates.items.entry(name(&row)?).or_default().insert(account, amount(&row, "tax_rate"));
        }
        Ok(templates)
    }

    /// What to send for these lines.
    pub fn plan(&self, lines: &[Line]) -> Result<Plan> {
        let mut rates: Vec<Decimal> = lines.iter().map(|line| line.vat.normalize()).collect();
        rates.sort();
        rates.dedup();
        match rates.as_slice() {
            [] => Ok(Plan::default()),
            [rate] => {
                let template = self.of_rate(*rate)?;
                let rows = template.as_ref().and_then(|template| self.sales.get(template)).into_iter().flatten();
                let rows = rows.map(|row| row.body(row.rate)).collect();
                Ok(Plan { template, rows, of_lines: vec![None; lines.len()] })
            }
            several => self.mixed(several, lines),
        }
    }

    fn mixed(&self, rates: &[Decimal], lines: &[Line]) -> Result<Plan> {
        let mut used: Vec<&Row> = Vec::new();
        for rate in rates.iter().filter(|rate| !rate.is_zero()) {
            let template = self.of_rate(*rate)?.and_then(|template| self.sales.get(&template));
            used.extend(template.into_iter().flatten());
        }
        let mut rows: Vec<&Row> = Vec::new();
        for row in used {
            if !rows.iter().any(|known| known.account == row.account) {
                rows.push(row);
            }
        }
        let accounts: Vec<&str> = rows.iter().map(|row| row.account.as_str()).collect();
        let of_lines = lines.iter().map(|line| self.of_line(line.vat, &accounts)).collect::<Result<_>>()?;
        Ok(Plan { template: None, rows: rows.iter().map(|row| row.body(Decimal::ZERO)).collect(), of_lines })
    }

    /// The document's template of a rate; none for 0 %, where a site needs none.
    fn of_rate(&self, rate: Decimal) -> Result<Option<String>> {
        let fits = |rows: &[Row]| {
            rows.iter().all(|row| row.charge == "On Net Total" && !row.included)
                && rows.iter().map(|row| row.rate).sum::<Decimal>() == rate
        };
        let found: Vec<(&String, &Vec<Row>)> = self.sales.iter().filter(|(_, rows)| fits(rows)).collect();
        match found.as_slice() {
            [(name, _)] => Ok(Some((*name).clone())),
            [] if rate.is_zero() => Ok(None),
            [] => Err(lacking("Sales Taxes and Charges Template", rate)),
            [(name, first), rest @ ..] if rest.iter().all(|(_, rows)| rows == first) => Ok(Some((*name).clone())),
            several => {
                let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
                let message = format!(
                    "several templates of ERPNext are of {} % VAT: name the one to use in `tax_templates` of the system",
                    plain(rate, 0)
                );
                Err(Error::new(ErrorKind::Rejected, message).at("templates", names.join(", ")))
            }
        }
    }

    /// The line's template that comes to `rate` on these accounts.
    fn of_line(&self, rate: Decimal, accounts: &[&str]) -> Result<Option<String>> {
        if rate.is_zero() {
            return Ok(None);
        }
        let sum = |rates: &BTreeMap<String, Decimal>| -> Decimal {
            accounts.iter().filter_map(|account| rates.get(*account)).sum()
        };
        let found = self.items.iter().find(|(_, rates)| sum(rates) == rate);
        found.map(|(name, _)| Some(name.clone())).ok_or_else(|| lacking("Item Tax Template", rate))
    }
}

impl Row {
    fn body(&self, rate: Decimal) -> Value {
        json!({
            "charge_type": self.charge, "account_head": self.account, "description": self.description, "rate": number(rate),
        })
    }
}

fn lacking(what: &str, rate: Decimal) -> Error {
    let message =
        format!("ERPNext has no {what} of {} %: make one for the company, or change the sale's VAT", plain(rate, 0));
    Error::new(ErrorKind::Rejected, message).at("field", "vat_rate")
}

/// The company that documents are made for.
async fn company(client: &Client, config: &Config) -> Result<String> {
    if let Some(company) = &config.company {
        return Ok(company.clone());
    }
    let all = client.list("Company", Ask { limit: 2, ..Ask::of(&["name"]) }).await?;
    match all.as_slice() {
        [one] => name(one),
        [] => Err(Error::new(ErrorKind::Config, "the site shows no company to this token; set `company`")),
        _ => Err(Error::new(ErrorKind::Config, "the site has several companies: say in `company` which one sells")),
    }
}

/// The VAT of a line in percent: for each row of taxes what the line's own template says of its account, else the row's.
pub(super) fn rate_of(document: &Value, line: &Value) -> Decimal {
    let own: BTreeMap<String, Value> =
        text(line, "item_tax_rate").and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let rate = |row: &Value| {
        let account = text(row, "account_head").unwrap_or_default();
        let own = own.get(&account).and_then(|rate| Decimal::from_str(&rate.to_string()).ok());
        own.unwrap_or_else(|| amount(row, "rate"))
    };
    let of_net = |row: &&Value| text(row, "charge_type").as_deref() == Some("On Net Total");
    rows(document, "taxes").filter(of_net).map(rate).sum::<Decimal>().normalize()
}

/// A row of taxes in its normal form.
pub(super) fn shown(row: &Value) -> Value {
    json!({
        "charge_type": text(row, "charge_type"), "account_head": text(row, "account_head"),
        "description": text(row, "description"), "rate": plain(amount(row, "rate"), 0),
        "tax_amount": plain(amount(row, "tax_amount"), 2),
    })
}
