//! The table: one row for each metric, ours beside the floor.

use crate::stats::Samples;

/// One metric.
#[derive(Debug)]
pub struct Row {
    pub metric: &'static str,
    /// The name of the floor.
    pub floor_name: &'static str,
    pub ours: Samples,
    pub floor: Samples,
    /// The ratio that must hold, and the one that we want.
    pub must: Option<f64>,
    pub want: Option<f64>,
    /// For figures whose target is not a ratio: the bound in nanoseconds.
    pub must_ns: Option<f64>,
    /// The ratio of our p99 to the floor's p50 that must hold.
    pub must_p99: Option<f64>,
}

impl Row {
    /// The ratio of our figure to the floor's p50.
    fn ratio(&self, quantile: f64) -> Option<f64> {
        let ratio = self.ours.quantile(quantile) / self.floor.quantile(0.5);
        ratio.is_finite().then_some(ratio)
    }

    /// Returns true if the target holds in this run.
    pub fn holds(&self) -> bool {
        let ratio_holds = |quantile, must| match (self.ratio(quantile), must) {
            (Some(ratio), Some(must)) => ratio <= must,
            _ => true,
        };
        ratio_holds(0.5, self.must)
            && ratio_holds(0.99, self.must_p99)
            && self.must_ns.is_none_or(|must| self.ours.quantile(0.5) <= must)
    }
}

/// The overhead of a binding for a call.
#[derive(Debug)]
pub struct Overhead {
    pub metric: &'static str,
    pub ours: Samples,
    /// The same call from Rust.
    pub floor: Samples,
    /// The nanoseconds that it may add, and those that we want.
    pub must_ns: Option<f64>,
    pub want_ns: Option<f64>,
}

impl Overhead {
    /// The overhead, in nanoseconds.
    pub fn added(&self) -> f64 {
        self.ours.quantile(0.5) - self.floor.quantile(0.5)
    }

    /// Returns true if the target holds in this run.
    pub fn holds(&self) -> bool {
        self.must_ns.is_none_or(|must| self.added() <= must)
    }
}

/// Memory.
#[derive(Debug)]
pub struct Amount {
    pub metric: &'static str,
    pub counted_by: &'static str,
    /// Bytes.
    pub ours: f64,
    pub floor: f64,
    /// The permitted difference to the floor's figure.
    pub must_add: f64,
}

impl Amount {
    /// Returns true if the target holds in this run.
    pub fn holds(&self) -> bool {
        self.ours - self.floor <= self.must_add
    }
}

/// An amount as Markdown.
pub fn amount_markdown(amount: &Amount) -> String {
    let kib = |bytes: f64| format!("{:.0} KiB", bytes / 1024.0);
    format!(
        "| memory | counted by | ours | a raw machine's | more | must | holds |\n|---|---|---|---|---|---|---|\n| {} | {} | {} | {} | {} | ≤ {} | {} |\n",
        amount.metric,
        amount.counted_by,
        kib(amount.ours),
        kib(amount.floor),
        kib(amount.ours - amount.floor),
        kib(amount.must_add),
        if amount.holds() { "yes" } else { "NO" },
    )
}

/// The table as Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let mut out = String::from(
        "| metric | ours p50 | ours p99 | floor p50 | floor | ratio | must | want | holds |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
        let with_p99 = |median, p99: Option<f64>| match p99 {
            Some(p99) => format!("{}, p99 {p99:.2}", number(median)),
            None => number(median),
        };
        let floor = row.floor.quantile(0.5);
        out += &format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            row.metric,
            time(row.ours.quantile(0.5)),
            time(row.ours.quantile(0.99)),
            if floor.is_finite() { time(floor) } else { "–".to_owned() },
            row.floor_name,
            with_p99(row.ratio(0.5), row.must_p99.and_then(|_| row.ratio(0.99))),
            row.must_ns.map_or_else(|| with_p99(row.must, row.must_p99), time),
            number(row.want),
            if row.holds() { "yes" } else { "NO" },
        );
    }
    out
}

/// The table of what bindings add, as Markdown.
pub fn overheads_markdown(rows: &[Overhead]) -> String {
    let mut out = String::from(
        "| metric | added p50 | call p50 | Rust call p50 | must | want | holds |\n|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let bound =
            |bound: Option<f64>| bound.map_or_else(|| "–".to_owned(), |bound| format!("≤ {}", time(bound)));
        out += &format!(
            "| {} | {:.2} µs | {} | {} | {} | {} | {} |\n",
            row.metric,
            row.added() / 1e3,
            time(row.ours.quantile(0.5)),
            time(row.floor.quantile(0.5)),
            bound(row.must_ns),
            bound(row.want_ns),
            if row.holds() { "yes" } else { "NO" },
        );
    }
    out
}

/// The tables as JSON, times in nanoseconds.
pub fn json(rows: &[Row], amount: &Amount, overheads: &[Overhead]) -> serde_json::Value {
    let rows = rows.iter().map(|row| {
        serde_json::json!({
            "metric": row.metric,
            "ours_p10_ns": row.ours.quantile(0.1),
            "ours_p50_ns": row.ours.quantile(0.5),
            "ours_p99_ns": row.ours.quantile(0.99),
            "floor": row.floor_name,
            "floor_p10_ns": row.floor.quantile(0.1),
            "floor_p50_ns": row.floor.quantile(0.5),
            "floor_p99_ns": row.floor.quantile(0.99),
            "ratio": row.ratio(0.5),
            "ratio_p99": row.ratio(0.99),
            "must": row.must,
            "must_ns": row.must_ns,
            "must_p99": row.must_p99,
            "want": row.want,
            "holds": row.holds(),
        })
    });
    let overheads = overheads.iter().map(|row| {
        serde_json::json!({
            "metric": row.metric,
            "ours_p10_ns": row.ours.quantile(0.1),
            "ours_p50_ns": row.ours.quantile(0.5),
            "ours_p99_ns": row.ours.quantile(0.99),
            "floor": "the call from Rust",
            "floor_p10_ns": row.floor.quantile(0.1),
            "floor_p50_ns": row.floor.quantile(0.5),
            "floor_p99_ns": row.floor.quantile(0.99),
            "added_ns": row.added(),
            "must_added_ns": row.must_ns,
            "want_added_ns": row.want_ns,
            "holds": row.holds(),
        })
    });
    let amount = serde_json::json!({
        "metric": amount.metric,
        "counted_by": amount.counted_by,
        "ours_bytes": amount.ours,
        "floor": "a raw machine",
        "floor_bytes": amount.floor,
        "must_add_bytes": amount.must_add,
        "holds": amount.holds(),
    });
    rows.chain([amount]).chain(overheads).collect()
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        t if t < 1e3 => format!("{t:.1} ns"),
        t if t < 1e6 => format!("{:.2} µs", t / 1e3),
        t => format!("{:.2} ms", t / 1e6),
    }
}
