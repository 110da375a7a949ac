//! Options in config.toml; their comments are the manual.

use std::sync::Arc;

use passerelle_core::connector::{Connector, Plug, Resource, Tools};
use passerelle_core::http::{Api, Auth, Limits, OAuth, Secret};
use passerelle_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use super::HubSpot;
use super::calls::Calls;
use super::dialect::HubSpotDialect;
use super::feed::Margins;
use super::kind::{Asked, Kind};
use super::setup::Allowed;

/// The version of the API that the connector speaks: current until March 2027, supported until March 2028 [documented].
const VERSION: &str = "2026-09";
const ADDRESS: &str = "https://api.hubapi.com";

/// The lowest plan allows 100 calls in any 10 seconds [documented]: 20 at once and 8 a second stay below it.
const GENERAL: Limits = Limits { per_second: 8.0, burst: 20, concurrency: 4 };
/// 5 searches a second for the whole account [documented]; one is left to others.
const SEARCH: Limits = Limits { per_second: 4.0, burst: 4, concurrency: 2 };

/// Reads and writes the CRM objects of one HubSpot account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// A service key, or the token of a private app: in HubSpot, Settings, Integrations. Write `${HUBSPOT_TOKEN}` to
    /// take it from the environment.
    token: Option<Secret>,
    /// Client id of an OAuth app, instead of `token`.
    client_id: Option<String>,
    /// Client secret of the OAuth app.
    client_secret: Option<Secret>,
    /// Refresh token that the OAuth app was given when it was installed in the account: HubSpot answers with it, and
    /// with the first access token, when the app exchanges the code of the installation.
    refresh_token: Option<Secret>,
    /// Version of HubSpot's API, such as `2026-09` or `2026-03`.
    #[serde(default = "version")]
    version: String,
    /// Properties that `passerelle check --prepare` may create where they are missing; `*` at an end stands for
    /// anything. An empty list creates none: then make them by hand, `hub_external_id` with unique values.
    #[serde(default = "creatable")]
    create_properties: Vec<String>,
    /// Group that created properties are put into.
    #[serde(default = "group")]
    property_group: String,
    /// Client secret of the app that sends webhooks: it signs them. Service keys have no webhooks.
    webhook_secret: Option<Secret>,
    /// Address that HubSpot sends webhooks to, exactly as in the app's settings, for a hub behind a proxy that changes
    /// it. By default the address that the hub itself was called at.
    webhook_url: Option<String>,
    /// Seconds that HubSpot's search may lag behind; what is younger is read again by the next run.
    #[serde(default = "lag")]
    search_lag: u32,
    /// Seconds that a run reads again of what the last one read.
    #[serde(default = "overlap")]
    overlap: u32,
}

fn version() -> String {
    VERSION.to_owned()
}

fn creatable() -> Vec<String> {
    ["hub_external_id", "erp_*", "vat_rate"].map(str::to_owned).into()
}

fn group() -> String {
    "passerelle".to_owned()
}

fn lag() -> u32 {
    60
}

fn overlap() -> u32 {
    600
}

impl Plug for Config {
    const NAME: &'static str = "hubspot";
    const ABOUT: &'static str = "HubSpot CRM: companies, contacts, products, deals with their quotes";

    fn resources() -> Vec<Resource> {
        Kind::ALL.map(Kind::resource).into()
    }

    fn build(self, tools: Tools) -> Result<Arc<dyn Connector>> {
        let dated = self.version.len() == 7 && self.version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if !dated {
            let message = "`version` is a dated version of HubSpot's API, such as `2026-09`";
            return Err(Error::new(ErrorKind::Config, message).at("option", "version").at("value", &self.version));
        }
        let auth = self.auth(&tools)?;
        let mut for_search = tools.clone();
        let transport = &mut for_search.transport;
        transport.requests_per_second = transport.requests_per_second.map(|rate| rate.min(SEARCH.per_second));
        transport.burst = transport.burst.map(|burst| burst.min(SEARCH.burst));
        let asked = Kind::ALL.map(|kind| Asked::of(kind, &tools));
        let dialect = Arc::new(HubSpotDialect);
        let calls = Calls {
            search: Api::new(for_search, ADDRESS, auth.clone(), SEARCH, dialect.clone()),
            api: Api::new(tools, ADDRESS, auth, GENERAL, dialect),
            version: self.version,
        };
        Ok(Arc::new(HubSpot {
            calls,
            resources: Self::resources(),
            asked,
            margins: Margins { lag: i64::from(self.search_lag) * 1000, overlap: i64::from(self.overlap) * 1000 },
            allowed: Allowed { names: self.create_properties, group: self.property_group },
            webhook_secret: self.webhook_secret,
            webhook_url: self.webhook_url,
        }))
    }
}

impl Config {
    fn auth(&self, tools: &Tools) -> Result<Auth> {
        match (&self.token, &self.client_id, &self.client_secret, &self.refresh_token) {
            (Some(token), None, None, None) => Ok(Auth::Bearer(token.clone())),
            (None, Some(id), Some(secret), Some(refresh)) => {
                let base = tools.transport.base_url.as_deref().unwrap_or(ADDRESS).trim_end_matches('/');
                let address = format!("{base}/oauth/{}/token", self.version);
                let oauth = OAuth::refresh_token(&address, id, secret.clone(), refresh.clone());
                Ok(Auth::OAuth(oauth.secret_in_body()))
            }
            _ => Err(Error::new(
                ErrorKind::Config,
                "set `token`, or `client_id`, `client_secret` and `refresh_token` together",
            )
            .at("option", "token")),
        }
    }
}
