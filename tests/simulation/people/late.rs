//! What people do to what the hub has made already: lines edited after the sale was won, records deleted in the ERP.

use passerelle_core::Result;
use rust_decimal::Decimal;
use serde_json::json;

use super::People;
use crate::simulation::genesis::line_name;

impl People<'_> {
    /// Somebody changes how many are sold, of a deal that is won already.
    pub(super) fn reword(&mut self) -> Result<()> {
        let Some(at) = self.sale(|sale| sale.is_won() && sale.sums().is_some()) else { return Ok(()) };
        let place = self.dice.place(self.world.sales[at].lines.len());
        let quantity = Decimal::from(self.dice.between(1, 12));
        let sale = &mut self.world.sales[at];
        let was = sale.lines.clone();
        let Some(line) = sale.lines.get_mut(place).filter(|line| line.quantity != quantity) else { return Ok(()) };
        line.quantity = quantity;
        sale.before.push(was);
        sale.title.push_str(" ter");
        let (id, title) = (sale.id.clone(), sale.title.clone());
        let named = json!({ "type": "line_items", "property": "description", "value": line_name(at, place) });
        for line in self.host.control("hubspot", "find", &named)?.as_array().into_iter().flatten() {
            let line = line.as_str().unwrap_or_default();
            self.edit("line_items", line, &json!({ "quantity": quantity.to_string() }))?;
        }
        self.edit("deals", &id, &json!({ "dealname": title }))
    }

    /// Somebody deletes in the ERP: an order that is not invoiced yet, or a customer that ordered nothing.
    pub(super) fn delete(&mut self) -> Result<()> {
        if self.dice.falls(0.5) {
            let of = |key: &str| self.world.sales.iter().position(|sale| key == format!("sale:crm:{}", sale.id));
            let billed = |sale: &usize| self.world.invoices.iter().any(|invoice| invoice.sale == *sale);
            let open: Vec<(String, usize)> = self
                .books
                .orders
                .iter()
                .filter_map(|order| Some((order.id.clone(), of(&order.key)?)))
                .filter(|(_, sale)| !billed(sale) && !self.world.sales[*sale].was_deleted)
                .collect();
            let Some((id, sale)) = self.dice.pick(&open).cloned() else { return Ok(()) };
            self.world.sales[sale].was_deleted = true;
            return self.remove("orders", &id);
        }
        let Some(at) = self.customer() else { return Ok(()) };
        let Some(party) = self.party_of(at) else { return Ok(()) };
        // Whoever ordered since the books were read is refused.
        match self.remove("thirdparties", &party) {
            Ok(()) => self.world.customers[at].was_deleted = true,
            Err(error) if error.kind() == passerelle_core::ErrorKind::Rejected => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn remove(&self, kind: &str, id: &str) -> Result<()> {
        self.host.control("dolibarr", "delete", &json!({ "type": kind, "id": id })).map(drop)
    }
}
