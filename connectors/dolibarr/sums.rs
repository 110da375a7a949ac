//! What an order's invoices and payments come to: status, invoiced, paid, balance, due date.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::orders::rate;
use super::wire::{day, decimal, epoch, money, own, text, zone_of};

/// One invoice, seen from its order. Amounts are in the order's currency.
#[derive(Clone, Debug)]
pub(super) struct Invoice {
    pub id: String,
    number: Option<String>,
    kind: String,
    status: Status,
    date: Option<Date>,
    due: Option<Date>,
    net: Decimal,
    vat: Decimal,
    gross: Decimal,
    paid: Decimal,
    credited: Decimal,
    /// What deposits took off it; they were invoiced and paid as invoices of their own (documented, not observed).
    deposited: Decimal,
    remaining: Decimal,
    /// One unit of the company's currency in the order's.
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
    /// Cancelled or replaced: it was never owed.
    Abandoned,
    /// Owed, but no longer asked for: a bad customer.
    GivenUp,
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
            Self::Abandoned | Self::GivenUp => "abandoned",
        }
    }
}

/// Whether an open invoice is past its due date, in the day of the server that issued it.
pub(super) fn is_overdue(invoice: &Value, now: Timestamp) -> bool {
    let open = text(invoice, "statut").as_deref() == Some("1");
    let owes = decimal(invoice, "remaintopay").is_some_and(|rest| rest > Decimal::ZERO);
    let Some(due) = epoch(invoice, "date_lim_reglement").filter(|_| open && owes) else { return false };
    // A midnight of the server tells its zone, and so which day it has now.
    day(due) < Timestamp::from_second(now.as_second() + zone_of(due)).ok().map(utc_day)
}

fn utc_day(at: Timestamp) -> Date {
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

impl Invoice {
    /// Reads `GET /invoices` documents; `type` 2 is a credit note. One in another currency than its order's is converted
    /// at the order's rate, so that sums are in one currency.
    pub fn of(raw: &Value, order: &Value, now: Timestamp) -> Self {
        let amount = |field: &str| decimal(raw, field).unwrap_or_default();
        let (home, foreign) = (amount("total_ttc"), decimal(raw, "multicurrency_total_ttc"));
        let code = |document: &Value| text(document, "multicurrency_code");
        let stray = code(raw).is_some() && code(order).is_some() && code(raw) != code(order);
        let rate = match foreign {
            _ if stray => rate(order),
            Some(foreign) if !home.is_zero() && !foreign.is_zero() => foreign / home,
            _ => Decimal::ONE,
        };
        let total = |field: &str| if stray { cents(amount(field) * rate) } else { own(raw, field).unwrap_or_default() };
        let gross = total("total_ttc");
        let credited = cents(amount("totalcreditnotes") * rate);
        let deposited = cents(amount("totaldeposits") * rate);
        let rest = amount("remaintopay");
        let paid = if rest.is_zero() { gross - credited - deposited } else { cents(amount("totalpaid") * rate) };
        let mut invoice = Self {
            id: text(raw, "id").unwrap_or_default(),
            number: text(raw, "ref").filter(|number| !number.starts_with('(')),
            kind: text(raw, "type").unwrap_or_else(|| "0".to_owned()),
            status: Status::Draft,
            date: epoch(raw, "date").and_then(day),
            due: epoch(raw, "date_lim_reglement").and_then(day),
            net: total("total_ht"),
            vat: total("total_tva"),
            gross,
            paid: if amount("totalpaid").is_zero() { Decimal::ZERO } else { paid },
            credited,
            deposited,
            remaining: cents(rest * rate),
            rate,
        };
        invoice.status = invoice.judge(raw, now);
        invoice
    }

    fn judge(&self, raw: &Value, now: Timestamp) -> Status {
        let paid = text(raw, "paye").as_deref() == Some("1");
        match text(raw, "statut").as_deref() {
            Some("0") | None => Status::Draft,
            Some("3") => Status::Abandoned,
            // Closed short. Given up for a bad customer, the rest is no longer asked for, nor was it paid; with any
            // other code (cash discount, bank charge, withholding tax) what came in settles the invoice.
            Some("2") if !paid && text(raw, "close_code").as_deref() == Some("badcustomer") => Status::GivenUp,
            Some("2") => self.settled(),
            _ if self.remaining <= Decimal::ZERO && !self.is_credit_note() => self.settled(),
            _ if is_overdue(raw, now) => Status::Overdue,
            _ if self.is_touched() => Status::PartlyPaid,
            _ => Status::Unpaid,
        }
    }

    fn settled(&self) -> Status {
        let by_money = !self.paid.is_zero() || !self.deposited.is_zero();
        if !by_money && !self.credited.is_zero() { Status::Credited } else { Status::Paid }
    }

    /// Whether anything was taken off what it came to.
    fn is_touched(&self) -> bool {
        [self.paid, self.credited, self.deposited].iter().any(|amount| !amount.is_zero())
    }

    fn is_credit_note(&self) -> bool {
        self.kind == "2"
    }

    /// Whether the customer is still asked to pay it.
    fn is_open(&self) -> bool {
        !self.is_credit_note() && matches!(self.status, Status::Unpaid | Status::PartlyPaid | Status::Overdue)
    }

    /// Whether `GET /invoices/{id}/payments` would hold money.
    pub fn has_payments(&self) -> bool {
        !self.paid.is_zero()
    }

    /// The part of the order's document.
    pub fn document(&self) -> Value {
        json!({
            "id": self.id, "ref": self.number, "type": self.kind, "status": self.status.word(),
            "date": self.date.map(|day| day.to_string()), "due_date": self.due.map(|day| day.to_string()),
            "total_ht": money(self.net), "total_tva": money(self.vat), "total_ttc": money(self.gross),
            "paid": money(self.paid),
            "remaining": money(if self.is_open() { self.remaining } else { Decimal::ZERO }),
        })
    }

    /// A payment of this invoice, from `GET /invoices/{id}/payments`; the use of a credit note is not one.
    pub fn payment(&self, raw: &Value) -> Option<Value> {
        if text(raw, "typeline").is_some_and(|line| line != "payment") {
            return None;
        }
        Some(json!({
            "invoice": self.number,
            "date": text(raw, "date").map(|at| at.chars().take(10).collect::<String>()),
            "amount": money(decimal(raw, "amount").unwrap_or_default() * self.rate),
            "type": text(raw, "type"), "num": text(raw, "num"),
        }))
    }
}

fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// The sums over an order's invoices and payments, by the field that tells each.
pub(super) fn sums(invoices: &[Invoice], payments: &[Value]) -> Vec<(&'static str, Value)> {
    let issued: Vec<&Invoice> = invoices.iter().filter(|one| one.status != Status::Draft).collect();
    let open: Vec<&&Invoice> = issued.iter().filter(|one| one.is_open()).collect();
    let numbers: Vec<&str> = issued.iter().filter_map(|one| one.number.as_deref()).collect();
    let last = payments.iter().filter_map(|payment| payment["date"].as_str()).max();
    let due = open.iter().filter_map(|one| one.due).min();
    let invoiced = issued.iter().filter(|one| one.status != Status::Abandoned);
    vec![
        ("invoice_numbers", if numbers.is_empty() { Value::Null } else { json!(numbers.join(", ")) }),
        ("invoice_status", json!(status(invoices, &open))),
        ("invoiced", json!(money(invoiced.map(|one| one.gross - one.deposited).sum()))),
        ("paid", json!(money(issued.iter().map(|one| one.paid).sum()))),
        ("balance_due", json!(money(open.iter().map(|one| one.remaining).sum()))),
        ("due_date", due.map_or(Value::Null, |day| json!(day.to_string()))),
        ("last_payment_date", last.map_or(Value::Null, |day| json!(day))),
    ]
}

/// One word for all of them. Abandoned invoices count as if they were not there.
fn status(invoices: &[Invoice], open: &[&&Invoice]) -> &'static str {
    let counts = |one: &&Invoice| !one.is_credit_note() && !matches!(one.status, Status::Abandoned | Status::GivenUp);
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
    let settled = issued.iter().any(|one| one.is_touched());
    if settled { "partly_paid" } else { "unpaid" }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Invoices as `(type, statut, paye, total, paid, deposits, remains)`; expects status, invoiced, paid and balance.
    fn check(invoices: &[(&str, &str, &str, &str, &str, &str, &str)], expected: [&str; 4]) {
        let read =
            |&(kind, state, closed, total, paid, deposits, rest): &(&str, &str, &str, &str, &str, &str, &str)| {
                let raw = json!({
                    "id": "1", "ref": "FA2611-0001", "type": kind, "statut": state, "paye": closed, "total_ttc": total,
                    "totalpaid": paid, "totalcreditnotes": null, "totaldeposits": deposits, "remaintopay": rest,
                });
                Invoice::of(&raw, &json!({}), Timestamp::UNIX_EPOCH)
            };
        let invoices: Vec<Invoice> = invoices.iter().map(read).collect();
        let told: std::collections::BTreeMap<_, _> = sums(&invoices, &[]).into_iter().collect();
        let told = ["invoice_status", "invoiced", "paid", "balance_due"].map(|name| told[name].clone());
        assert_eq!(told, expected.map(|text| json!(text)));
    }

    #[test]
    fn an_invoice_in_another_currency_is_converted_at_its_orders_rate() {
        let order = json!({"multicurrency_code": "USD", "multicurrency_tx": "1.10000000"});
        for (code, gross) in [("EUR", "110.00"), ("USD", "111.00")] {
            let raw = json!({
                "id": "1", "statut": "1", "paye": "0", "total_ttc": "100.00000000", "remaintopay": "100",
                "multicurrency_code": code, "multicurrency_total_ttc": if code == "EUR" { "100.00" } else { "111.00" },
            });
            assert_eq!(Invoice::of(&raw, &order, Timestamp::UNIX_EPOCH).document()["total_ttc"], gross);
        }
    }

    #[test]
    fn a_deposit_counts_once_however_it_is_taken_off() {
        let deposit = ("3", "2", "1", "300.00", "300", "0", "0");
        check(&[deposit], ["paid", "300.00", "300.00", "0.00"]);
        check(
            &[deposit, ("0", "1", "0", "1000.00", "0", "300.00", "700")],
            ["partly_paid", "1000.00", "300.00", "700.00"],
        );
        check(&[deposit, ("0", "2", "1", "1000.00", "700", "300.00", "0")], ["paid", "1000.00", "1000.00", "0.00"]);
        check(&[("0", "2", "1", "300.00", "0", "300.00", "0")], ["paid", "0.00", "0.00", "0.00"]);
    }
}
