//! What config.toml may say, and what a person reads when it is wrong.

use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::*;
use crate::Result;
use crate::connector::{Connector, Plug, Resource, Tools};
use crate::error::Error;
use crate::http::Secret;

/// A vendor with two options.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Options {
    /// Token of the account.
    #[allow(dead_code, reason = "only its place in the schema matters here")]
    token: Secret,
    /// Secret of its webhooks.
    #[allow(dead_code, reason = "only its place in the schema matters here")]
    webhook_secret: Option<Secret>,
    /// How dates are written.
    #[allow(dead_code, reason = "only its place in the schema matters here")]
    dates: Option<Dates>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Dates {
    French,
    Iso,
}

impl Plug for Options {
    const NAME: &'static str = "acme";
    const ABOUT: &'static str = "Acme";

    fn resources() -> Vec<Resource> {
        Vec::new()
    }

    fn build(self, _: Tools) -> Result<Arc<dyn Connector>> {
        Err(Error::new(ErrorKind::Unsupported, "never built here"))
    }
}

const PLUGINS: &[Plugin] = &[Plugin::of::<Options>()];

const GOOD: &str = r#"
[systems.crm]
connector = "acme"
token = "${ACME_TOKEN}"
timeout = 5
[systems.erp]
connector = "acme"
token = "literal"
base_url = "https://${ERP_HOST}/api"
webhook_secret = "${ACME_TOKEN}"
dates = "french"
[flows.sales]
entity = "sale"
between = ["crm", "erp"]
every = "5m"
max_changes = 500
"#;

fn parse(text: &str) -> Result<Config, Vec<Diagnostic>> {
    Config::parse("config.toml", text, Path::new("."), PLUGINS)
}

/// Every finding as `line:column message; help`.
fn findings(text: &str) -> Vec<String> {
    let told = |finding: Diagnostic| {
        let help = finding.help.map(|help| format!("; {help}")).unwrap_or_default();
        format!("{}:{} {}{help}", finding.line, finding.column, finding.message)
    };
    parse(text).err().unwrap_or_default().into_iter().map(told).collect()
}

fn finds(text: &str, expected: &str) {
    let found = findings(text);
    assert!(found.iter().any(|finding| finding == expected), "{expected}\nis not among\n{found:#?}");
}

/// The good config with one line replaced.
fn with(line: &str, other: &str) -> String {
    assert!(GOOD.contains(line));
    GOOD.replacen(line, other, 1)
}

#[test]
fn a_good_config_is_read_with_its_defaults() {
    let config = parse(GOOD).unwrap();
    assert_eq!(config.state_folder(), Path::new("state"));
    assert_eq!(config.systems.keys().map(SystemName::as_str).collect::<Vec<_>>(), ["crm", "erp"]);
    let flow = &config.flows["sales"];
    assert_eq!(flow.every.unwrap().duration().as_secs(), 300);
    assert_eq!((flow.max_changes, flow.max_deletes_percent, flow.on_delete), (Some(500), 10, OnDelete::Keep));
    assert_eq!(config.systems["crm"].transport.timeout, Some(5.0));
    assert_eq!(config.systems["crm"].options.keys().collect::<Vec<_>>(), ["token"]);
}

#[test]
fn an_empty_config_is_good() {
    assert_eq!(findings(""), [""; 0]);
}

#[test]
fn every_finding_is_told_at_once_in_the_order_of_the_file() {
    let text =
        "[hub]\nmapings = \"m\"\nstate = 3\n[systems.crm]\nconnector = \"acm\"\n[flows.f]\nbetween = [\"crm\"]\n";
    assert_eq!(
        findings(text),
        [
            "2:1 unknown key `mapings`; did you mean `mappings`?",
            "3:9 expected a text in quotes, found a whole number",
            "5:13 there is no connector `acm`; did you mean `acme`?",
            "6:8 `entity` is missing; entity: The entity, as in `entity = \"...\"` of a mapping file.",
            "7:11 a flow keeps two or more systems in agreement",
        ]
    );
}

#[test]
fn a_wrong_key_or_value_is_pointed_at() {
    finds(&with("[systems.crm]", "[system.crm]"), "2:2 unknown key `system`; did you mean `systems`?");
    finds(&with("timeout = 5", "time_out = 5"), "5:1 unknown key `time_out`; did you mean `timeout`?");
    finds(&with("timeout = 5", "timeout = 0"), "5:11 `timeout` is between 0.1 and 3600");
    finds(
        &with("https://${ERP_HOST}/api", "ftp://erp"),
        "9:12 the address of the API must begin with https:// or http://",
    );
    finds(&with("timeout = 5", "timeout = \"5s\""), "5:11 expected a number, found a text in quotes");
    finds(
        &with("dates = \"french\"", "dates = \"frnch\""),
        "11:9 `frnch` is not one of the choices; did you mean `french`?",
    );
    finds(&with("token = \"literal\"", ""), "6:10 `token` is missing; token: Token of the account.");
    finds(
        &with("connector = \"acme\"\n", ""),
        "2:10 `crm` does not say what it speaks; add `connector = \"...\"`; `passerelle connectors` lists them",
    );
    finds(
        &with("every = \"5m\"", "every = \"5min\""),
        "15:9 `5min` is not a period; write a number and s, m, h or d, such as \"5m\"",
    );
    finds(
        &with("every = \"5m\"", "cron = \"* *\""),
        "15:8 `* *` is not a cron time; it takes five fields, such as \"*/5 * * * *\"",
    );
    finds(&with("every = \"5m\"", "every = \"5m\"\ncron = \"* * * * *\""), "16:1 say `every` or `cron`, not both");
    finds(
        &with("every = \"5m\"", "every = \"5m\"\ntime_zone = \"UTC\""),
        "16:1 `time_zone` is for `cron`, and there is none",
    );
    finds(
        &with("every = \"5m\"", "cron = \"* * * * *\"\ntime_zone = \"Europe/Pari\""),
        "16:13 `Europe/Pari` is not a time zone; such as \"Europe/Paris\"",
    );
    finds(&with("max_changes = 500", "max_changes = -1"), "16:15 -1 is less than 0");
    finds(&with("max_changes = 500", "max_deletes_percent = 101"), "16:23 101 is more than 100");
    finds(
        &with("max_changes = 500", "on_delete = \"reveiw\""),
        "16:13 `reveiw` is not one of the choices; did you mean `review`?",
    );
    finds(&with("[\"crm\", \"erp\"]", "[\"crm\", \"epr\"]"), "14:19 there is no system `epr`; did you mean `erp`?");
    finds(&with("[\"crm\", \"erp\"]", "[\"crm\", \"crm\"]"), "14:19 `crm` is named twice");
    finds(&with("[\"crm\", \"erp\"]", "\"crm\""), "14:11 expected a list in [ ], found a text in quotes");
}

#[test]
fn a_name_that_would_confuse_is_refused() {
    finds(&with("[systems.erp]", "[systems.\"e p\"]"), "6:10 a system's name takes letters, digits, _ and -");
    let latest = findings(&with("[systems.erp]", "[systems.latest]"));
    assert!(latest[0].starts_with("6:10 `latest` and `review` say in mappings"), "{latest:?}");
}

#[test]
fn a_public_address_that_is_none_is_refused() {
    finds(
        "[serve]\npublic_url = \"hub.example.com\"\n",
        "2:14 `hub.example.com` is not an address of the web; such as \"https://hub.example.com\", to which `/hooks/<system>` is added",
    );
}

#[test]
fn a_listen_address_without_a_port_is_refused() {
    finds(
        "[serve]\nlisten = \"localhost\"\n",
        "2:10 `localhost` is not an address and a port; such as \"127.0.0.1:8088\", or \"0.0.0.0:8088\" to listen on every interface",
    );
}

#[test]
fn a_syntax_error_is_pointed_at() {
    let found = findings("[hub\nstate = \"x\"\n");
    assert!(found[0].starts_with("1:"), "{found:?}");
    assert!(findings("a = 1\na = 2\n")[0].starts_with("2:1 duplicate key"));
}

#[test]
fn variables_are_replaced_when_they_are_needed() {
    let config = parse(GOOD).unwrap();
    let env = |name: &str| Some(format!("the {name}"));
    let crm = config.resolve(&"crm".into(), &env).unwrap();
    assert_eq!(crm.options, serde_json::json!({ "token": "the ACME_TOKEN" }));
    let erp = config.resolve(&"erp".into(), &env).unwrap();
    assert_eq!(erp.transport.base_url.as_deref(), Some("https://the ERP_HOST/api"));
    assert_eq!(erp.webhook_secret.as_ref().unwrap().reveal(), "the ACME_TOKEN");
    assert_eq!(erp.redact("refused: the ACME_TOKEN"), "refused: ${ACME_TOKEN}");
}

#[test]
fn every_missing_variable_is_named_with_the_key_where_it_stands() {
    let config = parse(GOOD).unwrap();
    let found = config.resolve(&"erp".into(), &|_| None).err().unwrap();
    let told: Vec<_> = found.iter().map(|finding| (finding.line, finding.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (10, "the environment variable ACME_TOKEN is not set; `systems.erp.webhook_secret` needs it"),
            (9, "the environment variable ERP_HOST is not set; `systems.erp.base_url` needs it"),
        ]
    );
}

#[test]
fn a_variable_that_cannot_be_one_or_stands_elsewhere_is_refused() {
    finds(
        &with("\"${ACME_TOKEN}\"", "\"${ACME_TOKEN\""),
        "4:9 `${` without its `}`; write `$${` for the characters themselves",
    );
    finds(&with("\"${ACME_TOKEN}\"", "\"${A-B}\""), "4:9 `${A-B}` names no environment variable");
    finds("[hub]\nstate = \"${S}\"\n", "2:9 `${VAR}` is replaced in systems and in `serve.admin_token` only");
    let config = parse(&with("\"literal\"", "\"$${ACME}\"").replace("${ERP_HOST}", "h").replace("webhook", "#webhook"));
    assert_eq!(config.unwrap().resolve(&"erp".into(), &|_| None).unwrap().options["token"], "${ACME}");
}

#[test]
fn a_connector_that_refuses_an_option_is_answered_at_its_key() {
    let config = parse(GOOD).unwrap();
    let error = Error::new(ErrorKind::Config, "the token is too short").at("option", "token");
    assert_eq!(config.refusal(&"erp".into(), &error).line, 8);
    let error = Error::new(ErrorKind::Config, "missing field `nothing`");
    assert_eq!(config.refusal(&"erp".into(), &error).line, 6);
}

#[test]
fn the_schema_names_the_connectors_and_their_options() {
    let schema = config_schema(PLUGINS);
    assert_eq!(schema.pointer("/$defs/SystemOptions/properties/connector/enum/0").unwrap(), "acme");
    assert_eq!(schema.pointer("/$defs/acme/properties/token/description").unwrap(), "Token of the account.");
    jsonschema::validator_for(&schema).unwrap();
}
