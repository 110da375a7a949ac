//! What happens to quotes on HubSpot's own screens: publishing copies lines, the buyer accepts or signs.

use jiff::Timestamp;
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;

use super::account::Account;
use super::derive;
use super::kind::Kind;
use super::links;
use super::property::decimal;
use super::writes::Moment;

impl Account {
    /// The deal that a quote hangs on.
    fn deal_of(&self, quote: u64) -> Option<u64> {
        self.links.of((Kind::Quotes, quote), Kind::Deals).first().map(|(deal, _)| *deal)
    }

    /// Publishes a quote: it gets copies of its deal's line items, a number, a link and its amount.
    pub(super) fn publish(&mut self, quote: u64, now: Timestamp) -> Result<()> {
        let has_lines = !self.links.of((Kind::Quotes, quote), Kind::LineItems).is_empty();
        if let Some(deal) = self.deal_of(quote).filter(|_| !has_lines) {
            for (line, _) in self.links.of((Kind::Deals, deal), Kind::LineItems) {
                self.copy_line(line, quote, now)?;
            }
        }
        let lines = self.links.of((Kind::Quotes, quote), Kind::LineItems);
        let amounts =
            lines.iter().filter_map(|(line, _)| decimal(self.object(Kind::LineItems, *line)?.values.get("amount")?));
        let amount = amounts.sum::<Decimal>().normalize().to_string();
        let is_cpq = self
            .object(Kind::Quotes, quote)
            .is_some_and(|object| object.values.get("hs_template_type").is_some_and(|kind| kind == "CPQ_QUOTE"));
        let number = format!("20261124-{:06}", quote % 1_000_000);
        let key = format!("{quote:x}");
        let link = format!("https://app.hubspot.com/quote/{key}");
        let values = [
            ("hs_status", if is_cpq { "APPROVED" } else { "APPROVAL_NOT_NEEDED" }),
            ("hs_quote_status", "PUBLISHED"),
            ("hs_quote_amount", &amount),
            ("hs_quote_number", &number),
            ("hs_quote_link", &link),
            ("hs_public_url_key", &key),
        ];
        self.force(Kind::Quotes, quote, &values, now);
        Ok(())
    }

    fn copy_line(&mut self, line: u64, quote: u64, now: Timestamp) -> Result<()> {
        let Some(object) = self.object(Kind::LineItems, line) else { return Ok(()) };
        let writable = object.values.iter().filter(|(name, _)| {
            self.property(Kind::LineItems, name).is_some_and(|property| !property.read_only && !property.unique)
        });
        let body = writable.map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let at = Moment { now, version: "internal" };
        let copy = self
            .create(Kind::LineItems, &body, at)
            .map_err(|refusal| Error::new(ErrorKind::Bug, format!("{refusal:?}")))?;
        if let Some(link) = links::types(Kind::Quotes, Kind::LineItems).into_iter().next() {
            self.links.add((Kind::Quotes, quote), (Kind::LineItems, copy), link);
        }
        Ok(())
    }

    /// The buyer accepts (CPQ) or signs (legacy) a published quote.
    pub(super) fn accept_quote(&mut self, quote: u64, now: Timestamp) -> Result<()> {
        let Some(object) = self.object(Kind::Quotes, quote) else {
            return Err(Error::new(ErrorKind::NotFound, "no such quote").at("id", quote));
        };
        if !derive::is_published(&object.values) {
            return Err(Error::new(ErrorKind::Rejected, "only a published quote can be accepted").at("id", quote));
        }
        let is_cpq = object.values.get("hs_template_type").is_some_and(|kind| kind == "CPQ_QUOTE");
        let values: &[(&str, &str)] = if is_cpq {
            &[("hs_status", "ACCEPTED"), ("hs_quote_status", "ACCEPTED")]
        } else {
            &[
                ("hs_esign_enabled", "true"),
                ("hs_esign_num_signers_required", "1"),
                ("hs_esign_num_signers_completed", "1"),
                ("hs_quote_esign_status", "SIGNED"),
            ]
        };
        self.force(Kind::Quotes, quote, values, now);
        Ok(())
    }
}
