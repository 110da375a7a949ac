//! Options in config.toml; their comments are the manual.

use std::collections::BTreeMap;
use std::sync::Arc;

use passerelle_core::connector::{Connector, Plug, Resource, Tools};
use passerelle_core::http::{Api, Auth, Limits, OAuth, Secret};
use passerelle_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Salesforce;
use super::assertion;
use super::calls::Calls;
use super::dialect::SalesforceDialect;
use super::documents::Rules;
use super::feed::Margins;
use super::ingest::Jobs;
use super::kind::{self, Asked};

/// The version that the connector speaks where nothing else is said; each lives for three years and more [documented].
const VERSION: &str = "66.0";

/// There is no limit of short calls per second [documented]; these keep one hub from crowding out the org's people.
const GENERAL: Limits = Limits { per_second: 20.0, burst: 25, concurrency: 5 };

/// Reads and writes the records of one Salesforce org. Set `base_url` to its My Domain address, such as
/// `https://acme.my.salesforce.com`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Consumer key of the external client app: in Setup, External Client App Manager, the app's settings, OAuth. Write
    /// `${SALESFORCE_CLIENT_ID}` to take it from the environment.
    client_id: Secret,
    /// Consumer secret of the app, for the client credentials flow, whose "Run As" user the hub then is. Write
    /// `${SALESFORCE_CLIENT_SECRET}` to take it from the environment.
    client_secret: Option<Secret>,
    /// Refresh token of a user who let the app in, instead of the client credentials flow.
    refresh_token: Option<Secret>,
    /// Username that the hub signs in as by a signed token (JWT bearer flow), together with `private_key`.
    username: Option<String>,
    /// Private key (PEM) whose certificate the app was given.
    private_key: Option<Secret>,
    /// Where tokens are asked for, such as `https://login.salesforce.com` or `https://test.salesforce.com`. By default
    /// `base_url`; the client credentials flow works there alone.
    login_url: Option<String>,
    /// Version of the API, such as `66.0`.
    #[serde(default = "version")]
    version: String,
    /// External id field, unique, that holds the hub's key on every object that the hub creates records of.
    #[serde(default = "key_field")]
    key_field: String,
    /// Other objects that mappings may name as a resource, such as `["Invoice__c"]`.
    #[serde(default)]
    objects: Vec<String>,
    /// Id of the price book that product prices are read from and written to. By default the standard one.
    price_book: Option<String>,
    /// Currency that product prices are read and written in, such as `EUR`, in an org with several. Set it to the company's.
    currency: Option<String>,
    /// Values of a quote's `Status` that mean that the customer accepted it.
    #[serde(default = "accepted")]
    accepted_statuses: Vec<String>,
    /// Seconds that a run reads again of what the last one read: a transaction may show its rows that late.
    #[serde(default = "overlap")]
    overlap: u32,
    /// A first read of more rows than this is a bulk job; 0 makes none.
    #[serde(default = "bulk_above")]
    bulk_above: u32,
    /// A write of more rows than this is a bulk job, in fewer calls; 0 makes none. A write has as many rows as are read
    /// at once elsewhere: 2,000 of a spreadsheet, 100 of most APIs.
    #[serde(default = "bulk_writes_above")]
    bulk_writes_above: u32,
    /// Minutes that a bulk job may take. Then it is aborted, and its rows are read or written without it.
    #[serde(default = "bulk_minutes")]
    bulk_minutes: u32,
    /// Percent of the daily quota of API calls that only updates, such as a payment's, may use.
    #[serde(default = "reserve")]
    daily_reserve: u8,
    /// Id of the org, such as `00D5g000004XyZqEAK`: outbound messages of another org are refused.
    organization_id: Option<String>,
    /// What the address of outbound messages ends with, as `?secret=...`: make it long and random.
    webhook_secret: Option<Secret>,
}

fn version() -> String {
    VERSION.to_owned()
}

fn key_field() -> String {
    "Hub_External_Id__c".to_owned()
}

fn accepted() -> Vec<String> {
    vec!["Accepted".to_owned()]
}

fn overlap() -> u32 {
    600
}

fn bulk_above() -> u32 {
    20_000
}

fn bulk_writes_above() -> u32 {
    1000
}

fn bulk_minutes() -> u32 {
    10
}

fn reserve() -> u8 {
    10
}

impl Plug for Config {
    const NAME: &'static str = "salesforce";
    const ABOUT: &'static str = "Salesforce: accounts, contacts, products with prices, opportunities with their quotes";

    fn resources() -> Vec<Resource> {
        kind::resources()
    }

    fn build(self, tools: Tools) -> Result<Arc<dyn Connector>> {
        let numbers = self.version.strip_suffix(".0").and_then(|number| number.parse::<u32>().ok());
        if numbers.is_none() {
            let message = "`version` is a version of Salesforce's API, such as `66.0`";
            return Err(Error::new(ErrorKind::Config, message).at("option", "version").at("value", &self.version));
        }
        let Some(base) = tools.transport.base_url.clone() else {
            let message = "set `base_url` to the org's My Domain address, such as `https://acme.my.salesforce.com`";
            return Err(Error::new(ErrorKind::Config, message).at("option", "base_url"));
        };
        let auth = Auth::OAuth(self.oauth(base.trim_end_matches('/'))?);
        let resources = kind::resources_with(&self.objects);
        let jobs = Jobs { above: self.bulk_writes_above as usize, patience: 60 * i64::from(self.bulk_minutes) };
        let asked = |resource: &Resource| {
            let name = resource.name.as_str().to_owned();
            let asked = Asked::of(&name, &self.key_field, &tools);
            (name, asked)
        };
        let asked: BTreeMap<String, Asked> = resources.iter().map(asked).collect();
        let folder = tools.folder.clone();
        let dialect = Arc::new(SalesforceDialect::default());
        let calls = Calls {
            api: Api::new(tools, &base, auth, GENERAL, dialect.clone()),
            version: self.version,
            dialect,
            reserve: u64::from(self.daily_reserve),
            described: Arc::default(),
        };
        Ok(Arc::new(Salesforce {
            calls,
            resources,
            asked,
            rules: Rules {
                key: self.key_field,
                book: self.price_book,
                currency: self.currency,
                accepted: self.accepted_statuses,
                jobs,
            },
            margins: Margins { overlap: i64::from(self.overlap), bulk_above: self.bulk_above as usize },
            folder,
            organization: self.organization_id,
            webhook_secret: self.webhook_secret,
        }))
    }
}

impl Config {
    fn oauth(&self, base: &str) -> Result<OAuth> {
        let login = self.login_url.as_deref().unwrap_or(base).trim_end_matches('/');
        let token_url = format!("{login}/services/oauth2/token");
        match (&self.client_secret, &self.refresh_token, &self.username, &self.private_key) {
            (Some(secret), None, None, None) => {
                Ok(OAuth::client_credentials(&token_url, self.client_id.reveal(), secret.clone()))
            }
            (secret, Some(refresh), None, None) => {
                let none = || Secret::new("");
                let known = secret.clone().unwrap_or_else(none);
                let oauth = OAuth::refresh_token(&token_url, self.client_id.reveal(), known, refresh.clone());
                Ok(if secret.is_some() { oauth.secret_in_body() } else { oauth.secret_in_body().without_secret() })
            }
            (None, None, Some(username), Some(key)) => {
                let audience = assertion::audience(self.login_url.as_deref(), base);
                let signing = assertion::signing(self.client_id.reveal(), username, audience, key)?;
                Ok(OAuth::jwt_bearer(&token_url, self.client_id.reveal(), signing))
            }
            _ => Err(Error::new(
                ErrorKind::Config,
                "set `client_secret`, or `refresh_token`, or `username` and `private_key` together",
            )
            .at("option", "client_secret")),
        }
    }
}
