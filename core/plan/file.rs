//! Plans in files: written whole, read with their seal checked.

use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Plan;
use crate::{Error, ErrorKind, Result};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Saved {
    format: u32,
    seal: String,
    plan: Plan,
}

impl Plan {
    /// As text for a file.
    ///
    /// # Errors
    /// `Bug` when the plan cannot be told in JSON.
    pub fn to_text(&self) -> Result<String> {
        let saved = Saved { format: FORMAT, seal: seal(self)?, plan: self.clone() };
        serde_json::to_string_pretty(&saved).map_err(unwritable)
    }

    /// The plan in a file's text; `path` is only for messages.
    ///
    /// # Errors
    /// `Config` when it is not a plan, is of another version, or was edited.
    pub fn from_text(text: &str, path: &Path) -> Result<Self> {
        let wrong = |what: &str| Error::new(ErrorKind::Config, what.to_owned()).at("file", path.display());
        let saved: Saved = serde_json::from_str(text)
            .map_err(|cause| wrong("this is not a plan; `passerelle plan --out FILE` writes one").because(cause))?;
        if saved.format != FORMAT {
            return Err(wrong("this plan is of another version of passerelle; make it again"));
        }
        if saved.seal != seal(&saved.plan)? {
            return Err(wrong("this plan was changed after it was made; make it again"));
        }
        Ok(saved.plan)
    }
}

fn seal(plan: &Plan) -> Result<String> {
    Ok(format!("{:016x}", xxh3_64(&serde_json::to_vec(plan).map_err(unwritable)?)))
}

fn unwritable(cause: serde_json::Error) -> Error {
    Error::new(ErrorKind::Bug, "the plan cannot be written as JSON").because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_comes_back_whole_and_an_edited_one_is_refused() {
        let plan = Plan::default();
        let text = plan.to_text().unwrap();
        let path = Path::new("p.json");
        assert_eq!(Plan::from_text(&text, path).unwrap(), plan);
        let edited = text.replace("1970", "1971");
        assert!(Plan::from_text(&edited, path).unwrap_err().to_string().contains("was changed after it was made"));
        let error = Plan::from_text("{}", path).unwrap_err().to_string();
        assert!(error.contains("this is not a plan") && error.contains("p.json"), "{error}");
    }
}
