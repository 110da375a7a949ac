//! Setting an org up: what it lacks, and the package to deploy. No call of the REST API makes a field.

use std::path::Path;

use passerelle_core::connector::{Preparation, Prepare, State};
use passerelle_core::model::{Need, ResourceName};
use passerelle_core::{Error, ErrorKind, Result};

use super::documents::Documents;
use super::package::{self, FOLDER};
use super::schema::kind_of;
use super::wire::DescribedField;

/// Tells what the org lacks of `needs` and of the key field; `Create` writes a package that a person deploys.
pub(super) async fn prepare(
    documents: &Documents<'_>,
    needs: &[Need],
    how: Prepare,
    folder: &Path,
) -> Result<Vec<Preparation>> {
    let described = documents.calls.describe(documents.object).await?;
    let key = Need::key(&documents.rules.key, "Passerelle id");
    let (mut done, mut missing) = (Vec::new(), Vec::new());
    let others = needs.iter().filter(|need| need.kind != "key" && need.path != key.path);
    for need in [&key].into_iter().chain(others) {
        let first = need.path.split(['.', '[']).next().unwrap_or_default();
        if documents.kind.joined().contains(&first) || need.path.contains('.') {
            continue;
        }
        let (state, told) = match described.field(&need.path) {
            Some(present) => match unfit(need, present) {
                Some(told) => (State::Manual, told),
                None if !need.path.ends_with("__c") => continue,
                None => (State::There, format!("the field `{}` on {}", need.path, documents.object)),
            },
            None if need.path.ends_with("__c") => {
                missing.push(need);
                (State::Manual, told(documents.object, need, how))
            }
            None => {
                let what = "is missing on";
                let told =
                    format!("`{}` {what} {}, or not visible to the integration user", need.path, documents.object);
                (State::Manual, told)
            }
        };
        let thing = format!("{}.{}", documents.object, need.path);
        done.push(Preparation { path: need.path.clone(), thing, state, how: told });
    }
    if how == Prepare::Create && !missing.is_empty() {
        let cannot = |cause: std::io::Error| {
            Error::new(ErrorKind::Config, "cannot write the metadata package").at("folder", FOLDER).because(cause)
        };
        package::write(&folder.join(FOLDER), documents.object, &documents.calls.version, &missing).map_err(cannot)?;
    }
    Ok(done)
}

fn told(object: &str, need: &Need, how: Prepare) -> String {
    let kind = package::kind_of(need);
    let deploy = format!("sf project deploy start --metadata-dir {FOLDER}");
    match how {
        Prepare::Tell => format!(
            "create the field `{}` ({kind}) on {object}, visible to the integration user; `passerelle setup` \
             writes a package in `{FOLDER}` that creates it: {deploy}",
            need.path
        ),
        Prepare::Create => format!("`{}` ({kind}) on {object} is in the package: {deploy}", need.path),
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
