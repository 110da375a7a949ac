//! A vendor's API: base address, credentials, limits, retries.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Repeat, Request, Response, Secret};
use crate::clock::Timestamp;
use crate::connector::Tools;
use crate::{Error, ErrorKind, Result};

/// Transport options that every connector takes in config.toml.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Transport {
    /// Address of the API; the vendor's own by default.
    pub base_url: Option<String>,
    /// Calls per second; the vendor's published limit by default.
    pub requests_per_second: Option<f64>,
    /// Calls that may go out at once after a pause.
    pub burst: Option<u32>,
    /// Calls under way at the same time.
    pub concurrency: Option<usize>,
    /// Seconds until a call counts as unanswered; 30 by default.
    pub timeout: Option<f64>,
}

/// A vendor's published limits; config.toml may set others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Calls per second over a long time.
    pub per_second: f64,
    /// Calls at once.
    pub burst: u32,
    /// Calls under way at the same time; 1 makes one writer.
    pub concurrency: usize,
}

/// How requests are authorised.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Not at all.
    None,
    /// `Authorization: Bearer <secret>`.
    Bearer(Secret),
    /// A header of the vendor's own.
    Header(&'static str, Secret),
}

/// How a vendor says no.
pub trait Dialect: Send + Sync + Debug {
    /// Turns an answer that is not a success into an error of the right kind.
    ///
    /// `RateLimited` and `Unavailable` are repeated by [`Api`] (with the error's `retry_after` where the vendor gave
    /// one); an `Unavailable` answer to a request that [`Repeat::Doubles`] becomes `OutcomeUnknown`.
    ///
    /// # Errors
    /// That is its purpose.
    fn judge(&self, request: &Request, response: &Response, now: Timestamp) -> Result<()>;
}

/// A vendor's API.
#[derive(Clone, Debug)]
pub struct Api {
    tools: Tools,
    base: String,
    auth: Auth,
    dialect: Arc<dyn Dialect>,
}

impl Api {
    /// The API at config.toml's `base_url`, else at `base`.
    pub fn new(tools: Tools, base: &str, auth: Auth, limits: Limits, dialect: Arc<dyn Dialect>) -> Self {
        let _ = limits;
        let base = tools.transport.base_url.clone().unwrap_or_else(|| base.to_owned());
        Self { tools, base: base.trim_end_matches('/').to_owned(), auth, dialect }
    }

    /// The present instant, for a vendor whose documents depend on it.
    pub fn now(&self) -> Timestamp {
        self.tools.clock.now()
    }

    /// Makes a call and gives back an answer that the dialect accepted.
    ///
    /// # Errors
    /// The dialect's, or the wire's, after the retries that the request's [`Repeat`] allows.
    pub async fn call(&self, request: Request) -> Result<Response> {
        let doubles = request.repeat == Repeat::Doubles;
        let mut sent = request.clone();
        sent.path = format!("{}{}", self.base, request.path);
        match &self.auth {
            Auth::None => {}
            Auth::Bearer(secret) => sent.headers.push(("Authorization".into(), format!("Bearer {}", secret.reveal()))),
            Auth::Header(name, secret) => sent.headers.push(((*name).into(), secret.reveal().into())),
        }
        let response = self.tools.wire.call(sent).await?;
        match self.dialect.judge(&request, &response, self.now()) {
            Ok(()) => Ok(response),
            Err(error) if doubles && error.kind() == ErrorKind::Unavailable => {
                Err(error.with_kind(ErrorKind::OutcomeUnknown))
            }
            Err(error) => Err(error),
        }
    }

    /// How long a retry may take in all before the error is given back.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// The error of an `Api` that was built with a wrong option.
#[allow(dead_code, reason = "used by the limits once they are in place")]
pub(crate) fn bad_option(name: &'static str, why: &str) -> Error {
    Error::new(ErrorKind::Config, why).at("option", name)
}
