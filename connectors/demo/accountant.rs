//! The accountant of Ateliers Vauclin: invoices orders in the ERP, books payments, writes a credit note.

use passerelle_core::Result;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::ledger::Erp;
use super::stage::Stage;

/// Knows the orders, in the order in which they came in.
#[derive(Debug)]
pub(super) struct Accountant {
    orders: Vec<Order>,
}

#[derive(Debug)]
struct Order {
    id: String,
    /// Gross, in the company's currency.
    total: Decimal,
    invoice: Option<String>,
}

impl Accountant {
    /// Reads the validated orders.
    ///
    /// # Errors
    /// What the ERP answers.
    pub async fn at(stage: &Stage<'_>) -> Result<Self> {
        let orders = Erp::of(stage)?.orders().await?.into_iter();
        let orders = orders.map(|order| Order { id: order.id, total: order.total_at_home, invoice: None });
        Ok(Self { orders: orders.collect() })
    }

    /// Terms of 30 days for every order; the first eight are invoiced, two of them in half.
    pub fn invoices(&mut self, stage: &Stage<'_>) -> Result<()> {
        for order in &self.orders {
            let terms = json!({ "type": "commande", "id": order.id, "fields": { "cond_reglement_id": "2" } });
            stage.person("dolibarr", "edit", &terms)?;
        }
        for (at, share) in [(0, "1"), (1, "1"), (2, "0.5"), (3, "1"), (4, "1"), (5, "1"), (6, "1"), (7, "0.5")] {
            self.invoice(stage, at, share)?;
        }
        Ok(())
    }

    /// Most other orders are invoiced; payments come in, whole and in part; one invoice is credited.
    pub fn invoices_the_rest_and_books_payments(&mut self, stage: &Stage<'_>) -> Result<()> {
        self.pay(stage, 0, None)?;
        self.pay(stage, 2, None)?;
        self.credit(stage, 4)?;
        self.pay(stage, 5, Some("0.40"))?;
        self.pay(stage, 6, Some("0.50"))?;
        self.pay(stage, 6, None)?;
        for at in 8..self.orders.len().saturating_sub(1) {
            self.invoice(stage, at, if at == 11 { "0.5" } else { "1" })?;
            match at {
                9 => self.pay(stage, at, Some("0.30"))?,
                10 | 12 | 16 => {}
                _ => self.pay(stage, at, None)?,
            }
        }
        Ok(())
    }

    /// A second part of what is partly paid; the invoice stays open, and its modification date stands.
    pub fn books_a_second_part(&mut self, stage: &Stage<'_>) -> Result<()> {
        self.pay(stage, 9, Some("0.25"))
    }

    fn invoice(&mut self, stage: &Stage<'_>, at: usize, share: &str) -> Result<()> {
        let Some(order) = self.orders.get_mut(at) else { return Ok(()) };
        let made = stage.person("dolibarr", "invoice_order", &json!({ "order": order.id, "share": share }))?;
        order.invoice = made["invoice"].as_str().map(str::to_owned);
        Ok(())
    }

    /// Pays a share of the order's total, or what is left of its invoice.
    fn pay(&self, stage: &Stage<'_>, at: usize, share: Option<&str>) -> Result<()> {
        let Some(order) = self.orders.get(at) else { return Ok(()) };
        let part =
            |share: &str| share.parse::<Decimal>().map(|share| (order.total * share).round_dp(2).to_string()).ok();
        let amount = share.and_then(part).map_or(Value::Null, Value::String);
        stage.person("dolibarr", "pay", &json!({ "invoice": order.invoice, "amount": amount }))?;
        Ok(())
    }

    fn credit(&self, stage: &Stage<'_>, at: usize) -> Result<()> {
        let Some(order) = self.orders.get(at) else { return Ok(()) };
        stage.person("dolibarr", "credit_note", &json!({ "invoice": order.invoice }))?;
        Ok(())
    }
}
