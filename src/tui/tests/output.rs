//! Output on the screen: read, searched, copied and saved.

use ratatui::style::Modifier;

use super::{Cockpit, MONO, sample};
use crate::api::feed::{FeedItem, OutputLine};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::output::OutputSource;
use crate::tui::effect::Effect;
use crate::tui::message::{Message, OutputNews};
use crate::tui::model::Pane;
use crate::tui::screens::here;

fn reading() -> Cockpit {
    let run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.resize(120, 40);
    cockpit.keys("tab tab");
    write(&mut cockpit, sample::lines(30));
    cockpit
}

/// Lines of the one instance that is read.
fn write(cockpit: &mut Cockpit, lines: Vec<OutputLine>) {
    let number = cockpit.model.output.number();
    cockpit.send(Message::Output(number, OutputNews::Lines(lines)));
}

/// Lines behind those of the sample, of which every third is longer than the screen is wide.
pub(super) fn long_lines(cockpit: &mut Cockpit) {
    let last = cockpit.model.output.ring.shown().len() as u64;
    let lines = sample::lines(last + 30).into_iter().map(|mut line| {
        if line.seq % 3 == 0 {
            let words = (0..40).map(|n| format!("long{n:02} "));
            line.text = words.collect();
        }
        line
    });
    write(cockpit, lines.collect());
}

/// The streams that were asked for, by instance.
fn streams(cockpit: &Cockpit) -> Vec<(u64, String)> {
    let last = cockpit.effects.iter().rev();
    let last = last.take_while(|effect| **effect != Effect::Unfollow);
    let mut streams: Vec<_> = last
        .filter_map(|effect| match effect {
            Effect::Follow { stream, target, .. } => Some((*stream, target.to_string())),
            _ => None,
        })
        .collect();
    streams.reverse();
    streams
}

/// Every instance writes some lines, one after the other's.
pub(super) fn of_all(cockpit: &mut Cockpit) {
    for (place, (stream, name)) in streams(cockpit).into_iter().enumerate() {
        let lines = sample::lines(6).into_iter().map(|mut line| {
            line.at.0 += i64::try_from(place).unwrap() * 30;
            line.text = format!("{name} wrote {}", line.seq);
            line
        });
        let news = OutputNews::Lines(lines.collect());
        cockpit.send(Message::Output(stream, news));
    }
}

fn place(cockpit: &Cockpit) -> String {
    here(&cockpit.model).to_string()
}

#[test]
fn it_fills_the_screen_and_gives_it_back() {
    let mut cockpit = reading();
    cockpit.keys("tab z");
    assert_eq!(cockpit.model.focus, Pane::Output, "from every pane");
    assert!(
        !cockpit
            .screen()
            .contains("d-7F3KQ21XB \u{22c5} shop / production")
    );
    assert_eq!(cockpit.model.layout().rows(Pane::Output), 40 - 3 - 1);
    cockpit.keys("esc");
    assert_eq!(cockpit.model.focus, Pane::Output);
    assert!(cockpit.model.layout().instances.height > 0);
    // What one event wrote alone needs no key.
    cockpit.keys("enter");
    assert_eq!(place(&cockpit), "d-7F3KQ21XB/web-3/AfterInstall");
    assert_eq!(cockpit.model.layout().instances.height, 0);
    cockpit.keys("esc");
    assert!(cockpit.model.layout().instances.height > 0);
}

#[test]
fn of_all_instances_no_event_is_the_newest() {
    let mut cockpit = reading();
    cockpit.keys("F F F F");
    assert!(cockpit.screen().contains("newest event"));
    cockpit.keys("m");
    let screen = cockpit.screen();
    assert!(!screen.contains("newest event"), "{screen}");
}

#[test]
fn its_place_survives_another_size() {
    let mut cockpit = reading();
    cockpit.keys("z");
    cockpit.resize(80, 12);
    cockpit.keys("k k k k k");
    let top = |cockpit: &Cockpit| {
        let screen = cockpit.screen();
        let row = screen.lines().find(|row| row.contains("migrating"));
        row.unwrap()[..40].to_owned()
    };
    let before = top(&cockpit);
    cockpit.resize(120, 9);
    cockpit.resize(30, 4);
    cockpit.resize(80, 12);
    assert_eq!(top(&cockpit), before);
}

#[test]
fn something_is_looked_for_while_lines_come() {
    let mut cockpit = reading();
    cockpit.keys("/ M I G");
    assert!(
        cockpit.screen().contains("/ MIG_  nothing"),
        "capitals count"
    );
    cockpit.keys("backspace backspace backspace m i g");
    assert!(cockpit.screen().contains("30 lines"));
    assert!(cockpit.model.output.follow);
    write(&mut cockpit, sample::lines(40));
    assert!(cockpit.screen().contains("40 lines"));
    cockpit.keys("enter");
    assert!(cockpit.model.output.follow, "the latest hit is in view");
    assert!(cockpit.screen().contains("/mig 40 of 40"));
    cockpit.keys("n");
    assert!(cockpit.screen().contains("/mig 1 of 40"));
    assert!(!cockpit.model.output.follow);
    cockpit.keys("N N");
    assert!(cockpit.screen().contains("/mig 39 of 40"));
    cockpit.keys("esc");
    assert!(!cockpit.screen().contains("/mig "));
    assert_eq!(
        cockpit.model.focus,
        Pane::Output,
        "it ends the search alone"
    );
}

#[test]
fn expressions_and_what_is_none() {
    let mut cockpit = reading();
    cockpit.keys("/ tab 7 7 | 8 4");
    assert!(cockpit.screen().contains("regex"));
    assert!(cockpit.screen().contains("2 lines"), "{}", cockpit.screen());
    cockpit.keys("(");
    assert!(cockpit.screen().contains("is no regular expression"));
    cockpit.keys("esc");
    cockpit.send(Message::Paste("z".to_owned()));
    cockpit.keys("/");
    cockpit.send(Message::Paste("77\n".to_owned()));
    assert!(cockpit.screen().contains("/ 77_  1 line  exact"));
    cockpit.keys("backspace backspace n o n e enter n");
    let said = cockpit.screen();
    assert!(said.contains("no line that is shown has none"), "{said}");
}

#[test]
fn keys_mean_what_they_mean_elsewhere_where_the_output_has_no_use_for_them() {
    let mut cockpit = reading();
    cockpit.keys("n");
    assert_eq!(
        cockpit.model.focus,
        Pane::Instances,
        "to the failed instance"
    );
    cockpit.keys("/ w e b - 5 enter tab / 7 enter n");
    assert_eq!(cockpit.model.focus, Pane::Output);
    let footer = cockpit.screen().lines().last().unwrap().to_owned();
    assert!(!footer.contains("n next failed"), "{footer}");
}

#[test]
fn what_was_found_shows_without_colour() {
    let mut cockpit = reading();
    cockpit.model.theme = *MONO;
    cockpit.keys("z / 8 4 enter");
    let screen = cockpit.screen();
    let row = screen
        .lines()
        .position(|row| row.contains(" 84/400"))
        .unwrap();
    let line: Vec<char> = screen.lines().nth(row).unwrap().chars().collect();
    let column = line
        .windows(3)
        .position(|part| part == ['8', '4', '/'])
        .unwrap();
    assert_eq!(
        line[1], '\u{276f}',
        "the line that was gone to has a cursor"
    );
    let style = |column| cockpit.style_at(column, row);
    assert!(style(column).add_modifier.contains(Modifier::REVERSED));
    assert!(!style(column + 3).add_modifier.contains(Modifier::REVERSED));
    cockpit.keys("/ backspace backspace m i g enter");
    let style = cockpit.style_at(line.iter().position(|c| *c == 'm').unwrap(), row);
    assert!(style.add_modifier.contains(Modifier::UNDERLINED));
    assert_eq!(
        (
            style.fg,
            style.bg.filter(|c| *c != ratatui::style::Color::Reset)
        ),
        (Some(ratatui::style::Color::Reset), None)
    );
}

#[test]
fn sideways_by_half_a_screen_and_the_column_stays() {
    let mut cockpit = reading();
    cockpit.resize(80, 24);
    long_lines(&mut cockpit);
    cockpit.keys("right");
    let column = cockpit.model.output.column;
    assert_eq!(column, (80 - 4 - 19) / 2);
    long_lines(&mut cockpit);
    assert_eq!(cockpit.model.output.column, column);
    cockpit.keys("right right right right right right right right right right");
    let end = cockpit.model.output.column;
    assert!(end < 40 * 7, "{end}");
    cockpit.keys("w right");
    assert_eq!(cockpit.model.output.column, 0);
    assert!(cockpit.screen().contains("w cuts them"));
}

#[test]
fn all_instances_in_the_order_of_their_time() {
    let mut cockpit = reading();
    let count = streams(&cockpit).len();
    assert_eq!(count, 1);
    cockpit.keys("m");
    assert_eq!(place(&cockpit), "d-7F3KQ21XB/:output");
    let names: Vec<String> = streams(&cockpit)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    assert_eq!(
        names,
        ["web-3", "web-1", "web-2", "web-4", "web-5"],
        "what failed first"
    );
    of_all(&mut cockpit);
    cockpit.keys("z");
    let screen = cockpit.screen();
    let wrote: Vec<&str> = screen
        .lines()
        .filter_map(|line| line.split_once(" wrote ").map(|(line, _)| line))
        .map(|line| line.rsplit(' ').next().unwrap())
        .collect();
    let order = [
        "web-3", "web-1", "web-2", "web-4", "web-3", "web-5", "web-1", "web-2",
    ];
    assert_eq!(wrote[..8], order);
    // Another instance begins, and is read as well.
    let mut run = sample::rollout();
    let before = run.records.len();
    run.walk("web-4", 7).walk("web-6", 0);
    for record in run.records.split_off(before) {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        });
    }
    let last = streams(&cockpit).pop().map(|(_, name)| name);
    assert_eq!(last.as_deref(), Some("web-6"));
    // To the instance that wrote the line.
    cockpit.keys("/ w e b - 5 enter enter");
    assert_eq!(place(&cockpit), "d-7F3KQ21XB/web-5");
    cockpit.keys("[");
    assert_eq!(place(&cockpit), "d-7F3KQ21XB/:output");
    cockpit.keys("esc esc");
    assert_eq!(
        place(&cockpit),
        "d-7F3KQ21XB/:output",
        "the search, then the room"
    );
    cockpit.keys("m");
    assert_eq!(place(&cockpit), "d-7F3KQ21XB/web-5");
    assert!(cockpit.screen().contains("web-5"));
}

#[test]
fn a_connection_that_comes_back_goes_on_where_it_broke() {
    let mut cockpit = reading();
    cockpit.keys("k k k k");
    let before = cockpit.model.output.ring.held.top;
    cockpit.send(Message::Lost("gone".to_owned()));
    let run = sample::rollout();
    let snapshot = sample::snapshot(sample::project(12), &run.deployment);
    cockpit.tell(FeedItem::Snapshot(Box::new(snapshot)));
    let Some(Effect::Follow { after, stream, .. }) = cockpit.effects.last() else {
        panic!("{:?}", cockpit.effects.last());
    };
    assert_eq!((*after, cockpit.model.output.number()), (30, *stream));
    write(&mut cockpit, sample::lines(50));
    assert_eq!(cockpit.model.output.len(), 50);
    assert_eq!(cockpit.model.output.ring.held.top, before);
    assert!(cockpit.screen().contains("20 new, f follows"));
}

#[test]
fn times_are_of_the_day_or_of_the_event_or_hidden() {
    let mut cockpit = reading();
    cockpit.keys("z");
    assert!(cockpit.screen().contains(" 14:02:02 AftIn"));
    cockpit.keys("T");
    let screen = cockpit.screen();
    assert!(
        !screen.contains(" 14:02:02 AftIn") && screen.contains("s AftIn     migrating"),
        "{screen}"
    );
    cockpit.keys("T");
    assert!(cockpit.screen().contains("\u{2502} AftIn     migrating"));
}

#[test]
fn lines_are_copied_and_saved_as_they_are_shown() {
    let mut cockpit = reading();
    cockpit.keys("/ 7 7 enter y");
    let Some(Effect::Copy(text)) = cockpit.effects.last() else {
        panic!()
    };
    assert_eq!(text, "14:02:03 AftIn agt migrating assets 77/400");
    assert!(
        cockpit
            .screen()
            .contains("asked the terminal to copy a line")
    );
    cockpit.keys("& W");
    let Some(Effect::Save { name, text, .. }) = cockpit.effects.last() else {
        panic!()
    };
    assert_eq!(name, "d-7F3KQ21XB-web-3");
    assert_eq!(text.lines().count(), 1);
    cockpit.send(Message::Saved(Ok(
        "/srv/shop/d-7F3KQ21XB-web-3.log".to_owned()
    )));
    assert!(
        cockpit
            .screen()
            .contains("saved as /srv/shop/d-7F3KQ21XB-web-3.log")
    );
    cockpit.send(Message::Saved(Err("it can't be written".to_owned())));
    assert!(cockpit.screen().contains("it can't be written"));
}

#[test]
fn more_than_a_terminal_takes_is_cut_and_said() {
    let mut cockpit = reading();
    let many = sample::lines(3000).into_iter().map(|mut line| {
        line.source = OutputSource::Stdout;
        line
    });
    write(&mut cockpit, many.collect());
    cockpit.keys("Y");
    let Some(Effect::Copy(text)) = cockpit.effects.last() else {
        panic!()
    };
    assert!(text.len() > 50_000 && text.len() <= crate::tui::copy::MOST);
    assert!(text.ends_with("21000/400"));
    let count = text.lines().count();
    assert!(
        cockpit
            .screen()
            .contains(&format!("the last {count} of 3000 lines"))
    );
}

#[test]
fn lines_that_are_gone_are_said_with_what_shows_them() {
    let mut cockpit = reading();
    cockpit.keys("z");
    write(&mut cockpit, sample::lines(100_040));
    assert!(!cockpit.screen().contains("older lines"));
    cockpit.keys("g");
    let screen = cockpit.screen();
    assert!(
        screen.contains("40 older lines: cutover logs d-7F3KQ21XB web-3"),
        "{screen}"
    );
}

/// A line of the one instance that is read, so many seconds after the sample's time.
fn at(seq: u64, seconds: i64, event: LifecycleEvent, text: &str) -> OutputLine {
    let mut line = sample::lines(1).remove(0);
    line.seq = seq;
    line.at = sample::now(seconds * 1000);
    line.event = event;
    line.text = text.to_owned();
    line
}

#[test]
fn output_is_shown_from_a_time_on_that_goes_on() {
    let run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.resize(120, 40);
    cockpit.keys("tab tab");
    let lines = vec![
        at(1, -1200, LifecycleEvent::Install, "twenty minutes"),
        at(2, -600, LifecycleEvent::Install, "ten minutes"),
        at(3, -200, LifecycleEvent::Install, "three minutes"),
        at(4, -40, LifecycleEvent::AfterInstall, "forty seconds"),
    ];
    write(&mut cockpit, lines);
    let all = [
        "twenty minutes",
        "ten minutes",
        "three minutes",
        "forty seconds",
    ];
    let shown = |cockpit: &Cockpit| {
        let screen = cockpit.screen();
        all.iter().filter(|text| screen.contains(**text)).count()
    };
    assert_eq!(shown(&cockpit), 4);
    for (said, count) in [("last 15 min", 3), ("last 5 min", 2), ("last 1 min", 1)] {
        cockpit.keys("F");
        assert!(cockpit.screen().contains(said), "{}", cockpit.screen());
        assert_eq!(shown(&cockpit), count, "{said}");
    }
    cockpit.wait(21_000);
    assert_eq!(shown(&cockpit), 0, "time goes on");
    assert!(
        cockpit
            .screen()
            .contains("nothing is shown of the last 1 min: F shows more")
    );
    write(
        &mut cockpit,
        vec![at(5, 22, LifecycleEvent::AfterInstall, "now")],
    );
    assert!(cockpit.screen().contains(" now ") && cockpit.screen().contains("following"));
    cockpit.keys("F");
    assert!(cockpit.screen().contains("newest event"));
    assert_eq!(
        shown(&cockpit),
        1,
        "what AfterInstall wrote, which has failed"
    );
    cockpit.keys("F");
    assert_eq!(shown(&cockpit), 4);
}

#[test]
fn of_all_instances_there_is_no_newest_event_and_of_one_that_is_over_time_ends_with_it() {
    let mut cockpit = reading();
    cockpit.keys("m F F F");
    assert!(cockpit.screen().contains("last 1 min"));
    cockpit.keys("F");
    let screen = cockpit.screen();
    assert!(
        !screen.contains("newest event") && !screen.contains("last 1"),
        "{screen}"
    );
    let mut run = sample::rollout();
    run.finish();
    let end = run.deployment.complete_time.unwrap();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.resize(120, 40);
    cockpit.keys("tab tab F F F");
    let mut late = at(1, 0, LifecycleEvent::AfterInstall, "at the end");
    late.at = end;
    write(&mut cockpit, vec![late]);
    cockpit.wait(3_600_000);
    assert!(
        cockpit.screen().contains("at the end"),
        "{}",
        cockpit.screen()
    );
}

/// A window on what is left costs nothing that grows with what is not shown.
#[test]
fn a_hundred_thousand_lines_leave_one_after_the_other() {
    let run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys("tab tab F F F");
    let lines = (0..100_000u32).map(|n| {
        let seconds = i64::from(n) / 1000 - 50;
        at(
            u64::from(n) + 1,
            seconds,
            LifecycleEvent::AfterInstall,
            "line",
        )
    });
    write(&mut cockpit, lines.collect());
    assert_eq!(cockpit.model.output.len(), 100_000);
    for second in 1..=60 {
        cockpit.wait(1000);
        let left = cockpit.model.output.len();
        let gone = (second - 10_usize.min(second)) * 1000;
        assert_eq!(left, 100_000 - gone, "after {second} s");
    }
}
