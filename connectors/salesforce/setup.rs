//! Setting an org up: what it lacks, and the package to deploy. No call of the REST API makes a field.

use std::collections::BTreeSet;
use std::path::Path;

use passerelle_core::connector::{Preparation, Prepare, State};
use passerelle_core::model::{Need, ResourceName};
use passerelle_core::{Error, ErrorKind, Result};

use super::calls::MISSING;
use super::documents::Documents;
use super::package::{self, FOLDER, Wanted};
use super::schema::kind_of;
use super::wire::DescribedField;

/// Tells what the org lacks of `needs` and of the key field; but for `Tell`, a package is written that a person deploys.
pub(super) async fn prepare(
    documents: &Documents<'_>,
    needs: &[Need],
    how: Prepare,
    folder: &Path,
) -> Result<Vec<Preparation>> {
    let object = documents.object;
    let described = match documents.calls.describe(object).await {
        Ok(described) => Some(described),
        Err(error) if error.fact(MISSING).is_some() && object.ends_with("__c") => None,
        Err(error) => return Err(error),
    };
    let key = Need::key(&documents.rules.key, "Passerelle id");
    let (mut done, mut missing) = (Vec::new(), Vec::new());
    let others = needs.iter().filter(|need| need.kind != "key" && need.path != key.path);
    for need in [&key].into_iter().chain(others) {
        let first = need.path.split(['.', '[']).next().unwrap_or_default();
        if documents.kind.joined().contains(&first) || need.path.contains('.') {
            continue;
        }
        let present = described.as_ref().map(|described| described.field(&need.path));
        let (state, told) = match present.flatten() {
            Some(present) => match unfit(need, present) {
                Some(told) => (State::Manual, told),
                None if !need.path.ends_with("__c") => continue,
                None => (State::There, format!("the field `{}` on {object}", need.path)),
            },
            None if need.path.ends_with("__c") => {
                missing.push(need);
                (State::Manual, format!("create the field `{}` ({}) on {object}", need.path, package::kind_of(need)))
            }
            // A new object has its standard fields.
            None if described.is_none() => continue,
            None => {
                let what = "is missing on";
                (State::Manual, format!("`{}` {what} {object}, or not visible to the integration user", need.path))
            }
        };
        done.push(Preparation { path: need.path.clone(), thing: format!("{object}.{}", need.path), state, how: told });
    }
    if described.is_none() {
        let told = format!("create the custom object `{object}`");
        done.push(Preparation { path: OBJECT.to_owned(), thing: object.to_owned(), state: State::Manual, how: told });
    }
    let wanted = Wanted { object, is_new: described.is_none(), needs: &missing };
    if wanted.is_new || !missing.is_empty() {
        let packed = pack(documents, &wanted, how, folder)?;
        let is_packed = |one: &Preparation| one.path == OBJECT || missing.iter().any(|need| need.path == one.path);
        for one in done.iter_mut().filter(|one| is_packed(one)) {
            one.how = format!("{}, visible to the integration user; {}", one.how, packed.told(&one.path));
        }
    }
    Ok(done)
}

/// The path of a preparation that is the object itself.
const OBJECT: &str = "object";

/// What became of the package.
enum Packed {
    /// Nobody asked for it.
    Unasked,
    /// It is there; these fields stand in it otherwise.
    Written(BTreeSet<String>),
    /// It could not be written, and the reason.
    Unwritten(String),
}

/// Writes the package, unless only to tell. Where the org is only asked, a folder that takes no file is no failure.
fn pack(documents: &Documents<'_>, wanted: &Wanted<'_>, how: Prepare, folder: &Path) -> Result<Packed> {
    if how == Prepare::Tell {
        return Ok(Packed::Unasked);
    }
    match package::write(&folder.join(FOLDER), &documents.calls.version, wanted) {
        Ok(others) => Ok(Packed::Written(others)),
        Err(cause) if how == Prepare::Pack => Ok(Packed::Unwritten(cause.to_string())),
        Err(cause) => {
            let message = "cannot write the metadata package";
            Err(Error::new(ErrorKind::Config, message).at("folder", FOLDER).because(cause))
        }
    }
}

impl Packed {
    fn told(&self, path: &str) -> String {
        let deploy = format!("sf project deploy start --metadata-dir {FOLDER}");
        match self {
            Self::Unasked => {
                format!("`passerelle setup` writes a package in `{FOLDER}` that creates it: {deploy}")
            }
            Self::Written(others) if others.contains(path) => format!(
                "the package in `{FOLDER}` beside config.toml creates it otherwise, and was left as it is: delete the \
                 field there to have it written anew"
            ),
            Self::Written(_) => format!("the package in `{FOLDER}` beside config.toml creates it: {deploy}"),
            Self::Unwritten(why) => format!("the package in `{FOLDER}` beside config.toml cannot be written: {why}"),
        }
    }
}

/// An outbound message is an action of a flow, which no call of the REST API makes or shows.
pub(super) fn hook(objects: &[ResourceName], address: &str, lacks_options: Option<&str>) -> Preparation {
    let objects: Vec<&str> = objects.iter().map(ResourceName::as_str).collect();
    let how = format!(
        "{}on each of {}, a record-triggered flow (created or updated) with the action Outbound Message to \
         {address}?secret=<webhook_secret>, fields Id",
        lacks_options.unwrap_or_default(),
        objects.join(", ")
    );
    Preparation { path: "webhook".to_owned(), thing: format!("webhook {address}"), state: State::Unseen, how }
}

/// What is wrong with a field that is there.
fn unfit(need: &Need, present: &DescribedField) -> Option<String> {
    let name = &present.name;
    if !need.fits(kind_of(present)) {
        let (kind, mine) = (&present.kind, package::kind_of(need));
        return Some(format!(
            "`{name}` is there as {kind}, and the hub writes {mine}: map another field, or delete it"
        ));
    }
    if need.kind == "key" && !(present.external_id && present.unique) {
        return Some(format!("make `{name}` an external id with unique values: else two records could bear one key"));
    }
    if need.kind == "key" {
        return None;
    }
    let has = |option: &String| present.picklist_values.iter().any(|value| value.active && value.value == *option);
    let missing: Vec<&str> =
        need.options.iter().filter(|option| present.restricted_picklist && !has(option)).map(String::as_str).collect();
    if !missing.is_empty() {
        return Some(format!("add the values {} to the picklist `{name}`", missing.join(", ")));
    }
    (!present.updateable).then(|| format!("`{name}` cannot be written by the integration user"))
}
