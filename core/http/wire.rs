//! The one door out of the machine.

use std::error::Error as _;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::{Body, Request, Response};
use crate::{Error, ErrorKind, Result};

/// Sends a request with an absolute address and gives back the answer, whatever its status.
#[async_trait]
pub trait Wire: Send + Sync + Debug {
    /// # Errors
    /// `Unavailable` when nothing was sent, `OutcomeUnknown` when it was sent and no whole answer came.
    async fn call(&self, request: Request) -> Result<Response>;
}

/// The real wire: HTTPS with the machine's root certificates, no redirects.
#[derive(Clone, Debug)]
pub struct HttpWire(reqwest::Client);

/// An answer larger than this is refused.
const LARGEST_ANSWER: usize = 64 << 20;

impl HttpWire {
    /// A wire whose calls end after `timeout`.
    ///
    /// # Errors
    /// `Config` when the machine's TLS roots cannot be read.
    pub fn new(timeout: Duration) -> Result<Self> {
        // Another part of the process may have chosen the provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("passerelle/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(Self)
            .map_err(|cause| Error::new(ErrorKind::Config, "cannot set up TLS").because(cause))
    }
}

#[async_trait]
impl Wire for HttpWire {
    async fn call(&self, request: Request) -> Result<Response> {
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|cause| Error::new(ErrorKind::Bug, "not an HTTP method").because(cause))?;
        let mut call = self.0.request(method, &request.path).query(&request.query);
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        call = match request.body {
            Body::Empty => call,
            Body::Json(body) => call.json(&body),
            Body::Form(pairs) => call.form(&pairs),
            Body::Bytes(bytes) => call.body(bytes),
        };
        let mut answer = call.send().await.map_err(lost)?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Error::new(ErrorKind::Bug, "the answer is larger than 64 MiB"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body })
    }
}

fn lost(cause: reqwest::Error) -> Error {
    let sent = !(cause.is_connect() || cause.is_builder() || cause.is_request() && cause.source().is_none());
    let reason = if cause.is_timeout() { "no answer in time" } else { "the connection failed" };
    let kind = if cause.is_builder() {
        ErrorKind::Config
    } else if sent {
        ErrorKind::OutcomeUnknown
    } else {
        ErrorKind::Unavailable
    };
    Error::new(kind, reason).because(cause.without_url())
}
