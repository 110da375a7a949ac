//! What an installation must have: the unique extrafield for the hub's key, and fields that mappings write.

use std::borrow::Cow;

use passerelle_core::connector::{Choice, FieldSchema, May, Preparation, Prepare, Removal, Schema, State};
use passerelle_core::http::Request;
use passerelle_core::model::Need;
use passerelle_core::{ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::client::{Ask, Client};
use super::dialect::is_refused_by_database;
use super::find;
use super::table::{ORDERS, Table};
use super::wire::{KEY, text};

const OPTIONS: &str = "array_options.options_";

/// Where a person creates the extrafield of proposals.
const PROPOSAL_SCREEN: &str = "Home > Setup > Modules > Commercial Proposals > Complementary attributes";

/// An extrafield to have.
struct Wanted<'a> {
    element: &'a str,
    screen: &'a str,
    list: &'a str,
    extra: &'static [&'static str],
    code: &'a str,
    need: Cow<'a, Need>,
    unique: bool,
}

/// What is there and what is missing, created where `how`, config.toml and the key's rights allow.
pub(super) async fn prepare(
    client: &Client,
    table: &Table,
    needs: &[Need],
    (how, may): (Prepare, May),
    proposals: bool,
) -> Result<Vec<Preparation>> {
    let mut wanted = vec![key_field(table.element, table.screen, table.name, table.extra)];
    if proposals && table.name == ORDERS.name {
        wanted.push(key_field("propal", PROPOSAL_SCREEN, "proposals", &["ef"]));
    }
    for need in needs {
        let Some(code) = need.path.strip_prefix(OPTIONS).filter(|code| *code != KEY) else { continue };
        let own = key_field(table.element, table.screen, table.name, table.extra);
        wanted.push(Wanted { code, unique: false, need: Cow::Borrowed(need), ..own });
    }
    let mut told = Vec::new();
    for field in &wanted {
        let (state, said) = one(client, field, how, may).await?;
        let thing = format!("{}/{}", field.element, field.code);
        told.push(Preparation { path: format!("{OPTIONS}{}", field.code), thing, state, how: said });
    }
    Ok(told)
}

fn key_field<'a>(element: &'a str, screen: &'a str, list: &'a str, extra: &'static [&'static str]) -> Wanted<'a> {
    let need = Cow::Owned(Need::key(KEY, "Passerelle id"));
    Wanted { element, screen, list, extra, code: KEY, need, unique: true }
}

async fn one(client: &Client, field: &Wanted<'_>, how: Prepare, may: May) -> Result<(State, String)> {
    let there = || (State::There, format!("the extrafield {} of {}", field.code, field.element));
    match extrafields(client, field.element).await? {
        Some(known) => {
            if let Some(found) = known.get(field.code) {
                return Ok(unfit(field, found).map_or_else(there, |how| (State::Manual, how)));
            }
        }
        // Without an administrator's key the list is closed, but a filter on the field tells whether it is there.
        None if is_there(client, field).await? => return Ok(there()),
        None => return Ok((State::Manual, by_hand(field, "create"))),
    }
    if may == May::OnlyTell {
        return Ok((State::Manual, by_hand(field, "create")));
    }
    if how != Prepare::Create {
        return Ok((State::WouldCreate, format!("creates the extrafield {} of {}", field.code, field.element)));
    }
    match client.api.call(Request::post(route(field.element, field.code), body(field)).harmless()).await {
        Ok(_) => Ok((State::Created, format!("created the extrafield {} of {}", field.code, field.element))),
        // 409: somebody else was faster.
        Err(error) if error.fact("status") == Some("409") => Ok(there()),
        Err(error) if error.kind() == ErrorKind::Denied => Ok((State::Manual, by_hand(field, "create"))),
        Err(error) => Err(error),
    }
}

fn route(element: &str, code: &str) -> String {
    format!("/setup/extrafields/{element}/{code}")
}

/// What is wrong with an extrafield that is there.
fn unfit(field: &Wanted<'_>, found: &Value) -> Option<String> {
    let stored = text(found, "type").unwrap_or_default();
    let kind = match stored.as_str() {
        "int" | "double" | "price" => "number",
        "date" => "date",
        "datetime" => "datetime",
        "boolean" => "boolean",
        _ => "string",
    };
    if !field.need.fits(kind) {
        return Some(format!(
            "the extrafield `{}` of {} is there as {stored}, and the hub writes {}: map another one, or delete it",
            field.code,
            field.element,
            screen_type(&field.need.kind),
        ));
    }
    let doubles = field.unique && text(found, "unique").as_deref() != Some("1");
    doubles.then(|| format!("{} and tick Unique: two orders could bear one key", by_hand(field, "open")))
}

/// Deletes an extrafield that the hub made, values included; an administrator's key may [Dolibarr's source].
pub(super) async fn remove(client: &Client, element: &str, code: &str) -> Result<Removal> {
    match client.api.call(Request::new("DELETE", route(element, code)).harmless()).await {
        Ok(_) => Ok(Removal::Removed(format!("the extrafield {code} of {element} and its values"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Removal::Gone),
        Err(error) if error.kind() == ErrorKind::Denied && error.fact("status") == Some("403") => Ok(Removal::Manual(
            format!("as an administrator of Dolibarr, delete the complementary attribute `{code}` of {element}"),
        )),
        Err(error) => Err(error),
    }
}

/// What a person clicks, in the words of Dolibarr's own screens.
fn by_hand(field: &Wanted<'_>, verb: &str) -> String {
    let unique = if field.unique { "Unique ticked" } else { "Unique not ticked" };
    format!(
        "as an administrator of Dolibarr, {verb} {} > New attribute: Label \"{}\", Attribute code `{}`, Type {}, {unique}, \
         Required not ticked, Save",
        field.screen,
        field.need.label,
        field.code,
        screen_type(&field.need.kind),
    )
}

fn body(field: &Wanted<'_>) -> Value {
    let (kind, size) = stored_type(&field.need.kind);
    let unique = u8::from(field.unique);
    json!({ "label": field.need.label, "type": kind, "size": size, "pos": 100, "unique": unique, "required": 0 })
}

fn stored_type(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "key" => ("varchar", "64"),
        "integer" => ("int", "10"),
        "decimal" | "money" => ("double", "24,8"),
        "boolean" => ("boolean", ""),
        "date" => ("date", ""),
        _ => ("varchar", "255"),
    }
}

fn screen_type(kind: &str) -> &'static str {
    match kind {
        "key" => "String (1 line), Size 64",
        "integer" => "Numeric integer",
        "decimal" | "money" => "Decimal",
        "boolean" => "Boolean (one checkbox)",
        "date" => "Date",
        _ => "String (1 line), Size 255",
    }
}

async fn is_there(client: &Client, field: &Wanted<'_>) -> Result<bool> {
    match find::prove(client, field.list, field.extra, field.code).await {
        Ok(()) => Ok(true),
        Err(error) if is_refused_by_database(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Extrafields of a type by code; none where the key may not list them.
async fn extrafields(client: &Client, element: &str) -> Result<Option<Map<String, Value>>> {
    let answer = client.api.call(Request::get("/setup/extrafields").query("elementtype", element)).await;
    match answer {
        Ok(response) => {
            let all: Value = response.parse()?;
            Ok(Some(all.get(element).and_then(Value::as_object).cloned().unwrap_or_default()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some(Map::new())),
        Err(error) if error.fact("status") == Some("403") => Ok(None),
        Err(error) => Err(error),
    }
}

/// The fields of a resource: what every Dolibarr has, this one's extrafields where the key may list them, and whatever
/// else its newest record bears.
pub(super) async fn describe(client: &Client, table: &Table) -> Result<Schema> {
    let mut fields = super::fields::known(table.name);
    let there = extrafields(client, table.element).await?.unwrap_or_default();
    for (code, field) in &there {
        let mut schema = FieldSchema::new(format!("{OPTIONS}{code}"), kind_of(field));
        schema.label = text(field, "label").unwrap_or_else(|| code.clone());
        schema.unique = text(field, "unique").as_deref() == Some("1");
        schema.required = text(field, "required").as_deref() == Some("1");
        schema.options = choices(field);
        schema.writable = text(field, "computed").is_none() && code != KEY;
        fields.push(schema);
    }
    let ask = Ask { sort: Some(("t.rowid", "DESC")), limit: 1, ..Ask::filtered("") };
    for (name, value) in client.list(table.name, ask).await?.iter().filter_map(Value::as_object).flatten() {
        let known = |field: &FieldSchema| field.path.split(['.', '[']).next() == Some(name.as_str());
        if name != "array_options" && !fields.iter().any(known) {
            fields.push(FieldSchema::new(name.clone(), shape(value)).read_only());
        }
    }
    Ok(Schema { fields })
}

fn shape(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        _ => "string",
    }
}

fn kind_of(field: &Value) -> &'static str {
    match text(field, "type").as_deref() {
        Some("date") => "date",
        Some("datetime") => "datetime",
        _ => "string",
    }
}

fn choices(field: &Value) -> Vec<Choice> {
    let options = field.get("param").and_then(|param| param.get("options")).and_then(Value::as_object);
    let listed = matches!(text(field, "type").as_deref(), Some("select" | "radio"));
    let one = |(value, label): (&String, &Value)| Choice {
        value: value.clone(),
        label: label.as_str().unwrap_or(value).to_owned(),
    };
    options.filter(|_| listed).map(|options| options.iter().map(one).collect()).unwrap_or_default()
}
