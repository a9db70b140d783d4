//! What somebody does who has read nothing: only keys that the screen itself offers at that moment, from the lab's first screen
//! to a completed reroute, a failed rollout that is understood and rolled back, and a replay of it.

use crate::checkout::WAITS;
use crate::processes;
use crate::terminal::{Terminal, live};

/// What is on the screen, as one reads it: without borders, and lines that were broken put together.
fn read(screen: &vt100::Screen) -> String {
    let text = screen.contents();
    let inside = text
        .lines()
        .map(|line| line.trim_matches(['\u{2502}', ' ']));
    let words = inside.flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

impl Terminal {
    /// Waits until these words are on the screen, wherever a line ends.
    fn reads(&self, words: &str) {
        self.wait(words, |screen| read(screen).contains(words));
    }

    /// Presses a key once the screen says what it does.
    fn take(&mut self, key: &str, what: &str) {
        self.reads(&format!("{key} {what}"));
        self.press(key);
    }

    /// Accepts a question once it listens.
    fn accept(&mut self, what: &str) {
        let key = format!("y  {what}");
        self.wait("a live key", |screen| live(screen, &key));
        self.press("y");
    }
}

fn from_the_first_screen_to_a_replay(columns: u16, rows: u16) {
    let mut terminal = Terminal::whole_lab_of(columns, rows);
    terminal.reads(WAITS);
    terminal.reads("2.1 is installed beside it and waits for them. Press r:");
    terminal.take("r", "reroute");
    terminal.reads("Traffic moves from the 2 of the original");
    terminal.reads("in the end: Succeeded");
    terminal.accept("reroute");
    terminal.reads("in effect \u{25b0} 100 %");
    terminal.take("e", "end wait");
    terminal.reads("They stay out of service");
    terminal.accept("end the wait");
    terminal.reads("\u{2714} Succeeded 2.1");

    terminal.take(":", "and type shop");
    terminal.reads("enter goes there");
    terminal.press("shop");
    terminal.wait_for("\u{276f} shop/production ");
    terminal.press("\r");
    terminal.take("d", "deploys: take 1.2.0-broken");
    terminal.reads("enter shows what it would do before anything happens");
    terminal.press("broken");
    terminal.wait_for("\u{276f} 1.2.0-broken");
    terminal.press("\r");
    terminal.reads("which a rollback would bring back");
    terminal.accept("deploy");
    terminal.reads("HEALTH_CONSTRAINTS");
    terminal.take("n", "goes to a host that failed");
    terminal.reads("cache at 10.0.0.2:6379 refused the connection");
    terminal.take("b", "brings the revision before back");
    terminal.reads("1.0.0 goes to 8 instances");
    terminal.accept("roll back");
    terminal.reads("The revision before is back.");

    terminal.take("[", "goes back to what failed");
    terminal.reads("HEALTH_CONSTRAINTS");
    terminal.take("R", "replay");
    terminal.reads("REPLAY");
    terminal.take(".", "forward");
    terminal.reads("\u{25b8} InProgress");
    terminal.take("}", "next turn");
    terminal.reads("ValidateService failed");
    terminal.take("q", "end replay");
    terminal.wait("what is live", |screen| {
        !screen.contents().contains("REPLAY")
    });
    let folder = terminal.folder();
    terminal.leave();
    assert_eq!(processes(&folder), Vec::<String>::new());
}

#[test]
fn keys_on_a_small_screen_lead_from_the_first_to_a_replay() {
    from_the_first_screen_to_a_replay(80, 24);
}

#[test]
fn keys_on_a_large_screen_lead_from_the_first_to_a_replay() {
    from_the_first_screen_to_a_replay(200, 60);
}
