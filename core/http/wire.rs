//! The one door out of the machine.

use std::error::Error as _;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, HeaderMap, HeaderValue};

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
        // One vendor answers with XML, or 406, to whoever does not ask for JSON.
        let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        reqwest::Client::builder()
            .default_headers(accept)
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
            // Some servers insist on a length where there may be a body.
            Body::Empty if matches!(request.method, "POST" | "PUT" | "PATCH") => call.header(CONTENT_LENGTH, 0),
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn wire() -> HttpWire {
        HttpWire::new(Duration::from_secs(20)).unwrap()
    }

    /// Answers one connection with `bytes`, then closes it.
    async fn answering(bytes: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            stream.write_all(bytes.as_bytes()).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn nothing_was_sent_to_a_port_where_nobody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        assert_eq!(wire().call(Request::get(address)).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn half_an_answer_is_an_unknown_outcome() {
        for half in ["", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"a\""] {
            let address = answering(half).await;
            let error = wire().call(Request::get(address)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{half:?}");
        }
    }

    #[tokio::test]
    async fn a_call_asks_for_json_and_one_without_a_body_says_so() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            stream.write_all(b"HTTP/1.1 304 Not Modified\r\n\r\n").await.unwrap();
            String::from_utf8_lossy(&head[..length]).to_lowercase()
        });
        assert_eq!(wire().call(Request::new("POST", address)).await.unwrap().status, 304);
        let head = served.await.unwrap();
        assert!(head.contains("accept: application/json\r\n") && head.contains("content-length: 0\r\n"), "{head}");
        assert!(!head.contains("content-type"), "{head}");
    }

    #[tokio::test]
    async fn a_redirect_is_given_back_and_not_followed() {
        let away = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        let answer = wire().call(Request::get(answering(away).await)).await.unwrap();
        assert_eq!((answer.status, answer.header("location")), (302, Some("http://127.0.0.1:1/")));
    }

    #[tokio::test]
    async fn a_key_that_cannot_be_a_header_is_a_config_error_that_does_not_show_it() {
        let request = Request::get("http://127.0.0.1:1/").header("X-Key", "s3cret\n");
        let error = wire().call(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
