//! The fewest calls that a vendor's contract allows, for documents of two lines.

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Won sales become orders, and their numbers come back.
    Sales,
    /// Invoices and payments come back.
    Statuses,
    /// Companies that changed in the ERP come into the CRM.
    Companies,
}

impl Work {
    /// As a row of a table says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sales => "new sales",
            Self::Statuses => "invoices and payments",
            Self::Companies => "updates of companies",
        }
    }
}

/// The fewest calls, and how they are counted.
pub fn least(work: Work, vendor: &str, count: u64) -> (u64, &'static str) {
    let pages = |each: u64| count.div_ceil(each);
    match (work, vendor) {
        (Work::Sales, "hubspot") => (
            pages(200) + 3 * pages(1000) + pages(100) + (2 * count).div_ceil(100) + pages(100),
            "deals by 200; links to companies, quotes and lines by 1,000; quotes and lines by 100; numbers written by 100",
        ),
        (Work::Sales, "salesforce") => (
            pages(2000) + (2 * count).div_ceil(2000) + pages(200),
            "opportunities with their quotes by 2,000, lines of quotes by 2,000; numbers written by 200",
        ),
        (Work::Sales, "dolibarr") => (
            3 * count,
            "each order with its lines and key, a look at the totals made of it, its validation; there are no batches",
        ),
        (Work::Sales, _) => (
            2 * count,
            "each order, whose answer has its totals, and its submission; making many at once makes all or none",
        ),
        (Work::Statuses, "hubspot") | (Work::Companies, "hubspot") => (
            1 + 2 * pages(100),
            "one search of what changed there; read by 100, to see what it says now, and written by 100",
        ),
        (Work::Statuses, "salesforce") => {
            (1 + pages(2000) + pages(200), "one query of what changed there; read by 2,000, and written by 200")
        }
        (Work::Statuses, "dolibarr") => {
            (pages(100) + count, "invoices by 100; the payments of each, whose dates no list has")
        }
        (Work::Statuses, _) => {
            (2 * pages(100), "invoices with their orders by 100, payments with their invoices by 100")
        }
        (Work::Companies, _) => (pages(100), "companies by 100"),
    }
}
