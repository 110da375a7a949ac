//! Who may call: the grants of OAuth, and sessions that die of not being used.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use passerelle_core::http::{Body, Request, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::org::{INTEGRATION, ORGANIZATION};
use super::refusal::Refusal;

/// The external client app.
pub(super) const CLIENT: &str = "salesforce-demo-client";
/// Its secret.
pub(super) const SECRET: &str = "salesforce-demo-secret";
/// The refresh token of a user who let it in.
pub(super) const REFRESH: &str = "5Aep861-salesforce-demo-refresh";
/// A session that somebody opened by hand and keeps open.
pub(super) const SESSION: &str = "00D5g000004XyZq!AQEAQ.demo.session";

/// Sessions, and the codes of a login under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    used: BTreeMap<String, Timestamp>,
    codes: BTreeMap<String, String>,
    minted: u64,
    /// The refresh token that is good now.
    refresh: Option<String>,
    /// Whether each refresh gives a new refresh token.
    pub rotates: bool,
}

impl Tokens {
    /// Lets a request in, or answers 401.
    pub(super) fn check(&mut self, request: &Request, now: Timestamp, idle: SignedDuration) -> Result<(), Refusal> {
        let denied = || Refusal::new(401, "INVALID_SESSION_ID", "Session expired or invalid");
        let header = request.header_value("authorization").unwrap_or_default();
        let token = header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("OAuth "));
        let token = token.ok_or_else(|| Refusal::new(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"))?;
        if token == SESSION {
            return Ok(());
        }
        let used = self.used.get_mut(token).ok_or_else(denied)?;
        if now.duration_since(*used) > idle {
            self.used.remove(token);
            return Err(denied());
        }
        *used = now;
        Ok(())
    }

    /// Ends every session, as an administrator does.
    pub(super) fn revoke_all(&mut self) {
        self.used.clear();
    }

    /// Answers `/services/oauth2/...`; `base` is where the caller found this org.
    pub(super) fn answer(&mut self, request: &Request, rest: &[&str], base: &str, now: Timestamp) -> Response {
        match (request.method, rest) {
            ("POST", ["token"]) => self.token(request, base, now),
            ("POST" | "GET", ["revoke"]) => {
                if let Some(token) = field(request, "token") {
                    self.used.remove(&token);
                }
                Response::empty(200)
            }
            ("GET", ["authorize"]) => self.authorize(request),
            ("GET" | "POST", ["userinfo"]) => match self.check(request, now, SignedDuration::from_hours(24)) {
                Ok(()) => Response::json(
                    200,
                    &json!({
                        "user_id": INTEGRATION, "organization_id": ORGANIZATION, "active": true,
                        "preferred_username": "integration@vauclin.example", "name": "integration",
                    }),
                ),
                Err(_) => Response::text(403, "text/plain", "Bad_OAuth_Token"),
            },
            _ => Response::empty(404),
        }
    }

    fn authorize(&mut self, request: &Request) -> Response {
        let param = |name: &str| {
            request.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        self.minted += 1;
        let code = format!("aPrx.demo.{}", self.minted);
        self.codes.insert(code.clone(), param("code_challenge"));
        let target = param("redirect_uri");
        let sign = if target.contains('?') { '&' } else { '?' };
        Response::empty(302).with_header("Location", format!("{target}{sign}code={code}&state={}", param("state")))
    }

    fn token(&mut self, request: &Request, base: &str, now: Timestamp) -> Response {
        let given = |name: &str| field(request, name).unwrap_or_default();
        let (id, secret) = basic(request).unwrap_or_else(|| (given("client_id"), given("client_secret")));
        let is_app = id == CLIENT && secret == SECRET;
        let granted = match given("grant_type").as_str() {
            "client_credentials" if is_app => None,
            "client_credentials" => Some(("invalid_client", "invalid client credentials")),
            "refresh_token" if id != CLIENT || !(secret.is_empty() || secret == SECRET) => {
                Some(("invalid_client_id", "client identifier invalid"))
            }
            "refresh_token" if given("refresh_token") == self.refresh.as_deref().unwrap_or(REFRESH) => None,
            "refresh_token" => Some(("invalid_grant", "expired access/refresh token")),
            "authorization_code" => {
                let challenge = self.codes.remove(&given("code"));
                let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(given("code_verifier").as_bytes()));
                match challenge {
                    Some(challenge) if challenge.is_empty() || challenge == verifier => None,
                    Some(_) => Some(("invalid_grant", "invalid code verifier")),
                    None => Some(("invalid_grant", "expired authorization code")),
                }
            }
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => asserted(&given("assertion"), now),
            "password" if is_app => None,
            _ => Some(("unsupported_grant_type", "grant type not supported")),
        };
        if let Some((error, description)) = granted {
            return Response::json(400, &json!({"error": error, "error_description": description}));
        }
        self.minted += 1;
        let token = format!("00D5g000004XyZq!AQEAQ.demo.{:06}", self.minted);
        self.used.insert(token.clone(), now);
        let mut body = json!({
            "access_token": token, "signature": "c2lnbmVk", "scope": "api", "instance_url": base,
            "id": format!("https://login.salesforce.com/id/{ORGANIZATION}/{INTEGRATION}"), "token_type": "Bearer",
            "issued_at": now.as_millisecond().to_string(),
        });
        let grant = given("grant_type");
        if grant == "authorization_code" {
            body["refresh_token"] = json!(self.refresh.as_deref().unwrap_or(REFRESH));
        }
        if grant == "refresh_token" && self.rotates {
            let new = format!("{REFRESH}-{}", self.minted);
            body["refresh_token"] = json!(new);
            self.refresh = Some(new);
        }
        Response::json(200, &body)
    }
}

/// What is wrong with the claims of a JWT; its signature is not looked at: this org knows no certificate.
fn asserted(assertion: &str, now: Timestamp) -> Option<(&'static str, &'static str)> {
    let refused = |why| Some(("invalid_grant", why));
    let mut parts = assertion.split('.');
    let mut part = || -> Option<Value> {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next()?.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let (Some(header), Some(claims)) = (part(), part()) else { return refused("invalid assertion") };
    let expires = claims["exp"].as_i64().or_else(|| claims["exp"].as_str()?.parse().ok());
    let left = expires.map(|expires| expires - now.as_second());
    let audience = claims["aud"].as_str().unwrap_or_default();
    match left {
        _ if header["alg"] != "RS256" || parts.next().is_none_or(str::is_empty) => refused("invalid assertion"),
        _ if claims["iss"] != CLIENT => Some(("invalid_client_id", "client identifier invalid")),
        _ if claims["sub"].as_str().is_none_or(str::is_empty) => refused("user hasn't approved this consumer"),
        _ if !audience.starts_with("http") => refused("audience is invalid"),
        Some(1..=180) => None,
        _ => refused("invalid assertion"),
    }
}

fn field(request: &Request, name: &str) -> Option<String> {
    let Body::Form(form) = &request.body else { return None };
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn basic(request: &Request) -> Option<(String, String)> {
    let encoded = request.header_value("authorization")?.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    // Id and secret are form-encoded before they are joined [RFC 6749, 2.3.1].
    let plain =
        |part: &str| url::form_urlencoded::parse(format!("={part}").as_bytes()).map(|(_, v)| v.into_owned()).collect();
    Some((plain(id), plain(secret)))
}
