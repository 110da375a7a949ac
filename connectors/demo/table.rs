//! The table of sales at the end of the story.

use passerelle_core::cli::Paint;
use rust_decimal::Decimal;

use super::ledger::{Ledger, Sale};

/// Width of the deal's title; the table fits 100 columns.
const TITLE: usize = 30;

/// One row for each won deal, amounts to the right.
pub(super) fn text(ledger: &Ledger, paint: Paint) -> String {
    let head = ["Won deal", "Order", "Invoices", "Status", "Total", "Paid", "Due", ""].map(str::to_owned);
    let mut text = format!("\n{}\n", paint.bold(&row(&head)));
    for sale in &ledger.sales {
        let line = row(&cells(sale));
        text.push_str(&match sale.told.status.as_deref() {
            Some("paid" | "credited") => paint.green(&line),
            Some("overdue") => paint.red(&line),
            None => paint.yellow(&line),
            Some(_) => line,
        });
        text.push('\n');
    }
    text
}

fn cells(sale: &Sale) -> [String; 8] {
    let told = &sale.told;
    let money = |amount: Option<Decimal>| amount.map(|amount| format!("{amount:.2}")).unwrap_or_default();
    let total = sale.order.as_ref().map(|order| order.total).or(sale.agreed);
    [
        clipped(&sale.deal),
        told.order.clone().unwrap_or_else(|| "waits".to_owned()),
        invoices(told.invoices.as_deref()),
        told.status.as_deref().unwrap_or("").replace('_', " "),
        money(total),
        money(told.paid),
        money(told.due),
        sale.currency.clone(),
    ]
}

/// The first number, and how many more.
fn invoices(numbers: Option<&str>) -> String {
    let Some(numbers) = numbers else { return String::new() };
    match numbers.split_once(", ") {
        Some((first, rest)) => format!("{first} +{}", rest.split(", ").count()),
        None => numbers.to_owned(),
    }
}

fn clipped(title: &str) -> String {
    if title.chars().count() <= TITLE {
        return title.to_owned();
    }
    title.chars().take(TITLE - 1).chain(['…']).collect()
}

fn row([deal, order, invoices, status, total, paid, due, currency]: &[String; 8]) -> String {
    let line =
        format!("{deal:<TITLE$} {order:<11} {invoices:<14} {status:<11} {total:>8} {paid:>8} {due:>8} {currency}");
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_invoices_are_the_first_and_a_count() {
        assert_eq!(invoices(Some("FA2611-0001, FA2611-0002, FA2611-0009")), "FA2611-0001 +2");
        assert_eq!(invoices(Some("FA2611-0001")), "FA2611-0001");
        assert_eq!(invoices(None), "");
    }

    #[test]
    fn a_row_fits_a_terminal_of_a_hundred_columns() {
        let wide = ["é".repeat(TITLE), "CO2610-0001".into(), "FA2610-0001 +1".into(), "partly paid".into()];
        let [deal, order, invoices, status] = wide;
        let cells = [deal, order, invoices, status, "18951.46".into(), "18951.46".into(), "0.00".into(), "EUR".into()];
        assert!(row(&cells).chars().count() <= 100);
    }
}
