//! Panics of the engine as errors, without a backtrace on the person's screen.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::{Error, ErrorKind, Result};

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Runs `step`; a panic in it is the error that damaged files deserve.
pub(super) fn caught<T>(step: impl FnOnce() -> Result<T>) -> Result<T> {
    HOOK.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                others(panic);
            }
        }));
    });
    let outer = QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(step));
    QUIET.set(outer);
    result.unwrap_or_else(|panic| {
        let words =
            panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(damaged().at("found", words.unwrap_or("a state that cannot be")))
    })
}

/// The error of files that are not what was written.
pub(super) fn damaged() -> Error {
    let message = "the state folder is damaged: move it aside (do not delete it), then restore a backup of it";
    Error::new(ErrorKind::Bug, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_what_to_do() {
        let error = caught::<()>(|| panic!("bad page {}", 7)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Bug);
        assert!(error.to_string().contains("move it aside") && error.to_string().contains("bad page 7"), "{error}");
    }
}
