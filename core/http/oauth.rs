//! OAuth 2 tokens: fetched when needed, renewed before they expire, once for all who wait.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, ClientId, ClientSecret, ExtraTokenFields, HttpRequest, HttpResponse, RefreshToken, RequestTokenError,
    Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl, http,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::retry_after::retry_after;
use super::{Body, Request, Response, Secret, Wire};
use crate::clock::Timestamp;
use crate::connector::Tools;
use crate::{Error, ErrorKind, Result};

/// What is told when the vendor replaces the refresh token; the old one may be dead from then on.
pub type Rotated = Arc<dyn Fn(&str) + Send + Sync>;

/// Makes a signed assertion (a JWT) that is good at this instant.
pub type Assertion = Arc<dyn Fn(Timestamp) -> Result<String> + Send + Sync>;

/// The name of the JWT bearer grant (RFC 7523).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A token is renewed this long before it expires, or at nine tenths of its life if that comes later.
const AHEAD: Duration = Duration::from_secs(60);

/// Access by OAuth 2; clones share their token.
#[derive(Clone)]
pub struct OAuth {
    token_url: String,
    client_id: String,
    client_secret: Option<Secret>,
    auth_type: AuthType,
    scopes: Vec<String>,
    assertion: Option<Assertion>,
    on_rotate: Option<Rotated>,
    held: Arc<Mutex<Held>>,
}

/// What is held now.
struct Held {
    access: Option<Access>,
    /// With it the grant is `refresh_token`, without it `client_credentials` or an assertion's.
    refresh: Option<Secret>,
    /// Where the vendor said that its API is; kept when a later answer does not say.
    base: Option<String>,
}

/// What a call is made with.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub token: Secret,
    /// Where the API is, where the vendor says.
    pub base: Option<String>,
}

/// What some vendors add to a token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Extra {
    /// The address of the API for this account.
    #[serde(default)]
    instance_url: Option<String>,
}

impl ExtraTokenFields for Extra {}

type Answer = StandardTokenResponse<Extra, BasicTokenType>;
type Client = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

#[derive(Clone)]
struct Access {
    token: Secret,
    renew_at: Option<Timestamp>,
}

impl OAuth {
    /// The `client_credentials` grant.
    pub fn client_credentials(token_url: &str, client_id: &str, client_secret: Secret) -> Self {
        Self {
            token_url: token_url.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: Some(client_secret),
            auth_type: AuthType::BasicAuth,
            scopes: Vec::new(),
            assertion: None,
            on_rotate: None,
            held: Arc::new(Mutex::new(Held { access: None, refresh: None, base: None })),
        }
    }

    /// The JWT bearer grant: `assertion` signs a new one for each token.
    pub fn jwt_bearer(token_url: &str, client_id: &str, assertion: Assertion) -> Self {
        let none = Self::client_credentials(token_url, client_id, Secret::new(""));
        Self { client_secret: None, assertion: Some(assertion), ..none }
    }

    /// The `refresh_token` grant.
    pub fn refresh_token(token_url: &str, client_id: &str, client_secret: Secret, refresh_token: Secret) -> Self {
        let held = Held { access: None, refresh: Some(refresh_token), base: None };
        Self { held: Arc::new(Mutex::new(held)), ..Self::client_credentials(token_url, client_id, client_secret) }
    }

    /// Asks for these scopes.
    #[must_use]
    pub fn scopes(mut self, scopes: &[&str]) -> Self {
        self.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self
    }

    /// The same without a secret, for apps that have none.
    #[must_use]
    pub fn without_secret(mut self) -> Self {
        self.client_secret = None;
        self
    }

    /// Sends id and secret in the body, for vendors that do not take them as Basic authorisation.
    #[must_use]
    pub fn secret_in_body(mut self) -> Self {
        self.auth_type = AuthType::RequestBody;
        self
    }

    /// Tells `hook` of each new refresh token before it is used, so that it can be kept.
    #[must_use]
    pub fn on_rotate(mut self, hook: Rotated) -> Self {
        self.on_rotate = Some(hook);
        self
    }

    /// An access token that is still good, and for a while.
    ///
    /// # Errors
    /// `Denied` when the vendor refuses the credentials, `Config` for a wrong token address, `RateLimited` and
    /// `Unavailable` when it may work later.
    pub(super) async fn pass(&self, tools: &Tools) -> Result<Pass> {
        let mut held = self.held.lock().await;
        let now = tools.clock.now();
        if let Some(access) = held.access.as_ref().filter(|access| access.renew_at.is_none_or(|at| now < at)) {
            return Ok(Pass { token: access.token.clone(), base: held.base.clone() });
        }
        let answer = self.ask(held.refresh.as_ref(), &tools.wire, now).await?;
        let access = access_of(&answer, now);
        let token = access.token.clone();
        held.access = Some(access);
        if let Some(base) = &answer.extra_fields().instance_url {
            held.base = Some(base.clone());
        }
        let rotated = answer.refresh_token().map(|refresh| refresh.secret().as_str());
        if let (Some(old), Some(new)) = (&held.refresh, rotated)
            && old.reveal() != new
        {
            if let Some(hook) = &self.on_rotate {
                hook(new);
            }
            held.refresh = Some(Secret::new(new));
        }
        Ok(Pass { token, base: held.base.clone() })
    }

    /// Forgets a token that the vendor no longer accepts, unless another caller renewed it meanwhile.
    pub(super) async fn forget(&self, token: &Secret) {
        let mut held = self.held.lock().await;
        if held.access.as_ref().is_some_and(|access| access.token == *token) {
            held.access = None;
        }
    }

    async fn ask(&self, refresh: Option<&Secret>, wire: &Arc<dyn Wire>, now: Timestamp) -> Result<Answer> {
        let address = TokenUrl::new(self.token_url.clone()).map_err(|cause| {
            let message = "the address of the OAuth tokens is not an address";
            Error::new(ErrorKind::Config, message).at("value", &self.token_url).because(cause)
        })?;
        if let Some(assertion) = &self.assertion {
            return self.ask_with(&assertion(now)?, wire, now).await;
        }
        let mut client = Client::new(ClientId::new(self.client_id.clone())).set_auth_type(self.auth_type.clone());
        if let Some(secret) = &self.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.reveal().to_owned()));
        }
        let client = client.set_token_uri(address);
        let scopes = self.scopes.iter().cloned().map(Scope::new);
        let send = |request: HttpRequest| send(wire.clone(), request, now);
        let answer = match refresh {
            Some(secret) => {
                let refresh = RefreshToken::new(secret.reveal().to_owned());
                client.exchange_refresh_token(&refresh).add_scopes(scopes).request_async(&send).await
            }
            None => client.exchange_client_credentials().add_scopes(scopes).request_async(&send).await,
        };
        answer.map_err(refused)
    }

    /// The grant that the library does not know.
    async fn ask_with(&self, assertion: &str, wire: &Arc<dyn Wire>, now: Timestamp) -> Result<Answer> {
        let mut call = Request::new("POST", self.token_url.clone());
        let form = [("grant_type", JWT_BEARER), ("assertion", assertion)];
        call.body = Body::Form(form.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let response = wire.call(call).await.map_err(unanswered)?;
        not_now(&response, now)?;
        if response.status == 200 {
            return response.parse();
        }
        let answer: BasicErrorResponse = response.parse()?;
        Err(refused(RequestTokenError::ServerResponse(answer)))
    }
}

/// Asking for a token twice does no harm, so no answer is the same as no connection.
fn unanswered(error: Error) -> Error {
    match error.kind() {
        ErrorKind::OutcomeUnknown => error.with_kind(ErrorKind::Unavailable),
        _ => error,
    }
}

fn access_of(answer: &Answer, now: Timestamp) -> Access {
    let renew_at = answer.expires_in().and_then(|life| {
        let ahead = AHEAD.min(life / 10);
        now.checked_add(life.saturating_sub(ahead)).ok()
    });
    Access { token: Secret::new(answer.access_token().secret().as_str()), renew_at }
}

async fn send(wire: Arc<dyn Wire>, request: HttpRequest, now: Timestamp) -> Result<HttpResponse> {
    let (head, body) = request.into_parts();
    let mut call = Request::new("POST", head.uri.to_string());
    for (name, value) in &head.headers {
        call.headers.push((name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    }
    call.body = Body::Bytes(body);
    let response = wire.call(call).await.map_err(unanswered)?;
    not_now(&response, now)?;
    let mut answer = http::Response::new(response.body);
    *answer.status_mut() = http::StatusCode::from_u16(response.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    Ok(answer)
}

fn not_now(response: &Response, now: Timestamp) -> Result<()> {
    let kind = match response.status {
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::Unavailable,
        _ => return Ok(()),
    };
    let error = Error::new(kind, "the vendor gives no token now").at("status", response.status);
    Err(match retry_after(response, now) {
        Some(wait) => error.retry_after(wait),
        None => error,
    })
}

fn refused(error: RequestTokenError<Error, BasicErrorResponse>) -> Error {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(answer) => {
            let words = answer.error_description().map_or_else(|| answer.error().to_string(), Clone::clone);
            Error::new(ErrorKind::Denied, format!("the vendor refuses the OAuth credentials: {words}"))
                .at("error", answer.error())
        }
        // The answer may hold a token: it is not shown.
        RequestTokenError::Parse(cause, _) => {
            let message = "the answer of the token address is no OAuth answer";
            Error::new(ErrorKind::Denied, message).at("field", cause.path())
        }
        RequestTokenError::Other(words) => {
            Error::new(ErrorKind::Denied, format!("the vendor refuses the OAuth credentials: {words}"))
        }
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").field("token_url", &self.token_url).finish_non_exhaustive()
    }
}
