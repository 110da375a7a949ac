//! Loading as a table.

use super::super::{Mappings, Source};
use crate::diagnostic::Diagnostic;
use crate::model::{Fields, SystemName};
use serde_json::{Value, json};

fn systems() -> Vec<(SystemName, String)> {
    [("crm", "hubspot"), ("erp", "dolibarr")].map(|(name, connector)| (name.into(), connector.to_owned())).to_vec()
}

fn load(text: &str) -> Result<Mappings, Vec<Diagnostic>> {
    let source = Source { file: "m.toml".into(), text: text.into() };
    Mappings::load(&[source], &systems()).map(|(mappings, _)| mappings)
}

fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

#[test]
fn the_company_mapping_reads_and_writes() {
    let mappings = load(include_str!("../../../mappings/company.toml"))
        .unwrap_or_else(|found| panic!("{}", found.iter().map(ToString::to_string).collect::<String>()));
    let entity = mappings.entity(&"company".into()).unwrap();
    let crm = entity.column(&"crm".into()).unwrap();
    let erp = entity.column(&"erp".into()).unwrap();
    let company = crm
        .read(&fields(
            json!({"id": "1", "name": " Brasserie du Nord ", "country": "France", "lifecyclestage": "customer"}),
        ))
        .unwrap();
    assert_eq!(company.get("country"), Some(&json!("FR")));
    assert_eq!(company.get("vat_number"), Some(&json!(null)));
    assert_eq!(entity.validate(&company), []);
    let native = erp.write(&company, None).unwrap();
    assert_eq!(native.get("country_code"), Some(&json!("FR")));
    assert_eq!(native.get("client"), Some(&json!("1")));
}

#[test]
fn every_shipped_mapping_passes_its_own_examples() {
    let sources = [
        ("company", include_str!("../../../mappings/company.toml")),
        ("contact", include_str!("../../../mappings/contact.toml")),
        ("product", include_str!("../../../mappings/product.toml")),
        ("sale", include_str!("../../../mappings/sale.toml")),
    ]
    .map(|(name, text)| Source { file: format!("mappings/{name}.toml"), text: text.to_owned() });
    let (mappings, warnings) = Mappings::load(&sources, &systems()).unwrap_or_else(|found| panic!("{}", shown(&found)));
    assert_eq!(shown(&warnings), "");
    for entity in mappings.entities() {
        let report = entity.run_examples();
        assert!(report.ran > 0, "{} has no examples", report.file);
        assert_eq!(report.differences, [], "{}", report.file);
        assert_eq!(report.unexercised, [""; 0], "{}", report.file);
    }
}

fn shown(found: &[Diagnostic]) -> String {
    found.iter().map(ToString::to_string).collect()
}
