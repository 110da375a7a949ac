//! The numbered points of a run, and which of them are the same kill.

use std::collections::BTreeMap;

/// A moment at which the hub can be killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its number in the run, from 0.
    pub number: u64,
    /// `commit`, `synced`, `leaving`, `answered` or `seen`.
    pub kind: String,
    /// The call, such as `POST dolibarr/api/index.php/orders`; empty at a commit.
    pub call: String,
    /// Which request of the run it belongs to, from 1.
    pub request: u64,
    /// Commits and calls that change a vendor, done before it. A kill loses memory only: two points of the same pair
    /// leave the same files and the same vendors.
    pub done: (u64, u64),
}

/// In words.
pub fn in_words(kind: &str) -> &'static str {
    match kind {
        "commit" => "before a commit",
        "synced" => "after a commit",
        "leaving" => "before a request leaves",
        "answered" => "answered, the hub has not seen it",
        _ => "after an answer",
    }
}

/// Reads the list that a run wrote.
pub fn read(list: &str) -> Vec<Point> {
    let (mut commits, mut effects, mut request) = (0, 0, 0);
    let mut last = String::new();
    let mut points = Vec::new();
    for (number, line) in (0..).zip(list.lines()) {
        let (kind, call) = line.split_once(' ').unwrap_or((line, ""));
        match kind {
            "leaving" => {
                request += 1;
                last = call.to_owned();
            }
            "answered" => effects += u64::from(is_effect(&last)),
            "synced" => commits += 1,
            _ => {}
        }
        let call = if matches!(kind, "commit" | "synced") { String::new() } else { last.clone() };
        points.push(Point { number, kind: kind.to_owned(), call, request, done: (commits, effects) });
    }
    points
}

/// Whether a call, such as `POST orders/7/validate`, may change the vendor.
pub fn is_effect(call: &str) -> bool {
    let path = call.split('?').next().unwrap_or_default();
    !path.starts_with("GET ") && !path.ends_with("/search") && !path.ends_with("/batch/read")
}

/// The first point of each kill that differs from the others.
pub fn distinct(points: &[Point]) -> Vec<Point> {
    let mut first = BTreeMap::new();
    for point in points {
        first.entry(point.done).or_insert(point);
    }
    first.into_values().cloned().collect()
}

/// Points behind the answers to calls that end like `call`, such as `POST /orders`.
pub fn behind(points: &[Point], call: &str) -> Vec<Point> {
    let (method, path) = call.split_once(' ').unwrap_or(("", call));
    let is_one =
        |point: &&Point| point.kind == "answered" && point.call.starts_with(method) && point.call.ends_with(path);
    points.iter().filter(is_one).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_between_which_nothing_changed_are_one_kill() {
        let list = "leaving GET a/1\nanswered\nseen\ncommit\nsynced\nleaving POST a/batch/read\nanswered\nseen\n\
            leaving POST a\nanswered\nseen\ncommit\nsynced\n";
        let points = read(list);
        assert_eq!(points.len(), 13);
        let kinds: Vec<_> = distinct(&points).into_iter().map(|point| (point.number, point.kind)).collect();
        let expected = [(0, "leaving"), (4, "synced"), (9, "answered"), (12, "synced")];
        assert_eq!(kinds, expected.map(|(number, kind)| (number, kind.to_owned())));
        assert_eq!(points[9].request, 3);
    }
}
