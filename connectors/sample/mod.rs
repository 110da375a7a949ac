//! The sample company: Ateliers Vauclin, makers of workshop furniture in Thiers, as their systems hold it.
//!
//! People, companies and numbers are invented; SIREN and VAT numbers have right check digits, one excepted. Some
//! customers are in both systems under different spellings, three are in the CRM twice, one sale lacks a VAT rate.

use jiff::civil::{DateTime, datetime};
use serde_json::{Map, Value};

/// The Monday morning on which the sample begins; its won deals were closed in the month before.
pub const BEGINS: DateTime = datetime(2026, 10, 5, 8, 0, 0, 0);

/// The price list, as its people keep it: 25 articles with the same SKUs as in the CRM.
pub const PRICE_LIST: &[u8] = include_bytes!("../../tests/data/tarif.xlsx");

/// Sample data in the shape that a vendor's stand-in is seeded with; `None` where there is none.
pub fn seed(vendor: &str) -> Option<Value> {
    let files: &[&str] = match vendor {
        "hubspot" => &[include_str!("hubspot-parties.json"), include_str!("hubspot-deals.json")],
        "dolibarr" => &[include_str!("dolibarr.json")],
        "salesforce" => &[include_str!("salesforce.json")],
        "erpnext" => &[include_str!("erpnext.json")],
        _ => return None,
    };
    let mut sample = Map::new();
    for file in files {
        sample.extend(serde_json::from_str::<Map<String, Value>>(file).ok()?);
    }
    Some(Value::Object(sample))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(sample: &Value, list: &str) -> usize {
        sample[list].as_array().map_or(0, Vec::len)
    }

    #[test]
    fn the_sample_is_as_large_as_its_stories_need() {
        let (crm, erp) = (seed("hubspot").unwrap(), seed("dolibarr").unwrap());
        let counts = ["companies", "contacts", "products", "deals"].map(|list| count(&crm, list));
        assert_eq!(counts, [42, 45, 25, 60]);
        assert_eq!(["thirdparties", "contacts", "products"].map(|list| count(&erp, list)), [13, 4, 12]);
        let won = |deal: &&Value| deal["properties"]["dealstage"] == "closedwon";
        assert_eq!(crm["deals"].as_array().unwrap().iter().filter(won).count(), 25);
    }

    #[test]
    fn no_text_has_a_character_that_an_old_database_refuses() {
        for vendor in ["hubspot", "dolibarr", "erpnext"] {
            let text = seed(vendor).unwrap().to_string();
            assert_eq!(text.chars().find(|c| u32::from(*c) > 0xFFFF), None, "{vendor}");
        }
    }

    #[test]
    fn every_stand_in_takes_its_sample() {
        let begins = BEGINS.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
        let mut seeded = 0;
        for plugin in crate::registry::PLUGINS {
            let (Some(make), Some(sample)) = (plugin.emulator, seed(plugin.name)) else { continue };
            make().seed(&sample, begins).unwrap();
            seeded += 1;
        }
        assert!(seeded > 0);
    }

    #[test]
    fn a_vendor_without_a_sample_has_none() {
        assert_eq!(seed("sap"), None);
    }
}
