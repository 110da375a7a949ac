//! A metadata package: fields that a person deploys, and a permission set that makes them visible.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use passerelle_core::model::Need;

/// The folder of the package, below config.toml's.
pub(super) const FOLDER: &str = "salesforce-package";

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const NAMESPACE: &str = "xmlns=\"http://soap.sforce.com/2006/04/metadata\"";

/// The type of a field in metadata.
pub(super) fn kind_of(need: &Need) -> String {
    if let Some(other) = &need.refers {
        return format!("Lookup({other})");
    }
    let kind = match need.kind.as_str() {
        "key" => "Text(255), external id, unique",
        "money" => "Currency(16,2)",
        "decimal" => "Number(14,4)",
        "integer" => "Number(18,0)",
        "date" => "Date",
        "datetime" => "Date/Time",
        "boolean" => "Checkbox",
        "enum" if !need.options.is_empty() => "Picklist",
        "url" => "URL",
        _ => "Text(255)",
    };
    kind.to_owned()
}

/// What the package shall hold of an object.
#[derive(Debug)]
pub(super) struct Wanted<'w> {
    pub object: &'w str,
    /// The custom object itself is missing.
    pub is_new: bool,
    pub needs: &'w [&'w Need],
}

/// Adds an object's fields to the package; what is there already, by an earlier run or a person, stays as it is.
///
/// Gives the fields that the package holds otherwise than wanted.
///
/// # Errors
/// The disk's, and `InvalidData` for a file of the package that is no metadata any more.
pub(super) fn write(folder: &Path, version: &str, wanted: &Wanted<'_>) -> io::Result<BTreeSet<String>> {
    let Wanted { object, is_new, needs } = wanted;
    let mut others = BTreeSet::new();
    add(folder, &format!("objects/{object}.object"), "CustomObject", |text| {
        let mut text = text;
        if *is_new && !text.contains("<nameField>") {
            text = beside(&text, "fields", "CustomObject", &itself(object))?;
        }
        for need in *needs {
            match element(&text, "fields", &named("fullName", &need.path)) {
                Some(known) if squeezed(known) == squeezed(&field(object, need)) => {}
                Some(_) => _ = others.insert(need.path.clone()),
                None => text = beside(&text, "fields", "CustomObject", &field(object, need))?,
            }
        }
        Some(text)
    })?;
    let members: Vec<String> = needs.iter().map(|need| format!("{object}.{}", need.path)).collect();
    add(folder, "permissionsets/Passerelle.permissionset", "PermissionSet", |text| {
        let mut text = text;
        if !text.contains("<label>") {
            text = beside(&text, "label", "PermissionSet", "  <label>Passerelle</label>\n")?;
        }
        for member in &members {
            if element(&text, "fieldPermissions", &named("field", member)).is_none() {
                text = beside(&text, "fieldPermissions", "PermissionSet", &field_permission(member))?;
            }
        }
        if *is_new && element(&text, "objectPermissions", &named("object", object)).is_none() {
            text = beside(&text, "objectPermissions", "PermissionSet", &object_permission(object))?;
        }
        Some(text)
    })?;
    add(folder, "package.xml", "Package", |text| {
        let mut text = member(&text, "PermissionSet", "Passerelle")?;
        for one in &members {
            text = member(&text, "CustomField", one)?;
        }
        if *is_new {
            text = member(&text, "CustomObject", object)?;
        }
        if text.contains("<version>") {
            return Some(text);
        }
        beside(&text, "version", "Package", &format!("  <version>{version}</version>\n"))
    })?;
    Ok(others)
}

/// Changes a file of the package, or begins it.
fn add(folder: &Path, name: &str, root: &str, change: impl FnOnce(String) -> Option<String>) -> io::Result<()> {
    let path = folder.join(name);
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            format!("{HEAD}<{root} {NAMESPACE}>\n</{root}>\n")
        }
        Err(cause) => return Err(cause),
    };
    let no_metadata = || io::Error::new(io::ErrorKind::InvalidData, format!("{name} is no {root} of metadata"));
    let after = change(before.clone()).ok_or_else(no_metadata)?;
    if after == before {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, after)
}

/// A text with an element more, behind those of its name: Salesforce wants them side by side.
fn beside(text: &str, tag: &str, root: &str, element: &str) -> Option<String> {
    let last = format!("</{tag}>");
    let place = match text.rfind(&last) {
        Some(at) => at + last.len(),
        None => text.rfind(&format!("</{root}>"))?,
    };
    let (before, after) = text.split_at_checked(place)?;
    // A line of its own, unless more stands on the last one's.
    match after.split_once('\n').filter(|(end, _)| end.trim().is_empty()) {
        Some((end, rest)) => Some(format!("{before}{end}\n{element}{rest}")),
        None => Some(format!("{before}{element}{after}")),
    }
}

/// The element of this name that holds another one.
fn element<'t>(text: &'t str, tag: &str, holds: &str) -> Option<&'t str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let mut all = text.split(open.as_str()).skip(1).filter_map(|rest| rest.split(close.as_str()).next());
    all.find(|inner| inner.contains(holds))
}

fn named(tag: &str, value: &str) -> String {
    format!("<{tag}>{}</{tag}>", escaped(value))
}

/// What a field's element says, however it is set; its label is a matter of taste.
fn squeezed(element: &str) -> String {
    let inner = element.trim().trim_start_matches("<fields>").trim_end_matches("</fields>");
    let (before, rest) = inner.split_once("<label>").unwrap_or((inner, ""));
    let after = rest.split_once("</label>").map_or("", |(_, after)| after);
    before.split_whitespace().chain(after.split_whitespace()).collect()
}

/// A manifest that names a member more.
fn member(text: &str, kind: &str, member: &str) -> Option<String> {
    if element(text, "types", &named("name", kind)).is_some_and(|known| known.contains(&named("members", member))) {
        return Some(text.to_owned());
    }
    let (line, name) = (format!("    {}\n", named("members", member)), format!("    {}\n", named("name", kind)));
    match text.split_once(&name) {
        Some((before, after)) => Some(format!("{before}{line}{name}{after}")),
        None => beside(text, "types", "Package", &format!("  <types>\n{line}{name}  </types>\n")),
    }
}

/// What makes a custom object besides its fields.
fn itself(object: &str) -> String {
    let label = escaped(&spoken(object));
    format!(
        "  <deploymentStatus>Deployed</deploymentStatus>\n  <label>{label}</label>\n  <nameField><label>{label} Name\
         </label><type>Text</type></nameField>\n  <pluralLabel>{label}s</pluralLabel>\n  \
         <sharingModel>ReadWrite</sharingModel>\n"
    )
}

fn field(object: &str, need: &Need) -> String {
    let shape = match kind_of(need).as_str() {
        _ if need.refers.is_some() => lookup(object, need),
        "Text(255), external id, unique" => {
            "<externalId>true</externalId><length>255</length><type>Text</type><unique>true</unique>".to_owned()
        }
        "Currency(16,2)" => "<precision>18</precision><scale>2</scale><type>Currency</type>".to_owned(),
        "Number(14,4)" => "<precision>18</precision><scale>4</scale><type>Number</type>".to_owned(),
        "Number(18,0)" => "<precision>18</precision><scale>0</scale><type>Number</type>".to_owned(),
        "Date" => "<type>Date</type>".to_owned(),
        "Date/Time" => "<type>DateTime</type>".to_owned(),
        "Checkbox" => "<defaultValue>false</defaultValue><type>Checkbox</type>".to_owned(),
        "URL" => "<type>Url</type>".to_owned(),
        "Picklist" => picklist(&need.options),
        _ => "<length>255</length><type>Text</type>".to_owned(),
    };
    format!(
        "  <fields><fullName>{}</fullName><label>{}</label>{shape}</fields>\n",
        escaped(&need.path),
        escaped(&need.label)
    )
}

/// The relationship is called by both its ends, so that no other look-up of the parent bears its name.
fn lookup(object: &str, need: &Need) -> String {
    let plain = |name: &str| name.trim_end_matches("__c").replace("__", "_");
    let (label, name) = (escaped(&spoken(object)), format!("{}_{}", plain(object), plain(&need.path)));
    format!(
        "{}<relationshipLabel>{label}s</relationshipLabel>{}<type>Lookup</type>",
        need.refers.as_ref().map(|other| named("referenceTo", other.as_str())).unwrap_or_default(),
        named("relationshipName", &name),
    )
}

/// `ERP_Invoice__c` as `ERP Invoice`.
fn spoken(object: &str) -> String {
    object.trim_end_matches("__c").replace('_', " ").trim().to_owned()
}

fn picklist(options: &[String]) -> String {
    let value = |option: &String| {
        let option = escaped(option);
        format!("<value><fullName>{option}</fullName><default>false</default><label>{option}</label></value>")
    };
    let values: String = options.iter().map(value).collect();
    format!(
        "<type>Picklist</type><valueSet><restricted>true</restricted><valueSetDefinition><sorted>false</sorted>{values}\
         </valueSetDefinition></valueSet>"
    )
}

fn field_permission(member: &str) -> String {
    let field = named("field", member);
    format!("  <fieldPermissions><editable>true</editable>{field}<readable>true</readable></fieldPermissions>\n")
}

fn object_permission(object: &str) -> String {
    format!(
        "  <objectPermissions><allowCreate>true</allowCreate><allowDelete>true</allowDelete><allowEdit>true</allowEdit>\
         <allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords>{}<viewAllRecords>true</viewAllRecords>\
         </objectPermissions>\n",
        named("object", object)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(path: &str, kind: &str, options: &[&str]) -> Need {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Need { path: path.to_owned(), kind: kind.to_owned(), label: "What & why".to_owned(), options, refers: None }
    }

    fn put(folder: &Path, object: &str, is_new: bool, needs: &[&Need]) -> Vec<String> {
        write(folder, "66.0", &Wanted { object, is_new, needs }).unwrap().into_iter().collect()
    }

    fn read(folder: &Path, name: &str) -> String {
        fs::read_to_string(folder.join(name)).unwrap()
    }

    #[test]
    fn a_package_names_the_fields_of_every_object_that_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let status = need("ERP_Status__c", "enum", &["paid", "unpaid"]);
        put(folder.path(), "Opportunity", false, &[&need("Hub__c", "key", &[]), &status]);
        put(folder.path(), "Account", false, &[&need("Hub__c", "key", &[])]);
        let manifest = read(folder.path(), "package.xml");
        for member in ["Account.Hub__c", "Opportunity.ERP_Status__c", "Opportunity.Hub__c"] {
            assert!(manifest.contains(&format!("<members>{member}</members>")), "{manifest}");
        }
        let object = read(folder.path(), "objects/Opportunity.object");
        assert!(object.contains("<externalId>true</externalId>") && object.contains("<label>What &amp; why</label>"));
        assert!(object.contains("<fullName>paid</fullName>") && object.contains("<restricted>true</restricted>"));
        let permissions = read(folder.path(), "permissionsets/Passerelle.permissionset");
        assert!(permissions.contains("<field>Account.Hub__c</field>"));
    }

    #[test]
    fn two_resources_of_one_object_are_one_file_and_its_fields_stand_side_by_side() {
        let folder = tempfile::tempdir().unwrap();
        let (key, paid, due) = (need("Hub__c", "key", &[]), need("Paid__c", "money", &[]), need("Due__c", "date", &[]));
        put(folder.path(), "Opportunity", false, &[&key, &paid]);
        let before = read(folder.path(), "objects/Opportunity.object");
        assert_eq!(put(folder.path(), "Opportunity", false, &[&key, &due]), [""; 0]);
        let file = read(folder.path(), "objects/Opportunity.object");
        let expected = before.replace("</CustomObject>", &format!("{}</CustomObject>", field("Opportunity", &due)));
        assert_eq!(file, expected);
        assert_eq!(file.matches("<fullName>Hub__c</fullName>").count(), 1);
        let manifest = read(folder.path(), "package.xml");
        assert_eq!(
            manifest,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Package xmlns=\"http://soap.sforce.com/2006/04/metadata\">\n  \
             <types>\n    <members>Passerelle</members>\n    <name>PermissionSet</name>\n  </types>\n  <types>\n    \
             <members>Opportunity.Hub__c</members>\n    <members>Opportunity.Paid__c</members>\n    \
             <members>Opportunity.Due__c</members>\n    <name>CustomField</name>\n  </types>\n  \
             <version>66.0</version>\n</Package>\n"
        );
    }

    #[test]
    fn what_a_person_changed_stays_and_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (key, paid) = (need("Hub__c", "key", &[]), need("Paid__c", "money", &[]));
        put(folder.path(), "Opportunity", false, &[&paid]);
        let name = "objects/Opportunity.object";
        let mine = read(folder.path(), name).replace("<scale>2</scale>", "<scale>4</scale>");
        fs::write(folder.path().join(name), &mine).unwrap();
        assert_eq!(put(folder.path(), "Opportunity", false, &[&key, &paid]), ["Paid__c"]);
        assert_eq!(
            read(folder.path(), name),
            mine.replace("</Custom", &format!("{}</Custom", field("Opportunity", &key)))
        );
        fs::write(folder.path().join(name), "notes").unwrap();
        let told = write(folder.path(), "66.0", &Wanted { object: "Opportunity", is_new: false, needs: &[&key] });
        assert_eq!(told.unwrap_err().to_string(), "objects/Opportunity.object is no CustomObject of metadata");
        assert_eq!(read(folder.path(), name), "notes");
    }

    #[test]
    fn a_custom_object_that_is_missing_is_in_the_package_with_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let key = need("Hub__c", "key", &[]);
        let sale = Need { refers: Some("Opportunity".into()), ..need("Sale__c", "ref", &[]) };
        for _ in 0..2 {
            put(folder.path(), "ERP_Invoice__c", true, &[&key, &sale]);
        }
        let object = read(folder.path(), "objects/ERP_Invoice__c.object");
        for words in [
            "<label>ERP Invoice</label>",
            "<nameField><label>ERP Invoice Name</label><type>Text</type></nameField>",
            "<deploymentStatus>Deployed</deploymentStatus>",
            "<sharingModel>ReadWrite</sharingModel>",
            "<fullName>Hub__c</fullName>",
            "<referenceTo>Opportunity</referenceTo><relationshipLabel>ERP Invoices</relationshipLabel>\
             <relationshipName>ERP_Invoice_Sale</relationshipName><type>Lookup</type>",
        ] {
            assert_eq!(object.matches(words).count(), 1, "{words}: {object}");
        }
        let manifest = read(folder.path(), "package.xml");
        assert!(
            manifest.contains("    <members>ERP_Invoice__c</members>\n    <name>CustomObject</name>\n"),
            "{manifest}"
        );
        let permissions = read(folder.path(), "permissionsets/Passerelle.permissionset");
        assert_eq!(permissions.matches("<object>ERP_Invoice__c</object>").count(), 1, "{permissions}");
    }
}
