//! Who may call: bearer tokens, their scopes, and the token endpoint of OAuth.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use passerelle_core::http::{Body, Request, Response};
use serde_json::json;

use super::kind::Kind;
use super::refusal::{Refusal, Reply};
use super::settings::Settings;

/// The token that always works.
pub(super) const TOKEN: &str = "pat-eu1-emulator";
/// The OAuth app that is installed.
const APP: [(&str, &str); 3] =
    [("client_id", "client-emulator"), ("client_secret", "secret-emulator"), ("refresh_token", "refresh-emulator")];
/// How long an access token lives.
const LIFE: SignedDuration = SignedDuration::from_secs(1800);

/// The tokens that were issued.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    issued: BTreeMap<String, Timestamp>,
}

impl Tokens {
    /// The token of a request, or 401.
    pub(super) fn check<'a>(&self, request: &'a Request, now: Timestamp) -> Result<&'a str, Refusal> {
        let denied = |category, message| Err(Refusal::new(401, category, message));
        let Some(token) = request.header_value("authorization").and_then(|value| value.strip_prefix("Bearer ")) else {
            return denied("INVALID_AUTHENTICATION", "Authentication credentials not found.");
        };
        match self.issued.get(token) {
            _ if token == TOKEN => Ok(token),
            Some(until) if now < *until => Ok(token),
            Some(_) => denied("EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired."),
            None => denied("INVALID_AUTHENTICATION", "The OAuth token is invalid."),
        }
    }

    /// Answers `POST /oauth/{version}/token`.
    pub(super) fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        let Body::Form(form) = &request.body else {
            return Err(Refusal::new(415, "VALIDATION_ERROR", "the body must be form-encoded"));
        };
        let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let is_app = APP.iter().take(2).all(|(name, value)| field(name) == Some(value));
        let granted = match field("grant_type") {
            Some("refresh_token") => field("refresh_token") == Some(APP[2].1),
            Some("authorization_code") => field("code").is_some() && field("redirect_uri").is_some(),
            _ => false,
        };
        if !(is_app && granted) {
            return Err(Refusal::new(400, "VALIDATION_ERROR", "missing or invalid refresh token or client"));
        }
        let token = format!("access-emulator-{}", self.issued.len() + 1);
        self.issued.insert(token.clone(), now + LIFE);
        let body = json!({
            "access_token": token, "refresh_token": APP[2].1, "expires_in": LIFE.as_secs(), "token_type": "bearer",
            "token_use": "access", "hub_id": 33, "user_id": 77, "scopes": ["oauth"],
        });
        Ok(Response::json(200, &body))
    }
}

/// Refuses a call for which a token lacks the scope; a token without a list has them all.
pub(super) fn check_scope(settings: &Settings, token: &str, method: &str, path: &[&str]) -> Result<(), Refusal> {
    let Some(scopes) = settings.scopes.get(token) else { return Ok(()) };
    let ["crm", "objects" | "associations" | "properties", kind, rest @ ..] = path else { return Ok(()) };
    let Some(kind) = Kind::parse(kind) else { return Ok(()) };
    let reads = method == "GET" || matches!(rest, [.., "read"] | ["search"]) || path.get(1) == Some(&"associations");
    let name = match kind {
        Kind::Payments => "commercepayments",
        other => other.plural(),
    };
    let verb = if reads { "read" } else { "write" };
    // Definitions are read with either kind of scope, and changed with that of schemas.
    let defines = path.get(1) == Some(&"properties");
    let scope = format!("crm.{}.{name}.{verb}", if defines && !reads { "schemas" } else { "objects" });
    let schema_reads = defines && reads && scopes.contains(&format!("crm.schemas.{name}.read"));
    let shop = matches!(kind, Kind::Products | Kind::LineItems | Kind::Quotes);
    if scopes.contains(&scope) || schema_reads || (shop && scopes.iter().any(|known| known == "e-commerce")) {
        return Ok(());
    }
    let message = "This app hasn't been granted all required scopes to make this call.";
    let detail = json!({
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": [scope]},
    });
    Err(Refusal::new(403, "MISSING_SCOPES", message).detail(detail))
}
