//! Figures, as a table for people and as JSON.

use std::path::Path;

use serde_json::{Value, json};

use crate::generator::Outcome;
use crate::process;
use crate::servers::Kind;

/// A generator that is busier than this is what was measured.
const GENERATOR_MOST: f64 = 0.97;

/// One turn of one variant.
pub(crate) struct Turn {
    pub(crate) per_second: f64,
    /// Microseconds of CPU for each request, while it was sent.
    cpu: f64,
    /// The same with all work that was left for later.
    cpu_indexed: f64,
    server_share: f64,
    generator_share: f64,
    p50: f64,
    p99: f64,
    bad: usize,
}

impl Turn {
    /// `cpu_all` is the CPU time from the first request to the last record's index.
    pub(crate) fn new(outcome: &Outcome, cpu_all: f64) -> Self {
        Self {
            per_second: outcome.per_second(),
            cpu: outcome.server_cpu * 1e6 / outcome.answers as f64,
            cpu_indexed: cpu_all * 1e6 / outcome.total as f64,
            server_share: outcome.server_cpu / outcome.seconds,
            generator_share: outcome.generator_share,
            p50: outcome.percentile(50.0),
            p99: outcome.percentile(99.0),
            bad: outcome.bad,
        }
    }

    fn json(&self) -> Value {
        json!({
            "requests_per_second": self.per_second,
            "cpu_us_per_request": self.cpu,
            "cpu_us_per_request_indexed": self.cpu_indexed,
            "server_share": self.server_share,
            "generator_share": self.generator_share,
            "p50_us": self.p50,
            "p99_us": self.p99,
        })
    }
}

/// All turns of one variant.
pub(crate) struct Series {
    pub(crate) kind: Kind,
    pub(crate) connections: usize,
    /// As fast as it answers.
    pub(crate) full: Vec<Turn>,
    /// At half of that.
    pub(crate) half: Vec<Turn>,
    pub(crate) rss: f64,
}

impl Series {
    pub(crate) const fn new(kind: Kind, connections: usize) -> Self {
        Self {
            kind,
            connections,
            full: Vec::new(),
            half: Vec::new(),
            rss: 0.0,
        }
    }

    fn of(&self, figure: impl Fn(&Turn) -> f64) -> f64 {
        median(self.full.iter().map(figure))
    }

    fn at_half(&self, figure: impl Fn(&Turn) -> f64) -> f64 {
        median(self.half.iter().map(figure))
    }

    /// For each round, the ratio to the bare route of that round, in order: of requests per second, or of another
    /// figure that is better the more it is.
    fn ratios(&self, all: &[Self], figure: fn(&Turn) -> f64) -> Vec<f64> {
        let bare = all
            .iter()
            .find(|other| other.kind == Kind::Bare && other.connections == self.connections);
        let bare = bare.map_or(&[][..], |bare| &bare.full);
        let rounds = self.full.iter().zip(bare);
        let mut ratios: Vec<f64> = rounds
            .map(|(own, bare)| figure(own) / figure(bare))
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }
}

fn speed(turn: &Turn) -> f64 {
    turn.per_second
}

/// What a core would do that has nothing else to do: other work on the machine changes it less.
fn per_cpu_second(turn: &Turn) -> f64 {
    1e6 / turn.cpu
}

pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A column of the table: its head, and what stands in it.
type Column<'a> = (&'a str, &'a dyn Fn(&Series) -> String);

pub(crate) fn print(all: &[Series]) {
    let spread = |series: &Series| {
        let ratios = series.ratios(all, speed);
        match (ratios.first(), ratios.last()) {
            (Some(least), Some(most)) => format!("{least:.3}–{most:.3}"),
            _ => String::new(),
        }
    };
    let ratio = |s: &Series, figure| format!("{:.3}", median(s.ratios(all, figure).into_iter()));
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let columns: [Column<'_>; 13] = [
        ("", &|s| s.kind.name().to_owned()),
        ("connections", &|s| s.connections.to_string()),
        ("requests/s", &|s| format!("{:.0}", s.of(speed))),
        ("ratio", &|s| ratio(s, speed)),
        ("min–max", &spread),
        ("of CPU", &|s| ratio(s, per_cpu_second)),
        ("CPU µs", &|s| format!("{:.2}", s.of(|turn| turn.cpu))),
        ("+ index", &|s| {
            format!("{:.2}", s.of(|turn| turn.cpu_indexed))
        }),
        ("server", &|s| percent(s.of(|turn| turn.server_share))),
        ("generator", &|s| percent(s.of(|turn| turn.generator_share))),
        ("p50 µs", &|s| format!("{:.0}", s.at_half(|turn| turn.p50))),
        ("p99 µs", &|s| format!("{:.0}", s.at_half(|turn| turn.p99))),
        ("RSS MiB", &|s| format!("{:.0}", s.rss)),
    ];
    // As Markdown, to be pasted into a document.
    let row = |cells: Vec<String>| println!("| {} |", cells.join(" | "));
    println!();
    row(columns.iter().map(|(head, _)| (*head).to_owned()).collect());
    row(columns.iter().map(|_| "---".to_owned()).collect());
    for series in all {
        row(columns.iter().map(|(_, cell)| cell(series)).collect());
    }
    let rounds = all.first().map_or(0, |series| series.full.len());
    println!(
        "\nMedians of {rounds} rounds. ratio: requests per second to the bare route's of the same round with as many \
         connections; of CPU: the same of requests per second of CPU time; p50 and p99: at half of the variant's own \
         capacity. Load average at the end: {}",
        process::load_average()
    );
}

pub(crate) fn write(path: &Path, all: &[Series]) {
    let variants: Vec<Value> = all
        .iter()
        .map(|series| {
            let ratios = series.ratios(all, speed);
            json!({
                "name": series.kind.name(),
                "connections": series.connections,
                "requests_per_second": series.of(|turn| turn.per_second),
                "ratio": median(ratios.iter().copied()),
                "ratio_min": ratios.first(),
                "ratio_max": ratios.last(),
                "ratio_of_cpu": median(series.ratios(all, per_cpu_second).into_iter()),
                "cpu_us_per_request": series.of(|turn| turn.cpu),
                "cpu_us_per_request_indexed": series.of(|turn| turn.cpu_indexed),
                "p50_us_at_half": series.at_half(|turn| turn.p50),
                "p99_us_at_half": series.at_half(|turn| turn.p99),
                "rss_mib": series.rss,
                "rounds": series.full.iter().map(Turn::json).collect::<Vec<_>>(),
                "rounds_at_half": series.half.iter().map(Turn::json).collect::<Vec<_>>(),
            })
        })
        .collect();
    let document = json!({"machine": process::machine(), "variants": variants});
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::write(path, format!("{document:#}\n")).unwrap();
}

/// Why the figures can't be used.
pub(crate) fn complaints(all: &[Series]) -> Vec<String> {
    let mut found = Vec::new();
    for series in all {
        let name = format!("{}, {} connections", series.kind.name(), series.connections);
        let turns = || series.full.iter().chain(&series.half);
        let bad: usize = turns().map(|turn| turn.bad).sum();
        if bad > 0 {
            found.push(format!("{name}: {bad} answers were not 200"));
        }
        // None of it is a number where nothing was answered.
        if !turns().all(|turn| turn.per_second > 0.0 && turn.p99 > 0.0) {
            found.push(format!("{name}: a turn without answers"));
        }
        let busy = series.of(|turn| turn.generator_share);
        if busy > GENERATOR_MOST && series.of(|turn| turn.server_share) < busy {
            found.push(format!("{name}: the generator was the limit"));
        }
    }
    found
}
