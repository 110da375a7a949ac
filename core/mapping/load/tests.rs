//! Loading: what is refused, where, and with which suggestion.

use super::super::{Mappings, Source};
use crate::diagnostic::Diagnostic;
use crate::model::SystemName;
use proptest::prelude::*;

const SHIPPED: [(&str, &str); 4] = [
    ("company", include_str!("../../../mappings/company.toml")),
    ("contact", include_str!("../../../mappings/contact.toml")),
    ("product", include_str!("../../../mappings/product.toml")),
    ("sale", include_str!("../../../mappings/sale.toml")),
];

/// Lines are counted in the table below: add at the end only.
const BASE: &str = r#"entity = "company"
label = "name"
match = ["vat", ["name", "city"]]
[on.hubspot]
resource = "companies"
[on.dolibarr]
resource = "thirdparties"
where = "client in ['1', '3']"
[fields.name]
required = true
owner = "crm"
hubspot = "name"
dolibarr = "nom"
[fields.vat]
type = "vat_number"
hubspot = "vat"
[fields.city]
hubspot = { path = "city", as = "trim" }
[fields.stage]
type = "enum"
values = ["client", "prospect"]
hubspot = { path = "stage", table = "stage" }
[tables.stage]
customer = "client"
lead = "prospect"
[create.dolibarr]
when = "stage == 'client'"
[[example]]
canonical = { name = "A" }
hubspot = { name = "A" }
"#;

fn load(sources: &[(&str, &str)]) -> Result<(Mappings, Vec<Diagnostic>), Vec<Diagnostic>> {
    let systems: [(SystemName, String); 2] =
        [("crm".into(), "hubspot".to_owned()), ("erp".into(), "dolibarr".to_owned())];
    let sources: Vec<Source> =
        sources.iter().map(|(name, text)| Source { file: format!("{name}.toml"), text: (*text).to_owned() }).collect();
    Mappings::load(&sources, &systems)
}

fn shown(found: &[Diagnostic]) -> String {
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn every_shipped_mapping_passes_its_own_examples() {
    let (mappings, warnings) = load(&SHIPPED).unwrap_or_else(|found| panic!("{}", shown(&found)));
    assert_eq!(shown(&warnings), "");
    for entity in mappings.entities() {
        let report = entity.run_examples();
        assert!(report.ran > 0, "{} has no examples", report.file);
        assert_eq!(report.differences, [], "{}", report.file);
        assert_eq!(report.unexercised, [""; 0], "{}", report.file);
    }
}

/// The base with one text replaced: code, line and column, what the finding says.
fn check(from: &str, to: &str, code: &str, at: (usize, usize), says: &str) {
    assert!(BASE.contains(from), "{from}");
    let text = BASE.replacen(from, to, 1);
    let Err(found) = load(&[("m", &text)]) else { panic!("{to} is accepted") };
    let one = found.iter().find(|found| found.code == code).unwrap_or_else(|| panic!("{to}: {}", shown(&found)));
    assert_eq!((one.line, one.column), at, "{to}: {one}");
    assert!(one.to_string().contains(says), "{to}: {one}");
}

#[test]
fn the_base_of_these_tests_is_accepted() {
    load(&[("m", BASE)]).map_err(|found| shown(&found)).unwrap();
}

#[test]
fn a_mistake_is_found_in_its_place_with_what_was_meant() {
    check("entity = \"company\"", "entity = \"company", "P0101", (1, 18), "not TOML");
    check("entity = \"company\"", "entitee = \"company\"", "P0103", (1, 1), "did you mean `entity`?");
    check("resource = \"companies\"", "ressource = \"companies\"", "P0103", (5, 1), "did you mean `resource`?");
    check("as = \"trim\"", "ass = \"trim\"", "P0103", (18, 28), "did you mean `as`?");
    check("required = true", "required = \"yes\"", "P0104", (10, 12), "true, false or \"create\"");
    check("hubspot = \"name\"", "hubspot = 7", "P0104", (12, 11), "a native path");
    check("hubspot = \"name\"", "hubspot = \"\"", "P0104", (12, 11), "a native path");
    check("\"vat_number\"", "\"vat_numbr\"", "P0110", (15, 8), "did you mean `vat_number`?");
    check("\"trim\"", "\"trimm\"", "P0111", (18, 33), "did you mean `trim`?");
    check("\"trim\"", "\"yes_no\"", "P0111", (18, 33), "yes_no:Oui/Non");
    check("owner = \"crm\"", "owner = \"crn\"", "P0112", (11, 9), "did you mean `crm`?");
    check("table = \"stage\"", "table = \"stagee\"", "P0113", (22, 37), "did you mean `stage`?");
    check("match = [\"vat\"", "match = [\"vta\"", "P0114", (3, 10), "did you mean `vat`?");
    check("type = \"vat_number\"", "type = \"ref:compny\"", "P0115", (15, 8), "did you mean `company`?");
    check("hubspot = \"name\"", "hubspt = \"name\"", "P0116", (12, 1), "did you mean `hubspot`?");
    check("[on.dolibarr]", "[on.dolibar]", "P0116", (6, 5), "did you mean `dolibarr`?");
    check("lead = \"prospect\"", "lead = \"prospct\"", "P0117", (25, 8), "is none of client, prospect");
    check("lead = \"prospect\"", "lead = \"client\"", "P0118", (25, 1), "`customer` and `lead` both mean `\"client\"`");
    check("== 'client'", "== == 'client'", "P0120", (27, 18), "not understood");
    check("label = \"name\"", "label = \"nmae\"", "P0121", (2, 10), "did you mean `name`?");
    check("stage == 'client'", "stge == 'client'", "P0121", (27, 9), "did you mean `stage`?");
    check("client in ['1', '3']", "client | uper", "P0122", (8, 19), "did you mean `upper`?");
    check("hubspot = \"vat\"", "hubspot = \"name\"", "P0130", (16, 11), "`name` is written by `name` already");
    check("resource = \"thirdparties\"\n", "\n", "P0131", (6, 5), "[on.dolibarr] wants resource");
    check("as = \"trim\"", "as = \"upper\"", "P0140", (18, 11), "is written as `\"BRASSERIE DU NORD\"` and comes back");
    check("canonical = { name", "canonical = { nam", "P0114", (29, 15), "did you mean `name`?");
    check("hubspot = { name = \"A\" }", "hubspt = { name = \"A\" }", "P0150", (30, 1), "did you mean `hubspot`?");
}

#[test]
fn what_a_table_cannot_write_and_a_table_without_use_are_warnings() {
    let text = BASE.replace("lead = \"prospect\"\n", "");
    let (_, warnings) = load(&[("m", &text)]).unwrap();
    assert_eq!((warnings[0].code, warnings[0].line), ("P0141", 22));
    let (_, warnings) = load(&[("m", &format!("{BASE}[tables.spare]\na = \"b\"\n"))]).unwrap();
    assert_eq!((warnings[0].code, warnings[0].line), ("P0142", 31));
}

#[test]
fn a_money_gate_without_a_total_is_refused() {
    let found = load(&[("m", &format!("{BASE}[totals]\ntolerance = \"0.00\"\n"))]).unwrap_err();
    assert_eq!((found[0].code, found[0].line), ("P0102", 31));
    let found = load(&[("m", &format!("{BASE}[totals]\nnet = \"nmae\"\n"))]).unwrap_err();
    assert_eq!((found[1].code, found[1].help.as_deref()), ("P0114", Some("did you mean `name`?")));
}

/// The example of the manual, with the fields that it leaves out.
const MANUAL: &str = r#"
entity = "company"
label  = "name"
match  = ["vat_number", "siren", ["name", "postal_code"]]
[on.hubspot]
resource = "companies"
[on.dolibarr]
resource = "thirdparties"
where    = "client in ['1', '3']"
set      = { client = "1" }
[fields.name]
required = true
owner    = "crm"
hubspot  = "name"
dolibarr = "name"
[fields.vat_number]
type     = "vat_number"
owner    = "erp"
hubspot  = "vat_number"
dolibarr = "tva_intra"
[fields.country]
type     = "country"
hubspot  = { path = "country", as = "country_name:en" }
dolibarr = "country_code"
[fields.stage]
hubspot  = { path = "lifecyclestage", table = "stage" }
[tables.stage]
customer = "client"
lead     = "prospect"
"*"      = "prospect"
[fields.display]
dolibarr = { write = "name ~ ' (' ~ city ~ ')'" }
[create.dolibarr]
when = "stage == 'client'"
[[example]]
name      = "a French customer"
hubspot   = { name = "Brasserie du Nord", country = "France", lifecyclestage = "customer" }
canonical = { name = "Brasserie du Nord", country = "FR", stage = "client" }
dolibarr  = { name = "Brasserie du Nord", country_code = "FR", client = "1" }
[fields.siren]
hubspot = "siren"
[fields.postal_code]
hubspot = "zip"
[fields.city]
hubspot = "city"
"#;

#[test]
fn the_example_of_the_manual_loads_and_passes() {
    let (mappings, warnings) = load(&[("company", MANUAL)]).unwrap_or_else(|found| panic!("{}", shown(&found)));
    assert_eq!(shown(&warnings), "");
    assert_eq!(mappings.entities().next().unwrap().run_examples().differences, []);
}

#[test]
fn all_mistakes_come_at_once() {
    let text = BASE.replace("\"crm\"", "\"cmr\"").replace("\"trim\"", "\"trimm\"").replace("stage == ", "stag == ");
    let found = load(&[("m", &text)]).unwrap_err();
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["P0112", "P0111", "P0121"]);
}

#[test]
fn an_entity_has_one_file() {
    let found = load(&[("a", BASE), ("b", BASE)]).unwrap_err();
    assert_eq!((found[0].code, found[0].file.as_str()), ("P0105", "b.toml"));
}

#[test]
fn a_column_of_another_connector_is_fine_and_one_without_a_resource_is_not() {
    let text = BASE.to_owned() + "[on.sage]\nresource = \"tiers\"\n[fields.note]\nsage = \"note\"\n";
    assert!(load(&[("m", &text)]).is_ok());
}

#[test]
fn columns_that_would_ping_pong_are_refused_with_the_counter_example() {
    let cell = |kind: &str, cell: &str| {
        let text = format!(
            "entity = \"e\"\n[on.hubspot]\nresource = \"r\"\n[tables.t]\nx = \"a\"\n\"\" = \"b\"\n[fields.f]\ntype = \"{kind}\"\nhubspot = {cell}\n"
        );
        load(&[("m", &text)])
            .map(drop)
            .map_err(|found| found.iter().find(|found| found.is_error()).map(|found| found.message.clone()).unwrap())
    };
    for (kind, written, says) in [
        ("text", r#"{ path = "p", as = "digits" }"#, "is written as"),
        ("text", r#"{ path = "p", as = "lower" }"#, "comes back as"),
        ("date", r#"{ path = "p", as = "date:%d/%m/%y" }"#, "`\"1931-07-14\"`"),
        ("phone", r#"{ path = "p", as = "digits" }"#, "+33"),
        ("text", r#"{ path = "p", as = "yes_no:a/b" }"#, "no value of the type can be written"),
        ("text", r#"{ path = "p", table = "t" }"#, "the value `null`"),
        ("text", r#"{ path = "p", read = "p | upper", write = "f" }"#, "comes back as"),
        ("money", r#"{ path = "p", read = "p | dec(2)", write = "f" }"#, "comes back as"),
    ] {
        let message = cell(kind, written).err().unwrap_or_else(|| panic!("{kind} {written} is accepted"));
        assert!(message.contains(says), "{kind} {written}: {message}");
    }
    for (kind, written) in [
        ("currency", r#"{ path = "p", as = "upper" }"#),
        ("siren", r#"{ path = "p", as = "digits" }"#),
        ("email", r#"{ path = "p", as = "lower | trim" }"#),
        ("money", r#"{ path = "p", as = "cents" }"#),
        ("money", r#"{ path = "p", as = ["text", "decimal_comma"] }"#),
        ("decimal", r#"{ path = "p", as = "percent" }"#),
        ("decimal", r#"{ path = "p", as = "number" }"#),
        ("integer", r#"{ path = "p", as = "integer_text" }"#),
        ("boolean", r#"{ path = "p", as = "yes_no:Oui/Non" }"#),
        ("boolean", r#"{ path = "p", as = "flag" }"#),
        ("datetime", r#"{ path = "p", as = "epoch_millis" }"#),
        ("datetime", r#"{ path = "p", as = "epoch_seconds" }"#),
        ("datetime", r#"{ path = "p", as = "local_datetime:Europe/Paris" }"#),
        ("date", r#"{ path = "p", as = "epoch_seconds" }"#),
        ("date", r#"{ path = "p", as = "date:%d/%m/%Y" }"#),
        ("country", r#"{ path = "p", as = "country_name:fr" }"#),
        ("text", r#"{ path = "p", as = "html_text" }"#),
        ("text", r#"{ path = "p", as = ["list:;"] }"#),
        ("text", r#"{ path = "p", read = "p", write = "f" }"#),
    ] {
        assert_eq!(cell(kind, written), Ok(()), "{kind} {written}");
    }
}

#[test]
fn the_schema_for_editors_knows_the_keys_that_the_reader_knows() {
    let schema = super::super::mapping_schema();
    let properties = schema["properties"].as_object().unwrap();
    for key in ["entity", "label", "match", "on", "fields", "tables", "create", "totals", "example"] {
        assert!(properties.contains_key(key), "{key}");
    }
    assert_eq!(
        schema["$defs"]["Cell"]["properties"]["as"]["description"].as_str().map(|text| text.len() > 10),
        Some(true)
    );
}

/// `UPDATE_EXPECT=1` writes it again.
#[test]
fn the_committed_schema_is_that_of_the_structs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../mappings/schema.json");
    let now = serde_json::to_string_pretty(&super::super::mapping_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), now, "run the tests with UPDATE_EXPECT=1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_text_makes_the_loader_panic(text in "(?s).{0,200}") {
        let _ = load(&[("m", &text)]);
    }

    #[test]
    fn no_mutation_of_a_mapping_makes_the_loader_panic(
        which in 0usize..4, cuts in prop::collection::vec((any::<prop::sample::Index>(), "[a-z\"'{}\\[\\]=.|#\n é0-9]{0,4}", 0usize..12), 1..4),
    ) {
        let mut text: Vec<char> = SHIPPED[which].1.chars().collect();
        for (at, with, length) in cuts {
            let start = at.index(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, with.chars());
        }
        let text: String = text.into_iter().collect();
        let found = load(&[("m", &text)]);
        for found in found.map_or_else(|found| found, |(_, warnings)| warnings) {
            let _ = found.to_string();
        }
    }
}

/// A file of two systems whose column of `crm` is always the same.
fn file_of(entity: &str, fields: &str) -> String {
    format!("entity = \"{entity}\"\n[on.hubspot]\nresource = \"deals\"\n[on.dolibarr]\nresource = \"orders\"\n{fields}")
}

fn refused(files: &[(&str, String)], words: &[&str]) {
    let sources: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let found = shown(&load(&sources).unwrap_err());
    for word in words {
        assert!(found.contains(word), "`{word}` is not said in\n{found}");
    }
}

#[test]
fn a_field_that_grows_over_another_columns_expression_is_refused_with_what_each_side_makes_of_it() {
    let fields = "[fields.name]\nhubspot = \"name\"\ndolibarr = { read = \"full\" }\n\
                  [fields.full]\ndolibarr = { path = \"full\", write = \"name ~ '!'\" }\n";
    let file = file_of("order", fields);
    refused(
        &[("order", file)],
        &["P0143", "order.toml:7", "never comes to rest", "crm.name turns from", "erp.full turns from", "!!"],
    );
}

#[test]
fn two_fields_that_read_each_others_path_are_refused() {
    let fields = "[fields.one]\nhubspot = \"one\"\ndolibarr = { path = \"a\", read = \"b\", write = \"one\" }\n\
                  [fields.two]\nhubspot = \"two\"\ndolibarr = { path = \"b\", read = \"a\", write = \"two\" }\n";
    refused(&[("order", file_of("order", fields))], &["P0143", "order.toml:7", "of a record made in crm becomes"]);
}

#[test]
fn two_columns_of_one_field_that_do_not_mean_the_same_are_refused() {
    let fields = "[fields.name]\nhubspot = \"name\"\n\
                  dolibarr = { path = \"nom\", read = \"nom ~ ' ' ~ town\", write = \"name\" }\n\
                  [fields.town]\nhubspot = \"town\"\ndolibarr = \"town\"\n";
    refused(
        &[("order", file_of("order", fields))],
        &["P0143", "order.toml:7", "does not stay as it is", "of a record made in crm becomes"],
    );
}

#[test]
fn two_files_that_feed_each_other_over_one_record_are_refused() {
    let one = "[fields.note]\nhubspot = \"note\"\ndolibarr = { path = \"memo\", write = \"note ~ '.'\" }\n";
    let other = "[fields.memo]\nhubspot = \"note\"\ndolibarr = { read = \"memo\" }\n";
    refused(
        &[("order", file_of("order", one)), ("paper", file_of("paper", other))],
        &["P0143", "never comes to rest", "memo", "note"],
    );
}

#[test]
fn the_same_columns_come_to_rest_once_one_system_owns_the_field() {
    let one =
        "[fields.note]\nowner = \"crm\"\nhubspot = \"note\"\ndolibarr = { path = \"memo\", write = \"note ~ '.'\" }\n";
    let other = "[fields.memo]\nowner = \"crm\"\nhubspot = \"note\"\ndolibarr = \"other\"\n";
    let files = [("order", file_of("order", one)), ("paper", file_of("paper", other))];
    let sources: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    load(&sources).unwrap_or_else(|found| panic!("{}", shown(&found)));
}
