//! What was measured, each figure beside a floor from the same run: the ratio says more than the time, on any machine.

use std::fmt::Write as _;
use std::time::Duration;

/// Samples of one kind, in seconds or bytes.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub fn add(&mut self, time: Duration) {
        self.push(time.as_secs_f64());
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        sorted[sorted.len() / 2]
    }

    /// The value that this share of the samples does not exceed.
    pub fn quantile(&self, percent: usize) -> f64 {
        let sorted = self.sorted();
        sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
    }

    /// The least and the greatest.
    pub fn range(&self) -> (f64, f64) {
        let sorted = self.sorted();
        (sorted[0], sorted[sorted.len() - 1])
    }
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Aim {
    /// At most so many times its floor.
    Ratio(f64),
    /// At most so many seconds.
    Seconds(f64),
    /// At most so many bytes.
    Bytes(f64),
    /// It is told for those who want to know.
    None,
}

/// One line of the table.
#[derive(Debug)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    /// What is shown behind the value: the range of the rounds.
    pub range: Option<(f64, f64)>,
    /// What the machine takes for the part of it that can't be left out.
    pub floor: Option<f64>,
    pub aim: Aim,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug)]
pub enum Unit {
    Time,
    Bytes,
}

impl Figure {
    pub fn time(name: impl Into<String>, value: f64) -> Self {
        Self {
            name: name.into(),
            value,
            range: None,
            floor: None,
            aim: Aim::None,
            unit: Unit::Time,
        }
    }

    /// The median of these, with their range.
    pub fn median(name: impl Into<String>, samples: &Samples) -> Self {
        Self {
            range: Some(samples.range()),
            ..Self::time(name, samples.median())
        }
    }

    pub fn over(self, floor: f64) -> Self {
        Self {
            floor: Some(floor),
            ..self
        }
    }

    pub fn aim(self, aim: Aim) -> Self {
        Self { aim, ..self }
    }

    fn ratio(&self) -> Option<f64> {
        self.floor.map(|floor| self.value / floor)
    }

    fn verdict(&self) -> &'static str {
        let within = match self.aim {
            Aim::Ratio(most) => self.ratio().is_some_and(|ratio| ratio <= most),
            Aim::Seconds(most) | Aim::Bytes(most) => self.value <= most,
            Aim::None => return "",
        };
        if within { "ok" } else { "above" }
    }

    fn show(&self, value: f64) -> String {
        match self.unit {
            Unit::Time => time(value),
            Unit::Bytes if value < 1e5 => format!("{:.1} kB", value / 1e3),
            Unit::Bytes => format!("{:.1} MB", value / 1e6),
        }
    }

    fn cells(&self) -> [String; 7] {
        let range = self.range.map_or_else(String::new, |(least, most)| {
            format!("{} to {}", self.show(least), self.show(most))
        });
        let aim = match self.aim {
            Aim::Ratio(most) => format!("{most} x"),
            Aim::Seconds(most) | Aim::Bytes(most) => self.show(most),
            Aim::None => String::new(),
        };
        [
            self.name.clone(),
            self.show(self.value),
            range,
            self.floor
                .map_or_else(String::new, |floor| self.show(floor)),
            self.ratio()
                .map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            aim,
            self.verdict().to_owned(),
        ]
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-6 => format!("{:.0} ns", s * 1e9),
        s if s < 1e-3 => format!("{:.2} µs", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

/// All figures below each other.
pub fn table(figures: &[Figure]) -> String {
    let head = ["figure", "value", "range", "floor", "ratio", "aim", ""].map(str::to_owned);
    let rows: Vec<[String; 7]> = std::iter::once(head)
        .chain(figures.iter().map(Figure::cells))
        .collect();
    let widths: Vec<usize> = (0..7)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            write!(line, "{cell:<width$}  ").unwrap();
        }
        writeln!(text, "{}", line.trim_end()).unwrap();
    }
    text
}
