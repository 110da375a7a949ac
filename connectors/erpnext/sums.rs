//! What an order's invoices and payments come to: status, invoiced, paid, balance, due date.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::wire::{amount, cents, money, text};

/// One invoice, seen from its order. Amounts are in the invoice's currency.
#[derive(Clone, Debug)]
pub(super) struct Invoice {
    pub number: String,
    status: Status,
    credit_note: bool,
    date: Option<String>,
    due: Option<Date>,
    net: Decimal,
    vat: Decimal,
    /// What the customer owes in all.
    gross: Decimal,
    credited: Decimal,
    outstanding: Decimal,
    /// One unit of what `outstanding_amount` is kept in, in the invoice's currency.
    rate: Decimal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Draft,
    Unpaid,
    PartlyPaid,
    Paid,
    Overdue,
    Credited,
    CreditNote,
    Cancelled,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Unpaid => "unpaid",
            Self::PartlyPaid => "partly_paid",
            Self::Paid => "paid",
            Self::Overdue => "overdue",
            Self::Credited => "credited",
            Self::CreditNote => "credit_note",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Whether a submitted invoice is past its due date: in the site's words, or in its day before the nightly routine ran.
pub(super) fn is_overdue(raw: &Value, today: Option<Date>) -> bool {
    let open = text(raw, "docstatus").as_deref() == Some("1") && amount(raw, "outstanding_amount") > Decimal::ZERO;
    let said = text(raw, "status").is_some_and(|status| status.starts_with("Overdue"));
    let due: Option<Date> = text(raw, "due_date").and_then(|day| day.parse().ok());
    open && text(raw, "is_return").as_deref() != Some("1")
        && (said || due.zip(today).is_some_and(|(due, today)| due < today))
}

/// What is owed: the total as the site rounds it, to whole units in some currencies, where it does.
fn gross(raw: &Value) -> Decimal {
    let rounded = amount(raw, "rounded_total");
    if rounded.is_zero() { amount(raw, "grand_total") } else { rounded }
}

impl Invoice {
    /// Reads a row of a list; `credited` is what credit notes took off it.
    pub fn of(raw: &Value, credited: Decimal, today: Option<Date>) -> Self {
        let credit_note = text(raw, "is_return").as_deref() == Some("1");
        // Outstanding is kept in the currency of the receivable account (documented, not observed for another one).
        let foreign = text(raw, "party_account_currency").is_some_and(|account| Some(account) != text(raw, "currency"));
        let to_home = amount(raw, "conversion_rate");
        let rate = if foreign && !to_home.is_zero() { Decimal::ONE / to_home } else { Decimal::ONE };
        let mut invoice = Self {
            number: text(raw, "name").unwrap_or_default(),
            status: Status::Draft,
            credit_note,
            date: text(raw, "posting_date"),
            due: text(raw, "due_date").and_then(|day| day.parse().ok()),
            net: amount(raw, "net_total"),
            vat: amount(raw, "total_taxes_and_charges"),
            gross: gross(raw),
            credited,
            outstanding: cents(amount(raw, "outstanding_amount") * rate),
            rate,
        };
        invoice.status = invoice.judge(raw, today);
        invoice
    }

    /// What a credit note takes off the invoice it corrects: nothing while it keeps its amount to itself.
    pub fn taken_off(raw: &Value) -> Decimal {
        if amount(raw, "outstanding_amount").is_zero() { -gross(raw) } else { Decimal::ZERO }
    }

    /// An amount of the receivable account in the invoice's currency.
    pub fn own(&self, amount: Decimal) -> Decimal {
        cents(amount * self.rate)
    }

    fn judge(&self, raw: &Value, today: Option<Date>) -> Status {
        match text(raw, "docstatus").as_deref() {
            Some("1") => {}
            Some("2") => return Status::Cancelled,
            _ => return Status::Draft,
        }
        if self.credit_note {
            return Status::CreditNote;
        }
        if self.outstanding <= Decimal::ZERO {
            let all = self.credited >= self.gross && !self.credited.is_zero();
            return if all { Status::Credited } else { Status::Paid };
        }
        if is_overdue(raw, today) {
            return Status::Overdue;
        }
        if self.outstanding < self.gross { Status::PartlyPaid } else { Status::Unpaid }
    }

    /// What came in: all that is neither outstanding nor credited, however it was booked. A cancelled invoice's
    /// outstanding amount is frozen (observed), so nothing is read from it.
    fn paid(&self) -> Decimal {
        match self.status {
            Status::Draft | Status::Cancelled | Status::CreditNote => Decimal::ZERO,
            _ => self.gross - self.outstanding - self.credited,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.status, Status::Unpaid | Status::PartlyPaid | Status::Overdue)
    }

    /// The invoice as its order shows it.
    pub fn document(&self) -> Value {
        json!({
            "number": self.number, "status": self.status.word(), "date": self.date,
            "due_date": self.due.map(|day| day.to_string()),
            "net_total": money(self.net), "total_taxes_and_charges": money(self.vat), "grand_total": money(self.gross),
            "paid": money(self.paid()),
            "outstanding_amount": money(if self.is_open() { self.outstanding } else { Decimal::ZERO }),
        })
    }
}

/// The sums over an order's invoices and payments, by the field that tells each.
pub(super) fn sums(invoices: &[Invoice], payments: &[Value]) -> Vec<(&'static str, Value)> {
    let issued: Vec<&Invoice> =
        invoices.iter().filter(|one| !matches!(one.status, Status::Draft | Status::Cancelled)).collect();
    let open: Vec<&&Invoice> = issued.iter().filter(|one| one.is_open()).collect();
    let numbers: Vec<&str> = issued.iter().map(|one| one.number.as_str()).collect();
    let last = payments.iter().filter_map(|payment| payment["date"].as_str()).max();
    let due = open.iter().filter_map(|one| one.due).min();
    vec![
        ("invoice_numbers", if numbers.is_empty() { Value::Null } else { json!(numbers.join(", ")) }),
        ("invoice_status", json!(status(invoices, &open))),
        ("invoiced", json!(money(issued.iter().map(|one| one.gross).sum()))),
        ("paid", json!(money(issued.iter().map(|one| one.paid()).sum()))),
        ("balance_due", json!(money(open.iter().map(|one| one.outstanding).sum()))),
        ("due_date", due.map_or(Value::Null, |day| json!(day.to_string()))),
        ("last_payment_date", last.map_or(Value::Null, |day| json!(day))),
    ]
}

/// One word for all of them. Cancelled invoices count as if they were not there.
fn status(invoices: &[Invoice], open: &[&&Invoice]) -> &'static str {
    let counts = |one: &&Invoice| !matches!(one.status, Status::CreditNote | Status::Cancelled);
    let bills: Vec<&Invoice> = invoices.iter().filter(counts).collect();
    let issued: Vec<&&Invoice> = bills.iter().filter(|one| one.status != Status::Draft).collect();
    if bills.is_empty() {
        return "none";
    }
    if issued.is_empty() {
        return "draft";
    }
    if open.is_empty() {
        let all_credited = issued.iter().all(|one| one.status == Status::Credited);
        return if all_credited { "credited" } else { "paid" };
    }
    if open.iter().any(|one| one.status == Status::Overdue) {
        return "overdue";
    }
    let touched = issued.iter().any(|one| one.outstanding < one.gross);
    if touched { "partly_paid" } else { "unpaid" }
}
