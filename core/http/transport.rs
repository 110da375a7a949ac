//! What config.toml says of the way to a vendor, and what the vendor's published limits say.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

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

impl Transport {
    /// Proves the options without a call.
    ///
    /// # Errors
    /// `Config` that names the option and its value.
    pub fn check(&self) -> Result<()> {
        if let Some(base) = &self.base_url {
            address(base).map_err(|error| error.at("option", "base_url"))?;
        }
        let rate = self.requests_per_second.unwrap_or(1.0);
        within("requests_per_second", rate, 0.001..=10_000.0)?;
        within("burst", f64::from(self.burst.unwrap_or(1)), 1.0..=10_000.0)?;
        within("concurrency", self.concurrency.unwrap_or(1) as f64, 1.0..=1_000.0)?;
        within("timeout", self.timeout.unwrap_or(30.0), 0.1..=3_600.0)
    }

    /// How long a call may stay unanswered, for [`HttpWire::new`](super::HttpWire::new); 30 seconds by default.
    pub fn patience(&self) -> Duration {
        let seconds = self.timeout.filter(|seconds| (0.1..=3_600.0).contains(seconds));
        Duration::from_secs_f64(seconds.unwrap_or(30.0))
    }

    /// The vendor's limits, overridden by what config.toml says.
    pub(super) fn limits(&self, published: Limits) -> Limits {
        Limits {
            per_second: self.requests_per_second.unwrap_or(published.per_second),
            burst: self.burst.unwrap_or(published.burst),
            concurrency: self.concurrency.unwrap_or(published.concurrency),
        }
    }
}

fn within(option: &'static str, value: f64, range: std::ops::RangeInclusive<f64>) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let message = format!("`{option}` is between {} and {}", range.start(), range.end());
    Err(Error::new(ErrorKind::Config, message).at("option", option).at("value", value))
}

/// A base address, without the slash at its end.
///
/// # Errors
/// `Config` unless it is an HTTP address without credentials, query or fragment.
pub(super) fn address(text: &str) -> Result<String> {
    let wrong = |why: &str| Error::new(ErrorKind::Config, format!("the address of the API {why}")).at("value", text);
    let url =
        Url::parse(text).map_err(|cause| wrong("is not an address such as https://erp.example.com").because(cause))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("must begin with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // The address is shown in messages; it must not be repeated here with its password.
        return Err(Error::new(ErrorKind::Config, "the address of the API must hold no user and password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must hold no `?` or `#`"));
    }
    Ok(text.trim().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(transport: Transport) -> String {
        let error = transport.check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    }

    fn at(base: &str) -> Transport {
        Transport { base_url: Some(base.into()), ..Transport::default() }
    }

    #[test]
    fn a_wrong_option_is_named_with_its_value() {
        let wrong = complaint(at("erp.example.com"));
        assert!(wrong.contains("value: erp.example.com") && wrong.contains("option: base_url"), "{wrong}");
        assert!(complaint(at("ftp://erp.example.com")).contains("https://"));
        assert!(complaint(at("https://erp.example.com/?a=1")).contains('?'));
        let rate = complaint(Transport { requests_per_second: Some(0.0), ..Transport::default() });
        assert!(rate.contains("option: requests_per_second") && rate.contains("value: 0"), "{rate}");
        assert!(complaint(Transport { timeout: Some(f64::NAN), ..Transport::default() }).contains("timeout"));
        assert!(complaint(Transport { concurrency: Some(0), ..Transport::default() }).contains("concurrency"));
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let wrong = complaint(at("https://ann:s3cret@erp.example.com"));
        assert!(!wrong.contains("s3cret"), "{wrong}");
    }

    #[test]
    fn an_address_loses_its_last_slash_and_keeps_its_path() {
        assert_eq!(address("http://[::1]:80/api/index.php/").unwrap(), "http://[::1]:80/api/index.php");
        at("https://erp.example.com").check().unwrap();
    }
}
