//! Names and ids as types, so that two of them cannot be swapped by accident.

use serde::{Deserialize, Serialize};

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_type!(
    /// A system of config.toml, such as `crm`.
    SystemName
);
text_type!(
    /// A canonical entity, such as `company`.
    EntityName
);
text_type!(
    /// A kind of native record, such as `thirdparties`.
    ResourceName
);
text_type!(
    /// A canonical field, such as `vat_number`.
    FieldName
);
text_type!(
    /// A flow of config.toml, such as `customers`.
    FlowName
);
text_type!(
    /// The id that a vendor gave to a record.
    RemoteId
);
text_type!(
    /// The hub's id of one real-world thing, whatever systems know it.
    LinkId
);
text_type!(
    /// One run of one or more flows.
    RunId
);
text_type!(
    /// Where a feed was read to; opaque to all but its connector, at most 16 KiB.
    Cursor
);
text_type!(
    /// What a vendor moves when a record changes, for compare-and-set.
    Version
);
text_type!(
    /// The key under which the hub creates a record; letters, digits and `:_.-` only, at most 64 bytes.
    ExternalKey
);
