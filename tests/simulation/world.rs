//! Who and what there is, as its people know it: the oracle judges by this, never by what the hub says.

use std::collections::{BTreeMap, BTreeSet};

use passerelle_core::engine::OnDelete;
use rust_decimal::{Decimal, RoundingStrategy};

/// A customer of the CRM; several may be one company that somebody entered twice.
#[derive(Clone, Debug, Default)]
pub struct Customer {
    /// The CRM's id as it was first; merges change what it resolves to.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Empty where nobody knows it.
    pub vat: String,
    /// Its postal code.
    pub zip: String,
    /// Whether the CRM calls it a customer rather than a lead.
    pub is_client: bool,
    /// The customer that it is a second entry of.
    pub double_of: Option<usize>,
    /// The customer that it was merged into.
    pub merged_into: Option<usize>,
    /// Whether the ERP can store its name.
    pub is_storable: bool,
    /// Every phone number that somebody entered, the last one last.
    pub phones: Vec<Phone>,
    /// The last second at which somebody changed it, by system.
    pub touched: BTreeMap<&'static str, i64>,
    /// Whether somebody deleted it in the ERP.
    pub was_deleted: bool,
}

/// A phone number that somebody entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// In which system.
    pub system: &'static str,
    /// What was entered.
    pub number: String,
    /// At which second.
    pub second: i64,
}

/// A product of the CRM.
#[derive(Clone, Debug, Default)]
pub struct Product {
    /// The CRM's id.
    pub id: String,
    /// The reference that both systems know it by.
    pub sku: String,
    /// What it is called.
    pub name: String,
    /// Net, to 5 decimals.
    pub price: Decimal,
    /// In percent.
    pub vat: Decimal,
    /// Whether it is a service rather than a good.
    pub is_service: bool,
}

/// A line of a sale.
#[derive(Clone, Debug)]
pub struct Line {
    /// Which product.
    pub product: usize,
    /// How many.
    pub quantity: Decimal,
    /// Net price of one.
    pub price: Decimal,
    /// Off the price of one.
    pub discount: Decimal,
    /// Off the line, in percent.
    pub percent: Decimal,
    /// In percent; `None` where it was forgotten.
    pub vat: Option<Decimal>,
}

/// Where a deal stands in the CRM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Being sold.
    #[default]
    Open,
    /// Sold.
    Won,
    /// Not sold.
    Lost,
}

/// A deal.
#[derive(Clone, Debug, Default)]
pub struct Sale {
    /// The CRM's id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// The customer's own number.
    pub reference: String,
    /// Whose it is.
    pub customer: usize,
    /// What is sold.
    pub lines: Vec<Line>,
    /// What was sold before, of a deal whose lines were changed after it had been won.
    pub before: Vec<Vec<Line>>,
    /// Whether somebody deleted its order in the ERP.
    pub was_deleted: bool,
    /// Where it stands.
    pub stage: Stage,
    /// Whether it was ever won.
    pub was_won: bool,
    /// Whether it was ever not won any more, or away, after it had been won.
    pub was_withdrawn: bool,
    /// Whether it lies in the CRM's bin.
    pub is_archived: bool,
    /// Whether a person would say yes to its order, where it is above the limit.
    pub is_welcome: bool,
}

/// An invoice that somebody made in the ERP, and what came in on it.
#[derive(Clone, Debug)]
pub struct Invoice {
    /// The ERP's id.
    pub id: String,
    /// The sale of its order.
    pub sale: usize,
    /// What was paid in all.
    pub paid: Decimal,
    /// Whether a credit note took all of it.
    pub is_credited: bool,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Customers of the CRM.
    pub customers: Vec<Customer>,
    /// Products of the CRM.
    pub products: Vec<Product>,
    /// Deals of the CRM.
    pub sales: Vec<Sale>,
    /// Invoices of the ERP.
    pub invoices: Vec<Invoice>,
    /// Whether both systems know more customers than a page of the ERP holds.
    pub is_crowded: bool,
    /// Whether the phone numbers of the crowd were all entered anew in the ERP.
    pub was_called: bool,
    /// Whether the hub's clock was ever apart from the vendors'.
    pub was_clock_wrong: bool,
    /// Whether the ERP rounds VAT once per document.
    pub vat_of_total: bool,
    /// Customers of the CRM that somebody entered in the ERP as well.
    pub twins_made: BTreeSet<usize>,
    /// What the company decided about its hub.
    pub rules: Rules,
}

/// What differs from the usual config and mappings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// What a deletion means for the other system.
    pub on_delete: OnDelete,
    /// Whether a person decides about phone numbers that both systems changed.
    pub reviews: bool,
}

/// Net, VAT and gross of a sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Without VAT.
    pub net: Decimal,
    /// The VAT.
    pub vat: Decimal,
    /// Both.
    pub gross: Decimal,
}

/// To the cent, as people round.
pub fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

impl Line {
    /// What the line comes to without VAT, to the cent.
    pub fn net(&self) -> Decimal {
        cents(self.quantity * (self.price - self.discount) * (Decimal::ONE - self.percent / Decimal::ONE_HUNDRED))
    }
}

impl Sale {
    /// What was agreed, each line rounded by itself; `None` where a VAT rate is missing.
    pub fn sums(&self) -> Option<Sums> {
        Self::sums_of(&self.lines)
    }

    /// The same of other lines.
    pub fn sums_of(lines: &[Line]) -> Option<Sums> {
        let mut sums = Sums::default();
        for line in lines {
            sums.net += line.net();
            sums.vat += cents(line.net() * line.vat? / Decimal::ONE_HUNDRED);
        }
        sums.gross = sums.net + sums.vat;
        Some(sums)
    }

    /// What an ERP makes of it that rounds VAT once per document.
    pub fn vat_of_total(&self) -> Decimal {
        let exact = self.lines.iter().map(|line| line.net() * line.vat.unwrap_or_default() / Decimal::ONE_HUNDRED);
        cents(exact.sum())
    }

    /// Whether it is won and there.
    pub fn is_won(&self) -> bool {
        self.stage == Stage::Won && !self.is_archived
    }
}

impl World {
    /// The customer that a customer is by now, through merges.
    pub fn customer(&self, at: usize) -> usize {
        match self.customers.get(at).and_then(|customer| customer.merged_into) {
            Some(into) => self.customer(into),
            None => at,
        }
    }

    /// Whether a customer is a second entry of another that is still there.
    pub fn is_double(&self, at: usize) -> bool {
        let Some(of) = self.customers.get(at).and_then(|customer| customer.double_of) else { return false };
        self.customer(of) != self.customer(at)
    }
}
