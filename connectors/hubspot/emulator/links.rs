//! Which objects are associated, and by which types.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::Kind::{self, Companies, Contacts, Deals, Invoices, LineItems, Payments, Products, Quotes};

/// A type of association: from, to, id, the id of the reverse, label.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkType {
    pub from: Kind,
    pub to: Kind,
    pub id: u32,
    pub label: Option<&'static str>,
    reverse: u32,
}

/// From, to, id, reverse id, label; each pair's first row is its unlabelled type.
const TYPES: [(Kind, Kind, u32, u32, Option<&str>); 19] = [
    (Deals, Companies, 341, 342, None),
    (Deals, Companies, 5, 6, Some("Primary")),
    (Contacts, Companies, 279, 280, None),
    (Contacts, Companies, 1, 2, Some("Primary")),
    (Deals, Contacts, 3, 4, None),
    (Deals, LineItems, 19, 20, None),
    (Deals, Quotes, 63, 64, None),
    (Quotes, LineItems, 67, 68, None),
    (Quotes, Contacts, 69, 70, None),
    (Quotes, Contacts, 702, 703, Some("Signer")),
    (Quotes, Companies, 71, 72, None),
    (Deals, Invoices, 176, 175, None),
    (Contacts, Invoices, 178, 177, None),
    (Companies, Invoices, 180, 179, None),
    (Quotes, Invoices, 408, 407, None),
    (Deals, Payments, 392, 391, None),
    (Contacts, Payments, 388, 387, None),
    (Companies, Payments, 390, 389, None),
    (Quotes, Payments, 398, 397, None),
];

/// The ids of the types that make a company the primary one, seen from the other side.
const PRIMARY: [u32; 2] = [5, 1];

/// The types between two kinds, in this direction; the unlabelled one first.
pub(super) fn types(from: Kind, to: Kind) -> Vec<LinkType> {
    let both = TYPES.iter().flat_map(|(a, b, id, back, label)| {
        [
            LinkType { from: *a, to: *b, id: *id, label: *label, reverse: *back },
            LinkType { from: *b, to: *a, id: *back, label: *label, reverse: *id },
        ]
    });
    both.filter(|link| link.from == from && link.to == to).collect()
}

/// A type by its id, whatever its pair.
pub(super) fn type_of(from: Kind, to: Kind, id: u32) -> Option<LinkType> {
    types(from, to).into_iter().find(|link| link.id == id)
}

/// An end of an association.
pub(super) type End = (Kind, u64);

/// All associations of an account.
#[derive(Clone, Debug, Default)]
pub(super) struct Links(BTreeMap<(Kind, u64, Kind), BTreeMap<u64, BTreeSet<u32>>>);

impl Links {
    /// What `from` is associated with of kind `to`: ids and their types.
    pub(super) fn of(&self, from: End, to: Kind) -> Vec<(u64, Vec<u32>)> {
        let found = self.0.get(&(from.0, from.1, to)).into_iter().flatten();
        found.map(|(id, types)| (*id, types.iter().copied().collect())).collect()
    }

    /// Associates two objects, both ways; a labelled type brings the unlabelled one with it, and a primary one moves.
    pub(super) fn add(&mut self, from: End, to: End, link: LinkType) {
        if PRIMARY.contains(&link.id) {
            self.demote(from, to.0, link);
        } else if PRIMARY.contains(&link.reverse) {
            let back = LinkType { from: link.to, to: link.from, id: link.reverse, reverse: link.id, ..link };
            self.demote(to, from.0, back);
        }
        let plain = types(link.from, link.to).into_iter().next();
        for link in plain.into_iter().chain([link]) {
            self.0.entry((from.0, from.1, to.0)).or_default().entry(to.1).or_default().insert(link.id);
            self.0.entry((to.0, to.1, from.0)).or_default().entry(from.1).or_default().insert(link.reverse);
        }
    }

    fn demote(&mut self, from: End, to: Kind, primary: LinkType) {
        for (id, _) in self.of(from, to) {
            self.drop_type(from, (to, id), primary);
        }
    }

    /// Takes one type away, both ways.
    pub(super) fn drop_type(&mut self, from: End, to: End, link: LinkType) {
        for (one, other, id) in [(from, to, link.id), (to, from, link.reverse)] {
            if let Some(ends) = self.0.get_mut(&(one.0, one.1, other.0)) {
                if let Some(types) = ends.get_mut(&other.1) {
                    types.remove(&id);
                }
                ends.retain(|_, types| !types.is_empty());
            }
        }
    }

    /// Takes all types between a pair away, both ways.
    pub(super) fn remove(&mut self, from: End, to: End) {
        for (one, other) in [(from, to), (to, from)] {
            if let Some(ends) = self.0.get_mut(&(one.0, one.1, other.0)) {
                ends.remove(&other.1);
            }
        }
    }

    /// Moves what `old` is associated with to `new`; a surplus primary company loses its label.
    pub(super) fn hand_over(&mut self, old: End, new: End) {
        for to in Kind::all() {
            for (id, link_types) in self.of(old, to) {
                let has_primary =
                    |links: &Self| links.of(new, to).iter().any(|(_, types)| types.iter().any(|t| PRIMARY.contains(t)));
                for link in link_types.iter().filter_map(|link| type_of(old.0, to, *link)) {
                    if !(PRIMARY.contains(&link.id) && has_primary(self)) {
                        self.add(new, (to, id), link);
                    }
                }
                self.remove(old, (to, id));
            }
        }
    }

    /// Forgets every association of an object.
    pub(super) fn forget(&mut self, end: End) {
        for to in Kind::all() {
            for (id, _) in self.of(end, to) {
                self.remove(end, (to, id));
            }
        }
    }

    /// The kinds of object that a line item already hangs on.
    pub(super) fn parents_of_line(&self, id: u64) -> Vec<End> {
        let parents = |kind| self.of((LineItems, id), kind).into_iter().map(move |(parent, _)| (kind, parent));
        [Deals, Quotes, Invoices, Products].into_iter().flat_map(parents).collect()
    }
}
