//! The output of the selected instance: a bounded window on a stream of lines.

use std::collections::VecDeque;

use super::safe;
use crate::api::feed::OutputLine;
use crate::model::deployment::DeploymentId;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;
use crate::model::output::OutputSource;
use crate::model::timestamp::Timestamp;

/// Lines kept: the oldest go first, and are counted.
const KEPT: usize = 20_000;

/// One line, safe to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub at: Timestamp,
    pub event: LifecycleEvent,
    pub source: OutputSource,
    pub text: String,
}

/// Where the stream stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Asked for, nothing has come.
    #[default]
    Waiting,
    /// Lines come.
    Live,
    /// Nothing more will come.
    Ended,
    /// It broke.
    Failed(String),
}

/// The output pane's content.
#[derive(Debug)]
pub(crate) struct Output {
    /// Whose output it is.
    pub of: Option<(DeploymentId, Name)>,
    /// The stream's number: news of an older one are dropped.
    pub number: u64,
    pub stream: Stream,
    pub lines: VecDeque<Line>,
    /// Lines that would be shown and were dropped from the front.
    pub dropped: usize,
    /// The number of the last line.
    pub last_seq: u64,
    /// Whether the newest line is kept in view.
    pub follow: bool,
    /// The first line in view, counted from the very first one.
    pub top: usize,
    /// Columns cut off at the left.
    pub column: usize,
    /// The lifecycle event whose lines alone are shown, if it is one alone.
    pub only: Option<LifecycleEvent>,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            of: None,
            number: 0,
            stream: Stream::Waiting,
            lines: VecDeque::new(),
            dropped: 0,
            last_seq: 0,
            follow: true,
            top: 0,
            column: 0,
            only: None,
        }
    }
}

impl Output {
    /// Takes new lines.
    pub(crate) fn extend(&mut self, lines: Vec<OutputLine>) {
        self.stream = Stream::Live;
        for line in lines {
            // A stream that was opened anew may repeat what is here.
            if line.seq <= self.last_seq {
                continue;
            }
            self.last_seq = line.seq;
            if self.lines.len() == KEPT {
                let gone = self.lines.pop_front();
                self.dropped += usize::from(gone.is_some_and(|line| self.shows(&line)));
            }
            self.lines.push_back(Line {
                at: line.at,
                event: line.event,
                source: line.source,
                text: safe::line(&line.text),
            });
        }
    }

    /// Shows the lines of one lifecycle event alone, or of all.
    pub(crate) fn narrow(&mut self, only: Option<LifecycleEvent>) {
        if self.only != only {
            self.only = only;
            self.dropped = 0;
            self.follow = true;
        }
    }

    fn shows(&self, line: &Line) -> bool {
        self.only.is_none_or(|event| event == line.event)
    }

    /// How many lines are shown.
    pub(crate) fn len(&self) -> usize {
        match self.only {
            None => self.lines.len(),
            Some(_) => self.lines.iter().filter(|line| self.shows(line)).count(),
        }
    }

    /// Moves the view by so many lines; upwards stops following, the end resumes it.
    pub(crate) fn scroll(&mut self, lines: isize, height: usize) {
        let last = self.last_top(height);
        self.top = self
            .top(height)
            .saturating_add_signed(lines)
            .clamp(self.dropped.min(last), last);
        self.follow = self.top == last && lines > 0;
    }

    /// Shows the beginning.
    pub(crate) fn show_start(&mut self) {
        self.top = self.dropped;
        self.follow = false;
    }

    /// The first line in view, counted from the very first.
    pub(crate) fn top(&self, height: usize) -> usize {
        if self.follow {
            self.last_top(height)
        } else {
            self.top
                .clamp(self.dropped, self.last_top(height).max(self.dropped))
        }
    }

    fn last_top(&self, height: usize) -> usize {
        self.dropped + self.len().saturating_sub(height)
    }

    /// The lines in view.
    pub(crate) fn window(&self, height: usize) -> impl Iterator<Item = &Line> {
        let first = self.top(height) - self.dropped;
        let shown = self.lines.iter().filter(|line| self.shows(line));
        shown.skip(first).take(height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::deployment::ExecutionId;

    fn lines(seqs: std::ops::Range<u64>) -> Vec<OutputLine> {
        seqs.map(|seq| OutputLine {
            execution: ExecutionId("x".into()),
            seq,
            at: Timestamp(0),
            event: LifecycleEvent::Install,
            source: OutputSource::Stdout,
            text: format!("line {seq}\u{1b}[0m"),
        })
        .collect()
    }

    fn first(output: &Output, height: usize) -> String {
        output.window(height).next().unwrap().text.clone()
    }

    #[test]
    fn scrolling_up_stops_following_and_the_end_resumes() {
        let mut output = Output::default();
        output.extend(lines(1..101));
        assert_eq!(first(&output, 10), "line 91");
        output.scroll(-5, 10);
        assert!(!output.follow);
        output.extend(lines(101..201));
        assert_eq!(
            first(&output, 10),
            "line 86",
            "new lines do not move the view"
        );
        output.scroll(1000, 10);
        assert!(output.follow);
        assert_eq!(first(&output, 10), "line 191");
        output.extend(lines(150..202));
        assert_eq!(output.lines.len(), 201, "repeated lines are dropped");
    }

    #[test]
    fn one_event_alone() {
        let mut output = Output::default();
        let mut more = lines(1..41);
        for line in more.iter_mut().step_by(4) {
            line.event = LifecycleEvent::AfterInstall;
        }
        output.extend(more);
        output.narrow(Some(LifecycleEvent::AfterInstall));
        assert_eq!((output.len(), first(&output, 4).as_str()), (10, "line 25"));
        output.show_start();
        assert_eq!(first(&output, 4), "line 1");
        output.narrow(None);
        assert_eq!(output.len(), 40);
    }

    #[test]
    fn the_oldest_lines_go_and_the_view_stays() {
        let mut output = Output::default();
        output.extend(lines(1..20_001));
        output.show_start();
        output.extend(lines(20_001..20_011));
        assert_eq!(output.dropped, 10);
        assert_eq!(first(&output, 5), "line 11");
    }
}
