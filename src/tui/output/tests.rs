//! What is in view stays in view, whatever comes and goes.

use proptest::prelude::*;

use super::rows::{Shape, Spot};
use super::*;
use crate::model::deployment::ExecutionId;
use crate::model::output::OutputSource;
use crate::tui::lists::filter::Mode;

const SHAPE: Shape = Shape {
    width: 40,
    height: 10,
    long: Long::Cut,
};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Output of these instances, the streams of which are numbered from one on.
fn output(instances: &[&str]) -> Output {
    let mut output = Output::default();
    for (number, instance) in (1..).zip(instances) {
        output.add(&name(instance));
        output.opened(&name(instance), number);
    }
    output
}

fn line(seq: u64, at: i64, text: String) -> OutputLine {
    OutputLine {
        execution: ExecutionId("x".into()),
        seq,
        at: Timestamp(at),
        event: LifecycleEvent::Install,
        source: OutputSource::Stdout,
        text,
    }
}

fn lines(seqs: std::ops::Range<u64>) -> Vec<OutputLine> {
    let text = |seq| format!("line {seq}\u{1b}[0m");
    seqs.map(|seq| line(seq, 0, text(seq))).collect()
}

fn first(output: &Output, height: usize) -> String {
    let shape = Shape { height, ..SHAPE };
    output.window(shape)[0].line.text.to_string()
}

#[test]
fn scrolling_up_stops_following_and_the_end_resumes() {
    let mut output = output(&["web-1"]);
    output.extend(1, lines(1..101));
    assert_eq!(first(&output, 10), "line 91");
    output.scroll(-5, SHAPE);
    assert!(!output.follow);
    output.extend(1, lines(101..201));
    assert_eq!(
        first(&output, 10),
        "line 86",
        "new lines do not move the view"
    );
    assert_eq!(output.fresh, 100);
    output.scroll(1000, SHAPE);
    assert!(output.follow);
    assert_eq!(output.fresh, 0);
    assert_eq!(first(&output, 10), "line 191");
    output.extend(1, lines(150..202));
    assert_eq!(output.len(), 201, "repeated lines are dropped");
    output.extend(2, lines(202..203));
    assert_eq!(output.len(), 201, "lines of others are dropped");
}

#[test]
fn what_fits_the_screen_is_followed_whatever_is_scrolled() {
    let mut output = output(&["web-1"]);
    output.extend(1, lines(1..4));
    output.scroll(-5, SHAPE);
    assert!(output.follow);
}

#[test]
fn one_event_alone() {
    let mut output = output(&["web-1"]);
    let mut more = lines(1..41);
    for line in more.iter_mut().step_by(4) {
        line.event = LifecycleEvent::AfterInstall;
    }
    output.extend(1, more);
    output.narrow(Some(LifecycleEvent::AfterInstall));
    assert_eq!((output.len(), first(&output, 4).as_str()), (10, "line 25"));
    output.show_start();
    assert_eq!(first(&output, 4), "line 1");
    output.narrow(None);
    assert_eq!(output.len(), 40);
}

#[test]
fn the_oldest_lines_go_and_the_view_stays() {
    let mut output = output(&["web-1"]);
    output.extend(1, lines(1..100_001));
    output.show_start();
    output.extend(1, lines(100_001..100_011));
    assert_eq!(output.ring.gone(), 10);
    assert_eq!(first(&output, 5), "line 11");
}

#[test]
fn a_wrapped_line_is_scrolled_row_by_row() {
    let mut output = output(&["web-1"]);
    let text = |seq: u64| {
        if seq == 2 {
            "abcdefghij".repeat(10)
        } else {
            seq.to_string()
        }
    };
    output.extend(1, (1..6).map(|seq| line(seq, 0, text(seq))).collect());
    let shape = Shape {
        width: 30,
        height: 3,
        long: Long::Wrapped,
    };
    output.show_start();
    let rows = |output: &Output| -> Vec<(usize, usize)> {
        let window = output.window(shape).into_iter();
        window.map(|seen| (seen.number, seen.part.len())).collect()
    };
    assert_eq!(rows(&output), [(0, 1), (1, 30), (1, 30)]);
    output.scroll(2, shape);
    assert_eq!(rows(&output), [(1, 30), (1, 30), (1, 10)]);
    assert_eq!(output.top(shape), Spot { index: 1, row: 1 });
    // The same letters are the first in view where a row has room for more of them.
    let wide = Shape { width: 60, ..shape };
    assert_eq!(output.top(wide), Spot { index: 1, row: 0 });
    output.scroll(-1, shape);
    output.scroll(-1, shape);
    assert_eq!(rows(&output), [(0, 1), (1, 30), (1, 30)]);
    output.scroll(isize::MAX, shape);
    assert!(output.follow);
    assert_eq!(rows(&output), [(2, 1), (3, 1), (4, 1)]);
    output.scroll(isize::MIN, shape);
    assert_eq!(rows(&output)[0], (0, 1));
}

#[test]
fn hits_are_gone_to_round_and_round() {
    let mut output = output(&["web-1"]);
    output.extend(1, lines(1..101));
    output.search(Needle::new("LINE 5", Mode::Exact));
    assert_eq!(output.hits(), (None, 0), "capitals count");
    assert!(!output.find(true, SHAPE));
    output.search(Needle::new("line 5", Mode::Exact));
    assert_eq!(output.hits(), (None, 11), "5 and 50 to 59");
    // Who follows looks at the end.
    assert!(output.find(false, SHAPE));
    assert_eq!(output.hits(), (Some(11), 11));
    assert!(!output.follow);
    let top = first(&output, 10);
    output.find(false, SHAPE);
    assert_eq!(output.hits().0, Some(10));
    assert_eq!(first(&output, 10), top, "it was in view");
    output.find(true, SHAPE);
    output.find(true, SHAPE);
    assert_eq!(output.hits().0, Some(1));
    output.toggle_lines();
    assert_eq!(output.len(), 11);
    output.extend(1, lines(500..511));
    assert_eq!((output.len(), output.hits()), (22, (Some(1), 22)));
    output.search(None);
    assert_eq!(output.len(), 111);
}

#[test]
fn a_hit_in_view_is_gone_to_while_following() {
    let mut output = output(&["web-1"]);
    output.extend(1, lines(1..101));
    output.search(Needle::new("line 99", Mode::Exact));
    assert!(output.find(false, SHAPE));
    assert!(output.follow);
}

#[test]
fn a_hit_far_right_is_brought_into_view_and_the_column_stays() {
    let mut output = output(&["web-1"]);
    output.extend(1, lines(1..50));
    let far = format!("{}needle", " ".repeat(300));
    output.extend(1, vec![line(50, 0, far)]);
    output.search(Needle::new("needle", Mode::Exact));
    output.find(true, SHAPE);
    assert!((266..=300).contains(&output.column), "{}", output.column);
    let column = output.column;
    output.extend(1, lines(51..90));
    assert_eq!(output.column, column);
}

#[test]
fn streams_that_broke_go_on_where_they_were() {
    let mut output = output(&["web-1"]);
    output.of = Some(Whose {
        deployment: "d-7F3KQ21XB".parse().unwrap(),
        instance: Some(name("web-1")),
    });
    output.extend(1, lines(1..51));
    output.scroll(-20, SHAPE);
    let top = first(&output, 10);
    output.reopen();
    assert_eq!(output.sources[0].last_seq, 50);
    output.opened(&name("web-1"), 7);
    output.extend(7, lines(51..60));
    output.extend(1, lines(60..70));
    assert_eq!((output.len(), first(&output, 10)), (59, top));
    output.end(7, Some("gone".to_owned()));
    assert_eq!(output.stream(), Stream::Failed("gone".to_owned()));
}

/// What happens to output that somebody reads.
#[derive(Clone, Debug)]
enum Step {
    Lines(u64, u64, i64),
    Scroll(isize),
    Find(bool),
    Only,
    Search(&'static str),
    Shape(usize, usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u64..4, 1u64..60, 0i64..200).prop_map(|(of, count, at)| Step::Lines(of, count, at)),
        2 => (-30isize..30).prop_map(Step::Scroll),
        1 => any::<bool>().prop_map(Step::Find),
        1 => Just(Step::Only),
        1 => prop_oneof![Just("7"), Just("x"), Just("nothing")].prop_map(Step::Search),
        1 => (1usize..50, 0usize..30, any::<bool>()).prop_map(|(w, h, wrap)| Step::Shape(w, h, wrap)),
    ]
}

proptest! {
    #[test]
    fn the_line_in_view_and_the_hit_stay_while_lines_come(steps in proptest::collection::vec(step(), 1..40)) {
        let mut output = output(&["a", "b", "c"]);
        let mut shape = SHAPE;
        let mut seqs = [0u64; 3];
        for step in steps {
            let held = |output: &Output| {
                let text = |number: usize| output.ring.get(number).map(|line| line.text.clone());
                (output.follow, text(output.ring.held.top), output.ring.held.hit.and_then(text))
            };
            let before = held(&output);
            match step {
                Step::Lines(of, count, at) => {
                    let seq = &mut seqs[usize::try_from(of).unwrap() - 1];
                    let new = (1..=count).map(|n| {
                        let number = *seq + n;
                        let text = format!("{of} {number} {}", "x y".repeat(usize::try_from(number % 9).unwrap()));
                        line(number, at + i64::try_from(number).unwrap(), text)
                    });
                    let new = new.collect();
                    *seq += count;
                    output.extend(of, new);
                    if !before.0 {
                        prop_assert_eq!(held(&output), before);
                    }
                }
                Step::Scroll(by) => output.scroll(by, shape),
                Step::Find(forward) => {
                    let found = output.find(forward, shape);
                    prop_assert_eq!(found, output.hits().1 > 0);
                    if found && shape.height > 0 {
                        let hit = output.ring.held.hit.unwrap();
                        prop_assert!(output.window(shape).iter().any(|seen| seen.number == hit));
                    }
                }
                Step::Only => output.toggle_lines(),
                Step::Search(text) => output.search(Needle::new(text, Mode::Exact)),
                Step::Shape(width, height, wrap) => {
                    let long = if wrap { Long::Wrapped } else { Long::Cut };
                    shape = Shape { width, height, long };
                    prop_assert_eq!(held(&output), before);
                }
            }
            let window = output.window(shape);
            prop_assert!(window.len() <= shape.height);
            if output.len() >= shape.height {
                prop_assert_eq!(window.len(), shape.height);
            }
            let order: Vec<_> = output.ring.shown().iter().map(|n| output.ring.get(*n).unwrap().order).collect();
            prop_assert!(order.is_sorted());
        }
    }
}
