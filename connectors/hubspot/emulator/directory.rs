//! What an account says of itself: owners, currencies, usage.

use passerelle_core::http::Response;
use serde_json::{Value, json};

use super::account::Account;
use super::call::Call;
use super::refusal::{Refusal, Reply};

/// Owner id, user id, e-mail address, first and last name, whether deactivated.
const OWNERS: [(&str, u64, &str, &str, &str, bool); 3] = [
    ("41629779", 8_263_331, "claire.martin@example.com", "Claire", "Martin", false),
    ("41629780", 8_263_332, "jonas.weber@example.com", "Jonas", "Weber", false),
    ("41629781", 8_263_333, "old.colleague@example.com", "Old", "Colleague", true),
];

/// Answers `/crm/owners[/{id}]`.
pub(super) fn owners(call: &Call<'_>, rest: &[&str]) -> Reply {
    let archived = call.says("archived");
    let shown = |(id, user, email, first, last, gone): &(&str, u64, &str, &str, &str, bool)| {
        json!({
            "id": id, "userId": user, "email": email, "firstName": first, "lastName": last, "archived": gone,
            "type": "PERSON", "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
            "teams": [],
        })
    };
    let known = OWNERS.iter().filter(|owner| owner.5 == archived);
    match (call.method, rest) {
        ("GET", []) => {
            let email = call.param("email").filter(|email| !email.is_empty());
            let results: Vec<Value> =
                known.filter(|owner| email.is_none_or(|email| owner.2 == email)).map(shown).collect();
            Ok(Response::json(200, &json!({"results": results})))
        }
        ("GET", [id]) => {
            let by_user = call.param("idProperty") == Some("userId");
            let found =
                known.into_iter().find(|owner| if by_user { owner.1.to_string() == *id } else { owner.0 == *id });
            let found = found.ok_or_else(|| Refusal::not_found("owner not found"))?;
            Ok(Response::json(200, &shown(found)))
        }
        _ => Err(Refusal::method()),
    }
}

/// Answers `/settings/currencies/...`.
pub(super) fn currencies(account: &Account, call: &Call<'_>, rest: &[&str]) -> Reply {
    let known = &account.settings.currencies;
    match (call.method, rest) {
        ("GET", ["company-currency"]) => {
            Ok(Response::json(200, &json!({"currencyCode": known.first(), "currencyName": known.first()})))
        }
        ("GET", ["codes"]) => {
            let results: Vec<Value> =
                known.iter().map(|code| json!({"currencyCode": code, "currencyName": code})).collect();
            Ok(Response::json(200, &json!({"results": results})))
        }
        ("GET", ["exchange-rates", "current"]) => {
            let rates = known.iter().skip(1).enumerate().map(|(at, code)| {
                json!({
                    "id": at.to_string(), "fromCurrencyCode": code, "toCurrencyCode": known.first(),
                    "conversionRate": 1.0, "visibleInUI": true, "effectiveAt": "2026-01-01T00:00:00.000Z",
                    "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
                })
            });
            Ok(Response::json(200, &json!({"results": rates.collect::<Vec<_>>()})))
        }
        _ => Err(Refusal::no_route()),
    }
}

/// Answers `/account-info/details` and `/account-info/api-usage/daily/private-apps`.
pub(super) fn of_account(account: &Account, call: &Call<'_>, rest: &[&str], used: usize) -> Reply {
    let most = account.settings.daily;
    match (call.method, rest) {
        ("GET", ["details"]) => {
            let (home, others) = account.settings.currencies.split_first().unzip();
            let body = json!({
                "portalId": 33, "accountType": "DEVELOPER_TEST", "timeZone": "Europe/Paris", "companyCurrency": home,
                "additionalCurrencies": others, "utcOffset": "+01:00", "utcOffsetMilliseconds": 3_600_000,
                "uiDomain": "app-eu1.hubspot.com", "dataHostingLocation": "eu1",
            });
            Ok(Response::json(200, &body))
        }
        ("GET", ["api-usage", "daily", "private-apps"]) => {
            let row = json!({
                "name": "private-apps-api-calls-daily", "usageLimit": most, "currentUsage": used,
                "collectedAt": super::property::iso(call.now), "fetchStatus": "SUCCESS",
            });
            Ok(Response::json(200, &json!({"results": [row]})))
        }
        _ => Err(Refusal::no_route()),
    }
}
