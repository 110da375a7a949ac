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
pub(super) fn kind_of(need: &Need) -> &'static str {
    match need.kind.as_str() {
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
    }
}

/// Writes the fields of one object into the package; those of other objects stay.
pub(super) fn write(folder: &Path, object: &str, version: &str, needs: &[&Need]) -> io::Result<()> {
    fs::create_dir_all(folder.join("objects"))?;
    fs::create_dir_all(folder.join("permissionsets"))?;
    fs::write(folder.join(format!("objects/{object}.object")), fields(needs))?;
    let manifest = folder.join("package.xml");
    let mut members: BTreeSet<String> = known(&fs::read_to_string(&manifest).unwrap_or_default());
    members.extend(needs.iter().map(|need| format!("{object}.{}", need.path)));
    fs::write(&manifest, package(&members, version))?;
    fs::write(folder.join("permissionsets/Passerelle.permissionset"), permissions(&members))
}

/// The fields that a manifest names.
fn known(manifest: &str) -> BTreeSet<String> {
    let members = manifest.split("<members>").skip(1).filter_map(|rest| rest.split("</members>").next());
    members.filter(|member| member.contains('.')).map(str::to_owned).collect()
}

fn package(members: &BTreeSet<String>, version: &str) -> String {
    let fields: String = members.iter().map(|member| format!("    <members>{}</members>\n", escaped(member))).collect();
    format!(
        "{HEAD}<Package {NAMESPACE}>\n  <types>\n{fields}    <name>CustomField</name>\n  </types>\n  <types>\n    \
         <members>Passerelle</members>\n    <name>PermissionSet</name>\n  </types>\n  <version>{version}</version>\n\
         </Package>\n"
    )
}

fn fields(needs: &[&Need]) -> String {
    let all: String = needs.iter().map(|need| field(need)).collect();
    format!("{HEAD}<CustomObject {NAMESPACE}>\n{all}</CustomObject>\n")
}

fn field(need: &Need) -> String {
    let shape = match kind_of(need) {
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

fn permissions(members: &BTreeSet<String>) -> String {
    let each = |member: &String| {
        let field = escaped(member);
        format!(
            "  <fieldPermissions><editable>true</editable><field>{field}</field><readable>true</readable></fieldPermissions>\n"
        )
    };
    let fields: String = members.iter().map(each).collect();
    format!("{HEAD}<PermissionSet {NAMESPACE}>\n{fields}  <label>Passerelle</label>\n</PermissionSet>\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(path: &str, kind: &str, options: &[&str]) -> Need {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Need { path: path.to_owned(), kind: kind.to_owned(), label: "What & why".to_owned(), options }
    }

    #[test]
    fn a_package_names_the_fields_of_every_object_that_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let status = need("ERP_Status__c", "enum", &["paid", "unpaid"]);
        write(folder.path(), "Opportunity", "66.0", &[&need("Hub__c", "key", &[]), &status]).unwrap();
        write(folder.path(), "Account", "66.0", &[&need("Hub__c", "key", &[])]).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let manifest = read("package.xml");
        for member in ["Account.Hub__c", "Opportunity.ERP_Status__c", "Opportunity.Hub__c"] {
            assert!(manifest.contains(&format!("<members>{member}</members>")), "{manifest}");
        }
        let object = read("objects/Opportunity.object");
        assert!(object.contains("<externalId>true</externalId>") && object.contains("<label>What &amp; why</label>"));
        assert!(object.contains("<fullName>paid</fullName>") && object.contains("<restricted>true</restricted>"));
        assert!(read("permissionsets/Passerelle.permissionset").contains("<field>Account.Hub__c</field>"));
    }
}
