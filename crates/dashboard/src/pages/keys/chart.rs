//! Requests by day, as a picture.

use torvus_storage::usage::DayUsage;

use super::moment::grouped;

const LEFT: u64 = 46;
const STEP: u64 = 22;
const BASE: u64 = 160;
const TOP: u64 = 10;
const LABELS: u64 = 24;

/// Shapes of an SVG picture; its colours come from the style sheet.
pub(super) struct Chart {
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) left: u64,
    pub(super) base: u64,
    pub(super) lines: Vec<Line>,
    pub(super) bars: Vec<Bar>,
    pub(super) dates: Vec<DateLabel>,
    pub(super) summary: String,
}

pub(super) struct Line {
    pub(super) y: u64,
    pub(super) label: String,
}

pub(super) struct Bar {
    pub(super) title: String,
    pub(super) x: u64,
    pub(super) step: u64,
    pub(super) parts: Vec<Part>,
}

pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) y: u64,
    pub(super) height: u64,
}

pub(super) struct DateLabel {
    pub(super) x: u64,
    pub(super) anchor: &'static str,
    pub(super) text: String,
}

impl Chart {
    pub(super) fn of(days: &[DayUsage]) -> Self {
        let busiest = days.iter().max_by_key(|day| total(day));
        let top = rounded(busiest.map_or(0, total));
        let places = (0_u64..).map(|index| LEFT + index * STEP);
        let width = LEFT + STEP * u64::try_from(days.len()).unwrap_or(0);
        let line = |part: u64| Line {
            y: BASE - (BASE - TOP) * part / 2,
            label: grouped(top * part / 2),
        };
        let halves: &[u64] = if top.is_multiple_of(2) {
            &[0, 1, 2]
        } else {
            &[0, 2]
        };
        Self {
            width,
            height: BASE + LABELS,
            left: LEFT,
            base: BASE,
            lines: halves.iter().map(|part| line(*part)).collect(),
            bars: days
                .iter()
                .zip(places.clone())
                .map(|(day, x)| bar(day, x, top))
                .collect(),
            dates: days
                .iter()
                .zip(places)
                .enumerate()
                .filter(|(index, _)| {
                    let left = days.len() - index;
                    (index.is_multiple_of(7) && left > 4) || left == 1
                })
                .map(|(index, (day, x))| DateLabel {
                    x: x + STEP / 2,
                    anchor: if index + 1 == days.len() {
                        "end"
                    } else {
                        "middle"
                    },
                    text: day.date.format("%-d %b").to_string(),
                })
                .collect(),
            summary: summary(days, busiest),
        }
    }
}

fn total(day: &DayUsage) -> u64 {
    day.ok + day.client_errors + day.rate_limited + day.server_errors
}

fn bar(day: &DayUsage, x: u64, top: u64) -> Bar {
    let mut y = BASE;
    let parts = [
        ("ok", day.ok),
        ("client", day.client_errors),
        ("limited", day.rate_limited),
        ("server", day.server_errors),
    ];
    let parts = parts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(class, count)| {
            // What is there is seen, however little it is.
            let height = (count * (BASE - TOP) / top.max(1)).max(1);
            y = y.saturating_sub(height);
            Part { class, y, height }
        });
    let parts = parts.collect();
    Bar {
        title: format!(
            "{}: {} OK, {} 4xx, {} 429, {} 5xx",
            day.date.format("%a, %-d %b"),
            grouped(day.ok),
            grouped(day.client_errors),
            grouped(day.rate_limited),
            grouped(day.server_errors)
        ),
        x,
        step: STEP,
        parts,
    }
}

/// The next number that people like: 1, 2 or 5 and noughts.
fn rounded(most: u64) -> u64 {
    let mut unit: u64 = 1;
    loop {
        for times in [1, 2, 5] {
            let nice = unit.saturating_mul(times);
            if nice >= most {
                return nice;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

fn summary(days: &[DayUsage], busiest: Option<&DayUsage>) -> String {
    let all: u64 = days.iter().map(total).sum();
    match busiest.filter(|_| all > 0) {
        None => "No requests in the last 30 days.".to_owned(),
        Some(day) => format!(
            "{} requests; the busiest day was {} with {}.",
            grouped(all),
            day.date.format("%-d %b %Y"),
            grouped(total(day))
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(ok: u64, client_errors: u64) -> DayUsage {
        DayUsage {
            date: "2026-11-24".parse().unwrap(),
            ok,
            client_errors,
            rate_limited: 0,
            server_errors: 0,
        }
    }

    #[test]
    fn bars_stay_within_the_picture_and_little_is_seen() {
        let chart = Chart::of(&[day(0, 0), day(999, 1), day(1, 0)]);
        let [none, tall, low] = &chart.bars[..] else {
            panic!("three days");
        };
        assert!(none.parts.is_empty());
        assert_eq!((low.parts[0].height, tall.parts[1].height), (1, 1));
        assert!(
            tall.parts
                .iter()
                .all(|part| part.y >= TOP - 1 && part.y + part.height <= BASE)
        );
        assert_eq!(chart.lines.last().unwrap().label, "1,000");
        assert_eq!(
            Chart::of(&[day(0, 0)]).summary,
            "No requests in the last 30 days."
        );
    }

    #[test]
    fn the_scale_is_a_number_that_people_like() {
        for (most, nice) in [
            (0, 1),
            (1, 1),
            (3, 5),
            (11, 20),
            (501, 1_000),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(rounded(most), nice);
        }
    }
}
