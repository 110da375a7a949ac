//! What an entity and its columns do with records.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::model::{Canonical, FieldName, Fields};

const MAPPING: &str = r#"
entity = "company"
label = "name"
match = ["vat_number", ["name", "city"]]
[on.dolibarr]
resource = "thirdparties"
where = "client in ['1', '3']"
set = { client = "1" }
[on.shop]
resource = "customers"
[fields.name]
required = true
owner = "crm"
hubspot = "name"
dolibarr = "name"
[fields.city]
hubspot = "city"
dolibarr = "town"
shop = { path = "address.city", as = "upper | lower" }
[fields.vat_number]
type = "vat_number"
dolibarr = "tva_intra"
[fields.country]
type = "country"
hubspot = { path = "country", as = "country_name:en" }
[fields.turnover]
type = "money"
dolibarr = "capital"
[fields.parent]
type = "ref:company"
dolibarr = "parent"
hubspot = { path = "parent_vat", by = "vat_number" }
[fields.display]
dolibarr = { path = "name_alias", write = "name ~ ' (' ~ city ~ ')'" }
[fields.lines]
type = "lines"
hubspot = "items"
dolibarr = "lines"
[fields.lines.each.product]
type = "ref:company"
hubspot = "sku"
dolibarr = "fk_product"
[fields.lines.each.quantity]
type = "decimal"
required = "create"
hubspot = "quantity"
dolibarr = "qty"
[fields.lines.each.note]
dolibarr = { write = "'x' ~ quantity" }
[on.hubspot]
resource = "companies"
[create.dolibarr]
when = "city != 'Paris'"
hold = "turnover > 10000"
then = ["validate"]
[create.hubspot]
when = false
"#;

fn load(text: &str) -> Mappings {
    let systems = [("crm", "hubspot"), ("erp", "dolibarr"), ("shop", "dolibarr")];
    let systems = systems.map(|(name, connector)| (SystemName::from(name), connector.to_owned()));
    let source = Source { file: "company.toml".into(), text: text.into() };
    match Mappings::load(&[source], &systems) {
        Ok((mappings, _)) => mappings,
        Err(found) => panic!("{}", found.iter().map(ToString::to_string).collect::<String>()),
    }
}

fn with<T>(test: impl FnOnce(&Entity) -> T) -> T {
    test(load(&MAPPING.replace(", as = \"upper | lower\"", "")).entity(&"company".into()).unwrap())
}

fn column<'a>(entity: &'a Entity, system: &str) -> &'a Column {
    entity.column(&system.into()).unwrap()
}

fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn canonical(value: Value) -> Canonical {
    Canonical(fields(value))
}

#[test]
fn a_column_reads_what_it_carries_and_nothing_else() {
    with(|entity| {
        let read = column(entity, "crm").read(&fields(json!({"name": " A ", "country": "Germany", "other": 1})));
        let carried = json!({"name": "A", "city": null, "country": "DE", "parent": null, "lines": []});
        assert_eq!(read, Ok(canonical(carried)));
    });
}

#[test]
fn all_problems_of_a_record_come_at_once_with_their_places() {
    with(|entity| {
        let native = json!({"tva_intra": "FR1", "capital": "a lot", "lines": [{"qty": "1"}, {"qty": "two"}, 7]});
        let problems = column(entity, "erp").read(&fields(native)).unwrap_err();
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "vat_number: `\"FR1\"` is not a VAT number with its two country letters",
                "turnover: `\"a lot\"` is not a number",
                "lines[1].quantity: `\"two\"` is not a number",
                "lines: `7` is not a line",
            ]
        );
    });
}

#[test]
fn a_systems_own_column_wins_field_by_field_over_its_connectors() {
    with(|entity| {
        let (erp, shop) = (column(entity, "erp"), column(entity, "shop"));
        assert_eq!((erp.resource().as_str(), shop.resource().as_str()), ("thirdparties", "customers"));
        assert_eq!(shop.native_path(&"name".into()), Some("name"));
        assert_eq!(erp.native_path(&"city".into()), Some("town"));
        assert_eq!(shop.native_path(&"city".into()), Some("address.city"));
        assert_eq!(shop.takes_part(&fields(json!({"client": "2"}))), Ok(false));
        assert_ne!(erp.digest(), shop.digest());
        assert!(entity.column(&"nobody".into()).is_none());
    });
}

#[test]
fn a_column_takes_part_where_its_rule_holds() {
    with(|entity| {
        for (record, takes_part) in [(json!({"client": "1"}), true), (json!({"client": 3}), true), (json!({}), false)] {
            assert_eq!(column(entity, "erp").takes_part(&fields(record)), Ok(takes_part));
        }
        assert_eq!(column(entity, "crm").takes_part(&fields(json!({}))), Ok(true));
    });
}

#[test]
fn a_write_holds_the_chosen_fields_that_are_there() {
    with(|entity| {
        let erp = column(entity, "erp");
        let record = canonical(json!({"name": "A", "city": null, "turnover": "5.00", "parent": "17",
            "lines": [{"product": "3", "quantity": "2.5"}]}));
        let all = json!({"name": "A", "town": null, "capital": "5.00", "parent": "17",
            "lines": [{"fk_product": "3", "qty": "2.5", "note": "x2.5"}]});
        assert_eq!(erp.write(&record, None), Ok(fields(all)));
        let chosen = BTreeSet::from([FieldName::from("city"), "vat_number".into()]);
        assert_eq!(erp.write(&record, Some(&chosen)), Ok(fields(json!({"town": null}))));
        assert_eq!(
            Value::Object(column(entity, "shop").write(&canonical(json!({"city": "x"})), None).unwrap()),
            json!({"address": {"city": "x"}})
        );
        assert_eq!(erp.set(), &fields(json!({"client": "1"})));
    });
}

#[test]
fn a_one_way_field_is_derived_where_it_differs() {
    with(|entity| {
        let erp = column(entity, "erp");
        let record = canonical(json!({"name": "A", "city": "Lille"}));
        let wanted = Ok(fields(json!({"name_alias": "A (Lille)"})));
        assert_eq!(erp.derived(&record, None), wanted);
        assert_eq!(erp.derived(&record, Some(&fields(json!({"name_alias": "old"})))), wanted);
        assert_eq!(erp.derived(&record, Some(&fields(json!({"name_alias": " A (Lille)"})))), Ok(Fields::new()));
        assert!(!erp.writes(&"display".into()) && !erp.reads(&"display".into()));
    });
}

#[test]
fn a_one_way_field_that_the_vendor_does_not_give_back_only_goes_along() {
    with(|entity| {
        let erp = column(entity, "erp");
        let record = canonical(json!({"name": "A", "city": "Lille"}));
        let (without, with) = (fields(json!({"name": "A"})), fields(json!({"name_alias": null})));
        assert_eq!(erp.derived(&record, Some(&without)), Ok(Fields::new()));
        assert_eq!(erp.unseen(&record, &without), Ok(fields(json!({"name_alias": "A (Lille)"}))));
        assert_eq!(erp.unseen(&record, &with), Ok(Fields::new()));
    });
}

#[test]
fn a_create_is_skipped_held_or_refused_by_rule() {
    with(|entity| {
        let gate = |system: &str, record: Value| column(entity, system).may_create(&canonical(record));
        let whole = |city: &str, turnover: &str| json!({"name": "A", "city": city, "turnover": turnover, "lines": [{"quantity": "1"}]});
        assert_eq!(gate("erp", whole("Lille", "10000")), Ok(Gate::Create));
        assert_eq!(
            gate("erp", whole("Lille", "10000.01")),
            Ok(Gate::Hold("create.dolibarr.hold: turnover > 10000".into()))
        );
        assert_eq!(
            gate("erp", whole("Paris", "1")),
            Ok(Gate::Skip("create.dolibarr.when: not city != 'Paris'".into()))
        );
        assert_eq!(gate("crm", whole("Lille", "1")), Ok(Gate::Skip("create.hubspot.when: not false".into())));
        let problem = gate("erp", json!({"name": null})).unwrap_err();
        assert_eq!(problem.to_string(), "name: is required to create it, and empty");
        let problem = gate("erp", json!({"name": "A", "turnover": "1", "lines": [{"quantity": "1"}, {}]})).unwrap_err();
        assert_eq!(problem.field, "lines[1].quantity");
        let problem = gate("erp", json!({"name": "A", "lines": []})).unwrap_err();
        assert!(problem.to_string().starts_with("create.dolibarr.hold: the expression"), "{problem}");
        assert_eq!(column(entity, "erp").then().len(), 1);
    });
}

#[test]
fn every_reference_is_handed_out_and_what_leads_nowhere_is_told() {
    with(|entity| {
        let mut record = canonical(
            json!({"parent": "FR40303265045", "lines": [{"product": "3"}, {"product": null}, {"product": "4"}]}),
        );
        let mut asked = Vec::new();
        let left = entity.map_refs(column(entity, "crm"), &mut record, &mut |at| {
            asked.push(format!("{} {} {:?} {}", at.field, at.entity, at.by.map(FieldName::as_str), at.value));
            (at.value != "4").then(|| format!("L{}", at.value))
        });
        assert_eq!(
            asked,
            [
                "parent company Some(\"vat_number\") FR40303265045",
                "lines.product company None 3",
                "lines.product company None 4"
            ]
        );
        let lines = json!([{"product": "L3"}, {"product": null}, {"product": "4"}]);
        assert_eq!(record.0, fields(json!({"parent": "LFR40303265045", "lines": lines})));
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].field.as_str(), left[0].value.as_str()), ("lines.product", "4"));
        assert!(entity.has_refs());
    });
}

#[test]
fn a_value_is_looked_up_in_the_spellings_that_people_use() {
    with(|entity| {
        let lookup = |system: &str, field: &str, value: Value| column(entity, system).lookup(&field.into(), &value);
        let spellings = ["FR40303265045", "FR 40 303265045", "FR 40 303 265 045"].map(str::to_owned).to_vec();
        assert_eq!(lookup("erp", "vat_number", json!("FR40303265045")), Some(("tva_intra".into(), spellings)));
        assert_eq!(lookup("crm", "country", json!("DE")), Some(("country".into(), vec!["Germany".into()])));
        assert_eq!(lookup("crm", "vat_number", json!("FR40303265045")), None);
        assert_eq!(lookup("erp", "vat_number", json!(null)), None);
        assert_eq!(lookup("erp", "lines", json!([])), None);
    });
}

#[test]
fn what_a_column_reads_and_writes_is_told() {
    with(|entity| {
        let erp = column(entity, "erp");
        let wanted: Vec<String> = erp.wanted().into_iter().collect();
        let paths = [
            "capital",
            "client",
            "lines",
            "lines.fk_product",
            "lines.note",
            "lines.qty",
            "name",
            "name_alias",
            "parent",
            "town",
            "tva_intra",
        ];
        assert_eq!(wanted, paths);
        let needs: Vec<String> =
            erp.needs().iter().map(|need| format!("{} {} {}", need.path, need.kind, need.label)).collect();
        assert!(needs.contains(&"tva_intra vat_number Vat number".to_owned()), "{needs:?}");
        assert!(needs.contains(&"lines.qty decimal Quantity".to_owned()), "{needs:?}");
        assert!(needs.contains(&"name_alias text Display".to_owned()), "{needs:?}");
    });
}

#[test]
fn a_record_that_does_not_fit_says_where_and_why() {
    with(|entity| {
        let problems = |record: Value| -> Vec<String> {
            entity.validate(&canonical(record)).iter().map(ToString::to_string).collect()
        };
        assert_eq!(problems(json!({"name": "A", "turnover": "5.00", "lines": [{"quantity": "1.5"}]})), [""; 0]);
        assert_eq!(problems(json!({"city": "no name is known here"})), [""; 0]);
        assert_eq!(problems(json!({"name": null})), ["name: is required, and empty"]);
        assert_eq!(problems(json!({"turnover": "5.1"})), ["turnover: `\"5.1\"` is not an amount such as \"1200.00\""]);
        assert_eq!(
            problems(json!({"lines": [{}, {"quantity": "1.50"}]})),
            ["lines[1].quantity: `\"1.50\"` is not an exact number such as \"5.5\""]
        );
        assert_eq!(problems(json!({"nmae": "A"})), ["record: holds a field that the entity does not have"]);
    });
}

#[test]
fn a_person_recognises_a_record_by_its_label_or_else_a_match_key() {
    with(|entity| {
        assert_eq!(entity.label(&canonical(json!({"name": "A", "city": "B"}))), "A");
        assert_eq!(entity.label(&canonical(json!({"vat_number": "FR40303265045"}))), "FR40303265045");
        assert_eq!(entity.label(&canonical(json!({}))), "");
    });
}

#[test]
fn the_digest_moves_with_what_reading_depends_on_and_with_nothing_else() {
    let digest = |text: &str| column(load(text).entity(&"company".into()).unwrap(), "erp").digest();
    let base = MAPPING.replace(", as = \"upper | lower\"", "");
    assert_eq!(digest(&base), digest(&base.replace("label = \"name\"", "label = \"city\"")));
    for (from, to) in [
        ("dolibarr = \"town\"", "dolibarr = \"ville\""),
        ("client in ['1', '3']", "client in ['1']"),
        ("type = \"vat_number\"", "type = \"text\""),
        ("'x' ~ quantity", "'y' ~ quantity"),
    ] {
        assert_ne!(digest(&base), digest(&base.replace(from, to)), "{to}");
    }
}

#[test]
fn a_difference_of_an_example_names_field_direction_and_both_values() {
    let base = MAPPING.replace(", as = \"upper | lower\"", "");
    let text = base
        + r#"
[[example]]
name = "wrong on purpose"
canonical = { name = "A", city = "Lille", country = "FR" }
hubspot = { name = "A", city = "Paris", country = "france" }
"#;
    let report = load(&text).entity(&"company".into()).unwrap().run_examples();
    let told: Vec<String> = report
        .differences
        .iter()
        .map(|d| format!("{}:{} {} {} {} {} {}", d.example, d.line, d.column, d.direction, d.field, d.expected, d.got))
        .collect();
    let line = text.lines().position(|line| line == "[[example]]").unwrap() + 1;
    assert_eq!(
        told,
        [
            format!("wrong on purpose:{line} hubspot read city \"Lille\" \"Paris\""),
            format!("wrong on purpose:{line} hubspot write city \"Paris\" \"Lille\""),
        ]
    );
    assert!(report.unexercised.contains(&"parent/hubspot".to_owned()), "{:?}", report.unexercised);
}
