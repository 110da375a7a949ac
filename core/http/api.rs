//! A vendor's API: base address, credentials, limits, retries.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::gate::Gate;
use super::oauth::OAuth;
use super::retry::{Failure, PATIENCE, Reached, Retries};
use super::retry_after::retry_after;
use super::transport::address;
use super::{Dialect, Limits, Repeat, Request, Response, Secret};
use crate::clock::Timestamp;
use crate::connector::Tools;
use crate::{Error, ErrorKind, Result};

/// How requests are authorised.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Not at all.
    None,
    /// `Authorization: Bearer <secret>`.
    Bearer(Secret),
    /// A header of the vendor's own.
    Header(&'static str, Secret),
    /// `Authorization: Bearer <token>`, with a token that is renewed when it must be.
    OAuth(OAuth),
}

/// A vendor's API; clones share limits, tokens and counts.
///
/// What a call may meet, and what becomes of it:
/// - 429: the gate shuts for everybody for as long as the vendor asks, then the call is repeated;
/// - never sent: repeated;
/// - sent, and refused as unavailable or never answered: repeated where that is harmless, else `OutcomeUnknown`;
/// - 401 with OAuth: once more with a new token.
///
/// Repeats end after ten attempts or two minutes of waiting, ten seconds where nothing could be sent, with the last
/// error. They are told on stderr, except those that a vendor's limit asks for.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    tools: Tools,
    base: String,
    auth: Auth,
    dialect: Arc<dyn Dialect>,
    gate: Gate,
    calls: AtomicU64,
    seed: u64,
}

/// A failed attempt.
struct Missed {
    error: Error,
    reached: Reached,
    /// Whether a new token may cure it.
    expired: bool,
}

impl Api {
    /// The API at config.toml's `base_url`, else at `base`.
    ///
    /// Options are checked when a plugin builds its connector; an address that is none fails each call with `Config`.
    pub fn new(tools: Tools, base: &str, auth: Auth, limits: Limits, dialect: Arc<dyn Dialect>) -> Self {
        let base = tools.transport.base_url.clone().unwrap_or_else(|| base.to_owned());
        let gate = Gate::new(tools.transport.limits(limits), tools.clock.clone());
        // Hubs that start together spread their retries; a test with a clock of its own repeats itself.
        let seed = xxhash_rust::xxh3::xxh3_64_with_seed(base.as_bytes(), tools.clock.now().as_nanosecond() as u64);
        Self(Arc::new(Inner { tools, base, auth, dialect, gate, calls: AtomicU64::new(0), seed }))
    }

    /// What the connector was given to work with.
    pub fn tools(&self) -> &Tools {
        &self.0.tools
    }

    /// The present instant, for a vendor whose documents depend on it.
    pub fn now(&self) -> Timestamp {
        self.0.tools.clock.now()
    }

    /// How many requests left for the vendor, repeated ones included.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// How long a call may wait in all before its last error is given back.
    pub fn patience(&self) -> Duration {
        PATIENCE
    }

    /// Makes a call and gives back an answer that the dialect accepted.
    ///
    /// # Errors
    /// The dialect's, or the wire's, after the repeats that the request's [`Repeat`] allows.
    pub async fn call(&self, request: Request) -> Result<Response> {
        let mut retries = Retries::seeded(self.0.seed.wrapping_add(self.calls()));
        loop {
            let Missed { error, reached, .. } = match self.attempt(&request).await {
                Ok(response) => return Ok(response),
                Err(missed) => missed,
            };
            let failure = Failure::of(error.kind(), reached);
            let may_repeat = match failure {
                Failure::Refused | Failure::Unsent => true,
                Failure::Sent => request.repeat == Repeat::Harmless,
                Failure::Final => false,
            };
            if !may_repeat {
                return Err(if failure == Failure::Sent { error.with_kind(ErrorKind::OutcomeUnknown) } else { error });
            }
            let asked = error.wait();
            let wait = retries.next_wait(failure, asked);
            if failure == Failure::Refused {
                self.0.gate.shut(wait.or(asked).unwrap_or_default());
            }
            let Some(wait) = wait else { return Err(given_up(error, retries.attempts())) };
            if failure == Failure::Refused {
                tracing::debug!(method = request.method, path = request.path, %error, ?wait, "repeating a call");
            } else {
                tracing::warn!("{}: {error}; trying again in {:.1} s", self.0.base, wait.as_secs_f64());
            }
            if failure != Failure::Refused {
                self.0.tools.clock.sleep(wait).await;
            }
        }
    }

    /// One attempt, or two where an OAuth token had expired.
    async fn attempt(&self, request: &Request) -> Result<Response, Missed> {
        let oauth = match &self.0.auth {
            Auth::None => return self.send(request, None, None).await,
            Auth::Bearer(secret) => return self.send(request, Some(bearer(secret)), None).await,
            Auth::Header(name, secret) => {
                return self.send(request, Some(((*name).to_owned(), secret.reveal().to_owned())), None).await;
            }
            Auth::OAuth(oauth) => oauth,
        };
        let pass = oauth.pass(&self.0.tools).await.map_err(unsent)?;
        match self.send(request, Some(bearer(&pass.token)), pass.base.as_deref()).await {
            Err(Missed { expired: true, .. }) => {}
            answer => return answer,
        }
        oauth.forget(&pass.token).await;
        let pass = oauth.pass(&self.0.tools).await.map_err(unsent)?;
        self.send(request, Some(bearer(&pass.token)), pass.base.as_deref()).await
    }

    /// Sends a request below `base`, which a vendor told with its token, else below the configured address.
    async fn send(
        &self,
        request: &Request,
        credentials: Option<(String, String)>,
        base: Option<&str>,
    ) -> Result<Response, Missed> {
        let inner = &self.0;
        let path = within(base.unwrap_or(&inner.base), &request.path).map_err(unsent)?;
        let mut sent = Request { path, ..request.clone() };
        sent.headers.extend(credentials);
        let place = inner.gate.enter(PATIENCE).await.map_err(unsent)?;
        inner.calls.fetch_add(1, Ordering::Relaxed);
        let answer = inner.tools.wire.call(sent).await;
        drop(place);
        let response = answer.map_err(|error| match error.kind() {
            ErrorKind::OutcomeUnknown => Missed { error, reached: Reached::Perhaps, expired: false },
            _ => unsent(error),
        })?;
        tracing::debug!(method = request.method, path = request.path, status = response.status, "called");
        if let Some(pace) = inner.dialect.pace(&response) {
            inner.gate.shut(pace.spacing());
        }
        let now = self.now();
        let Err(error) = inner.dialect.judge(request, &response, now) else { return Ok(response) };
        let asked = error.wait().or_else(|| retry_after(&response, now));
        let error = match asked {
            Some(wait) if error.is_retryable() => error.retry_after(wait),
            _ => error,
        };
        Err(Missed { error, reached: Reached::Perhaps, expired: inner.dialect.is_expired(&response) })
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("base", &self.0.base).field("calls", &self.calls()).finish_non_exhaustive()
    }
}

fn bearer(secret: &Secret) -> (String, String) {
    ("Authorization".to_owned(), format!("Bearer {}", secret.reveal()))
}

fn unsent(error: Error) -> Missed {
    Missed { error, reached: Reached::No, expired: false }
}

/// The last error of a call that is not repeated again.
fn given_up(error: Error, attempts: u32) -> Error {
    // Only harmless calls come here unanswered, and of those nothing needs to be looked for.
    let kind = if error.kind() == ErrorKind::OutcomeUnknown { ErrorKind::Unavailable } else { error.kind() };
    error.with_kind(kind).at("attempts", attempts)
}

/// The absolute address of `path`, which may be a link of the vendor's that begins with the base address.
fn within(base: &str, path: &str) -> Result<String> {
    let base = address(base).map_err(|error| error.at("option", "base_url"))?;
    let below = match path.strip_prefix(base.as_str()) {
        Some(below) if below.is_empty() || below.starts_with(['/', '?']) => below,
        _ => path,
    };
    // An id from elsewhere must not lead a call, and its credentials, to another host or route.
    let route = below.split(['?', '#']).next().unwrap_or("").to_ascii_lowercase().replace("%2e", ".");
    let elsewhere = below.contains("://") && !below.starts_with(['/', '?']);
    let leaves = elsewhere || route.split(['/', '\\']).any(|part| part == "..");
    if leaves {
        return Err(Error::new(ErrorKind::Bug, "a call may not leave the configured address").at("path", path));
    }
    let slash = if below.is_empty() || below.starts_with(['/', '?']) { "" } else { "/" };
    Ok(format!("{base}{slash}{below}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_stays_below_the_configured_address() {
        let base = "https://erp.example.com/api/";
        for path in ["/orders?x=..", "orders?x=..", "https://erp.example.com/api/orders?x=.."] {
            assert_eq!(within(base, path).unwrap(), "https://erp.example.com/api/orders?x=..", "{path}");
        }
        assert_eq!(within(base, "").unwrap(), "https://erp.example.com/api");
        for path in [
            "https://evil.example/api/orders",
            "https://erp.example.com/apix",
            "/orders/../../admin",
            "/a/%2E%2e/b",
            "/a\\..\\b",
        ] {
            assert_eq!(within(base, path).unwrap_err().kind(), ErrorKind::Bug, "{path}");
        }
        assert_eq!(within("", "/orders").unwrap_err().kind(), ErrorKind::Config);
    }
}
