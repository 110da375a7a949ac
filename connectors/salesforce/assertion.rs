//! The signed assertion of the JWT bearer flow.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use passerelle_core::clock::Timestamp;
use passerelle_core::http::{Assertion, Secret};
use passerelle_core::{Error, ErrorKind, Result};
use serde::Serialize;

/// How long an assertion is good, in seconds; three minutes are the most that is taken [documented].
const LIFE: i64 = 120;

#[derive(Debug, Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
}

/// Signs for a user by the private key whose certificate the app was given.
///
/// # Errors
/// `Config` when the key is no RSA key in PEM.
pub(super) fn signing(client_id: &str, username: &str, audience: &str, key: &Secret) -> Result<Assertion> {
    // The cause may quote the key: it is not kept.
    let key = EncodingKey::from_rsa_pem(key.reveal().as_bytes()).map_err(|_| {
        let message = "`private_key` is no RSA private key in PEM, such as `-----BEGIN PRIVATE KEY-----`";
        Error::new(ErrorKind::Config, message).at("option", "private_key")
    })?;
    let [client_id, username, audience] = [client_id, username, audience].map(str::to_owned);
    Ok(Arc::new(move |now: Timestamp| {
        let claims = Claims { iss: &client_id, sub: &username, aud: &audience, exp: now.as_second() + LIFE };
        encode(&Header::new(Algorithm::RS256), &claims, &key)
            .map_err(|cause| Error::new(ErrorKind::Config, "cannot sign with `private_key`").because(cause))
    }))
}

/// Whom an assertion is for: the login host, of sandboxes another one.
pub(super) fn audience<'a>(login_url: Option<&'a str>, base: &str) -> &'a str {
    match login_url {
        Some(login) => login.trim_end_matches('/'),
        None if base.contains(".sandbox.") => "https://test.salesforce.com",
        None => "https://login.salesforce.com",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation, decode};
    use serde_json::Value;

    /// Made for tests alone.
    const KEY: &str = include_str!("tests/key.pem");
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuSaVtu4sybvgtJdorgyw\n\
PJ1Yne9xb1f11xpVeSIJw864JcPIqixpA3JRVnBn6o0tA1kSPCm2eoss4bnm80sS\n\
DYPPD2090p77PtpiwHMRK3M+Y5oS94veICDX4bFXVFUNY6oIubjQA/YbauIF2pdi\n\
dT2vkNfi9PitiGoFAdORBvzAw36oeEU8pIEp5Mme2oVQ8R9048H0Pts1tnjDTgA8\n\
DzinlHhfr2jZjXwXinyTejipKDh5noUfar6DTQqnEyljkv64jHU8TOIRq38lQj9G\n\
Zef6DAKsJ+QyBIv+N3PQ3Nc2XPOlFV3wGw2uo4Fe8rvaEJk/FJgiaLUEHekbQGxz\n\
hwIDAQAB\n\
-----END PUBLIC KEY-----\n";

    #[test]
    fn an_assertion_says_who_asks_and_expires_in_two_minutes() {
        let sign = signing("3MVG9", "hub@acme.example", "https://login.salesforce.com", &Secret::new(KEY)).unwrap();
        let token = sign(Timestamp::from_second(1_795_425_600).unwrap()).unwrap();
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_audience(&["https://login.salesforce.com"]);
        rules.validate_exp = false;
        let key = DecodingKey::from_rsa_pem(PUBLIC.as_bytes()).unwrap();
        let claims = decode::<Value>(&token, &key, &rules).unwrap().claims;
        assert_eq!((&claims["iss"], &claims["sub"]), (&"3MVG9".into(), &"hub@acme.example".into()));
        assert_eq!(claims["exp"], 1_795_425_720);
    }

    #[test]
    fn a_key_that_is_none_is_told_without_being_shown() {
        let Err(told) = signing("3MVG9", "hub@acme.example", "aud", &Secret::new("hunter2")) else {
            panic!("it signs")
        };
        assert_eq!((told.kind(), format!("{told:?}").contains("hunter2")), (ErrorKind::Config, false));
    }

    #[test]
    fn a_sandbox_is_signed_for_at_another_host() {
        assert_eq!(audience(None, "https://acme--uat.sandbox.my.salesforce.com"), "https://test.salesforce.com");
        assert_eq!(audience(None, "https://acme.my.salesforce.com"), "https://login.salesforce.com");
        assert_eq!(audience(Some("https://sso.acme.example/"), ""), "https://sso.acme.example");
    }
}
