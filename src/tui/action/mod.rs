//! The registry of actions: everything that a key can do. Dispatch, footer, help and go-to come from this one list.

pub(crate) mod available;
pub(crate) mod key;
pub(crate) mod keymap;
pub(crate) mod keys;
pub(crate) mod listing;
pub(crate) mod source;

use super::lists::List;
use super::model::Model;
use super::output::Lines;
use super::output::rows::Long;
use super::panes::output;
use super::screens::{self, Screen};

/// Where an action's keys are alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// Every pane.
    Main,
    /// The lists and the instances.
    Rows,
    /// The output pane.
    Output,
    /// The output pane, before what its keys mean elsewhere.
    Reading,
    /// A confirmation.
    Confirm,
    /// The question that is asked when leaving.
    Leaving,
    /// Wherever text is typed.
    Typing,
    /// A form.
    Form,
    /// What is only read: the help, the messages.
    Help,
    /// Every pane, while a recording is replayed: before what its keys mean elsewhere.
    Replay,
}

impl Context {
    /// Every context, in the order of the help.
    pub(crate) const ALL: [Self; 10] = [
        Self::Replay,
        Self::Main,
        Self::Rows,
        Self::Output,
        Self::Reading,
        Self::Confirm,
        Self::Leaving,
        Self::Typing,
        Self::Form,
        Self::Help,
    ];

    /// The heading in the help.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Main => "Everywhere",
            Self::Rows => "In the lists and the instances",
            Self::Output => "In the output",
            Self::Reading => "In the output, before what these keys mean elsewhere",
            Self::Confirm => "In a confirmation",
            Self::Leaving => "When leaving while a deployment runs",
            Self::Typing => "Where text is typed",
            Self::Form => "In a form",
            Self::Help => "In what is only read: help, messages, requests, details",
            Self::Replay => "In a replay",
        }
    }

    /// Whether two keys can be pressed here one after the other: where a question is asked or text is typed, each key stands
    /// alone.
    pub(crate) fn takes_sequences(self) -> bool {
        matches!(
            self,
            Self::Main | Self::Rows | Self::Output | Self::Reading | Self::Replay
        )
    }

    /// Whether keys of both are looked up one after the other: a sequence of the one never begins where its first key means
    /// something in the other.
    pub(crate) fn goes_beside(self, other: Self) -> bool {
        let rows = |context| context == Self::Rows;
        let output = |context| matches!(context, Self::Output | Self::Reading);
        let apart = (rows(self) && output(other)) || (output(self) && rows(other));
        self.takes_sequences() && other.takes_sequences() && !apart
    }

    /// Whether a key can mean something in both at once.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        let pane = |context| matches!(context, Self::Rows | Self::Output);
        let output = |context| matches!(context, Self::Output | Self::Reading);
        self == other
            || (self == Self::Main && pane(other))
            || (other == Self::Main && pane(self))
            || (output(self) && output(other))
    }
}

/// What an action can do to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grade {
    /// It only changes the picture.
    Harmless,
    /// It prepares a change of documents, which is shown before it is written.
    Drafts,
    /// It opens a confirmation of something that changes hosts.
    Asks,
    /// It sends what the confirmation on screen says.
    Acts,
}

/// One entry of the registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub action: Action,
    /// What the key map and go-to call it.
    pub name: &'static str,
    /// What it does, in a line.
    pub doc: &'static str,
    pub grade: Grade,
    pub context: Context,
    /// Its word in the footer, if it has a place there.
    pub footer: Option<&'static str>,
}

macro_rules! actions {
    ($($action:ident $name:literal $context:ident $grade:ident $footer:expr, $doc:literal;)*) => {
        /// Something that a key can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Action { $($action),* }

        /// Every action, in the order of footer and help.
        pub(crate) const ACTIONS: &[Entry] = &[$(Entry {
            action: Action::$action,
            name: $name,
            doc: $doc,
            grade: Grade::$grade,
            context: Context::$context,
            footer: $footer,
        }),*];
    };
}

actions! {
    ReplayPlay "replay-play" Replay Harmless Some("play"), "Let the recording's time go on, or stand still";
    ReplayForward "replay-forward" Replay Harmless Some("forward"), "Go one entry forward, and stand still";
    ReplayBack "replay-back" Replay Harmless Some("back"), "Go one entry back, and stand still";
    ReplayNext "replay-next" Replay Harmless Some("next turn"), "Go to the next failure or decision";
    ReplayPrevious "replay-previous" Replay Harmless Some("turn before"), "Go to the failure or decision before";
    ReplayFaster "replay-faster" Replay Harmless Some("faster"), "Let the recording's time go twice as fast";
    ReplaySlower "replay-slower" Replay Harmless Some("slower"), "Let the recording's time go half as fast";
    ReplayLater "replay-later" Replay Harmless Some("later"), "Go a twentieth of the recording forward";
    ReplayEarlier "replay-earlier" Replay Harmless Some("earlier"), "Go a twentieth of the recording back";
    ReplayFirst "replay-first" Replay Harmless Some("first"), "Go to the recording's first entry";
    ReplayLast "replay-last" Replay Harmless Some("last"), "Go to the recording's last entry";
    Deploy "deploy" Main Asks Some("deploy"), "Deploy a revision to the selected deployment group";
    Reroute "reroute" Main Asks Some("reroute"), "Wait no longer: move the traffic to the replacement";
    Approve "approve" Main Asks Some("approve"), "Approve what somebody else has created: that it starts, or that its traffic moves";
    SkipWait "skip-wait" Main Asks Some("end wait"), "Keep the original no longer: end the wait before its termination";
    ShareUp "share-up" Main Asks Some("more"), "Give the replacement 5 points more of the traffic, until resumed";
    ShareDown "share-down" Main Asks Some("less"), "Give the replacement 5 points less of the traffic, until resumed";
    Share "share" Main Asks Some("share"), "Give the replacement a share of the traffic that you type, until resumed";
    Stop "stop" Main Asks Some("stop"), "Stop the selected deployment: running events finish, nothing new starts";
    RollBack "roll-back" Main Asks Some("roll back"), "Roll the selected deployment back to the revision before it";
    Pause "pause" Main Asks Some("pause"), "Pause, or hold a shift: what runs goes on, nothing new starts; once paused, let it go on";
    Retry "retry" Main Asks Some("retry"), "Try the selected failed instance again, before any other starts";
    Skip "skip" Main Asks Some("leave out"), "Leave the selected instance out, which has not started";
    StartNext "start-next" Main Asks Some("start next"), "Start the selected instance before the others that wait";
    GiveUp "give-up" Main Asks Some("give up"), "End the hold of the selected deployment: it fails";
    Unlock "unlock" Main Harmless Some("unlock"), "Unlock the environment of what is selected for a while, with a reason; lock it again";
    NextFailed "next-failed" Main Harmless Some("next failed"), "Select the next failed instance";
    PreviousFailed "previous-failed" Main Harmless None, "Select the previous failed instance";
    Linked "linked" Main Harmless Some("other deployment"), "Go to the rollback of this deployment, or to what it rolls back";
    Compare "compare" Main Harmless None, "Compare the selected deployment with the marked one, or with the one before it in its group";
    Mark "mark" Main Harmless None, "Mark the selected deployment, to compare another with it";
    Replay "replay" Main Harmless None, "Replay the selected deployment: how it went, at any speed, forwards and backwards";
    Report "report" Main Harmless None, "Copy a report of the selected deployment in Markdown, for those who were not there";
    History "history" Main Harmless None, "Show what was deployed when: of the selected group or host, and once more of the whole project";
    Invite "invite" Main Asks None, "Let the selected host join: what is run on it, with a token that holds for a while";
    Edit "edit" Main Drafts None, "Open the document of what is selected in $EDITOR: it is checked, shown, and then written";
    New "new" Main Drafts None, "Make an application, a deployment group, a configuration or a host, in a form";
    Documents "documents" Main Drafts None, "Choose any document, and open it in $EDITOR";
    Follow "follow" Main Harmless Some("follow"), "Keep the newest output in view, or stop doing so";
    NextHit "next-hit" Reading Harmless Some("next hit"), "Go to the next line in which something was found";
    PreviousHit "previous-hit" Reading Harmless Some("previous"), "Go to the line before in which something was found";
    Wrap "wrap" Reading Harmless Some("wrap"), "Let long lines go on in the next row, or cut them and scroll sideways";
    HitsOnly "hits-only" Output Harmless Some("hits alone"), "Show the lines in which something was found alone, or all again";
    Times "times" Output Harmless Some("times"), "Show the time of day, the time since the event began, or none";
    Since "since" Output Harmless None, "Show the lines of the last 15, 5 or 1 min, those of the newest event, or all again";
    CopyLine "copy-line" Output Harmless Some("copy"), "Copy the line with the hit that you went to, else the lines in view";
    CopyLines "copy-lines" Output Harmless None, "Copy all lines that are shown, as many as a terminal takes";
    Save "save" Output Harmless Some("save"), "Write all lines that are shown to a new file in the folder that the cockpit was started in";
    Zoom "zoom" Main Harmless Some("zoom"), "Give the output the whole screen, or give the room back";
    AllOutput "all-output" Main Harmless None, "Show the output of all instances in the order of its time, or of the selected one alone";
    Home "home-screen" Main Harmless Some("home"), "Go home: what needs a person, what runs, what ended lately";
    Filter "filter" Main Harmless Some("filter"), "Narrow the list: letters, !not, or field:value; esc shows all again; in the output, look for something";
    GoTo "go-to" Main Harmless Some("go to"), "Go to any place by name or address, or do any action by name";
    NextPane "next-pane" Main Harmless Some("pane"), "Go to the next pane";
    PreviousPane "previous-pane" Main Harmless None, "Go to the pane before";
    Hosts "hosts" Main Harmless Some("hosts"), "Show the hosts: whether they answer, what is installed, what is wrong";
    Shape "shape" Main Harmless Some("view"), "Show the instances as a table, along the time, or as a map";
    Sort "sort" Main Harmless None, "Choose the column that the list is sorted by; the same once more turns it round";
    Invert "invert" Main Harmless None, "Turn the order of the list round";
    Backward "backward" Main Harmless None, "Go to where you were before";
    Forward "forward" Main Harmless None, "Go to where you were before you went back";
    LastPlace "last-place" Main Harmless None, "Go to where you were last, and with the same key here again";
    CopyAddress "copy-address" Main Harmless None, "Copy the address of what you see: `cutover open ADDRESS` opens it";
    Export "export" Main Harmless None, "Write what you see to a new file: the screen as text, with colours or as a picture, or the list's rows as CSV or JSON";
    Help "help" Main Harmless Some("help"), "Show every key, and why an action is not available";
    Messages "messages" Main Harmless None, "Show everything that was said since the cockpit was opened";
    Details "details" Main Harmless None, "Show everything about what is selected in words, as `cutover show` prints it";
    Requests "requests" Main Harmless None, "Show everything that this cockpit has sent, as command lines, and how it was answered";
    Mouse "mouse" Main Harmless None, "Leave the mouse to the terminal, to select text with it; or take it again";
    Quit "quit" Main Harmless Some("quit"), "Leave; asks what to do with deployments that run";
    Dismiss "dismiss" Main Harmless Some("close hint"), "Put the guide or the message away";
    Up "up" Main Harmless None, "Go up a row";
    Down "down" Main Harmless None, "Go down a row";
    PageUp "page-up" Main Harmless None, "Go up a page";
    PageDown "page-down" Main Harmless None, "Go down a page";
    First "first" Main Harmless None, "Go to the first row";
    Last "last" Main Harmless None, "Go to the last row; in the output, follow it";
    Enter "enter" Main Harmless None, "Go into what is selected; in the output, to one event's alone, or to the instance that wrote the line";
    Back "back" Main Harmless None, "Show all of a list again; else go out, to the pane before or the screen below";
    Raw "raw" Rows Harmless None, "Show what is selected whole, as JSON: as `cutover show --output json` prints it";
    PaneLeft "pane-left" Rows Harmless None, "Go to the pane on the left";
    PaneRight "pane-right" Rows Harmless None, "Go to the pane on the right";
    ScrollLeft "scroll-left" Output Harmless None, "Show more of the left of long lines";
    ScrollRight "scroll-right" Output Harmless None, "Show more of the right of long lines";
    Accept "accept" Confirm Acts None, "Do what the dialog says";
    Alternative "alternative" Confirm Acts None, "Do the alternative that the dialog offers";
    More "more" Confirm Harmless None, "Where a share is confirmed: 5 points more";
    Less "less" Confirm Harmless None, "Where a share is confirmed: 5 points less";
    Rehearse "rehearse" Confirm Harmless None, "Show what would happen, step by step and with times; once more: what is decided";
    AsCommand "as-command" Confirm Harmless None, "Show the command line that does the same; once more: what is decided";
    CopyCommand "copy-command" Confirm Harmless None, "Copy the command line that does the same";
    Reason "reason" Confirm Harmless None, "Type why, for the journal; enter ends it";
    Cancel "cancel" Confirm Harmless None, "Do nothing";
    LeaveRunning "leave-running" Leaving Harmless None, "Leave; deployments go on in the background";
    StopAndLeave "stop-and-leave" Leaving Acts None, "Stop the deployments that run, then leave";
    Stay "stay" Leaving Harmless None, "Stay";
    ChoiceUp "choice-up" Typing Harmless None, "Go up a row";
    ChoiceDown "choice-down" Typing Harmless None, "Go down a row";
    ChoicePageUp "choice-page-up" Typing Harmless None, "Go up a page";
    ChoicePageDown "choice-page-down" Typing Harmless None, "Go down a page";
    ChoiceFirst "choice-first" Typing Harmless None, "Go to the first row";
    ChoiceLast "choice-last" Typing Harmless None, "Go to the last row";
    FilterMode "filter-mode" Typing Harmless None, "In a filter: match letters, words or a regular expression";
    Choose "choose" Typing Harmless None, "Take the selected row";
    Close "close" Typing Harmless None, "Close";
    FormNext "form-next" Form Harmless None, "Complete what is typed, and go to the next field";
    FormPrevious "form-previous" Form Harmless None, "Go to the field before";
    FormTake "form-take" Form Harmless None, "Go to the next field; from the last, show what would be written";
    FormClose "form-close" Form Harmless None, "Close the form; nothing is written";
    CloseHelp "close-help" Help Harmless None, "Close what is read";
    HelpUp "help-up" Help Harmless None, "Go up a row";
    HelpDown "help-down" Help Harmless None, "Go down a row";
    HelpPageUp "help-page-up" Help Harmless None, "Go up a page";
    HelpPageDown "help-page-down" Help Harmless None, "Go down a page";
    Find "find" Help Harmless None, "Look for something in what is read";
    FindNext "find-next" Help Harmless None, "Go to the next row in which it was found";
    FindPrevious "find-previous" Help Harmless None, "Go to the row before in which it was found";
    CopyText "copy-text" Help Harmless None, "Copy all that is read; of the requests, the command line of the chosen one";
    SaveText "save-text" Help Harmless None, "Write all that is read to a new file in the folder that the cockpit was started in";
}

/// Whether the selected deployment is over: then people ask how it went.
fn is_over(model: &Model) -> bool {
    let summary = screens::subject(model).and_then(|id| model.view.as_ref()?.summaries.get(&id));
    model.replay.is_none() && summary.is_some_and(|summary| summary.status.is_terminal())
}

impl Action {
    /// The action's entry.
    pub(crate) fn entry(self) -> &'static Entry {
        // The list is made beside the enum, in its order.
        &ACTIONS[self as usize]
    }

    /// Its word in the footer as things stand, if it has a place there.
    pub(crate) fn word(self, model: &Model) -> Option<&'static str> {
        let paused = || model.deployment().is_some_and(|d| d.paused.is_some());
        match self {
            Self::Pause if paused() => Some("resume"),
            Self::Pause if model.deployment().is_some_and(|d| d.shifting().is_some()) => {
                Some("hold")
            }
            Self::Unlock
                if model
                    .environment()
                    .is_some_and(|(name, _)| model.unlocked.until(name, model.now).is_some()) =>
            {
                Some("lock")
            }
            Self::Filter if model.reads() => Some("search"),
            Self::Zoom if output::fills(model) => Some("panes"),
            Self::Wrap if model.output.how.long == Long::Wrapped => Some("cut"),
            Self::HitsOnly if model.output.how.lines == Lines::Hits => Some("all lines"),
            Self::Back if model.reads() && model.output.how.needle.is_some() => Some("end search"),
            Self::Back if output::fills(model) => Some("back"),
            Self::Enter if model.screen != Screen::Rollouts => Some("open"),
            Self::Compare if model.screen == Screen::History => Some("compare"),
            Self::Mark if model.screen == Screen::History => Some("mark"),
            // At home there is more to do than to look back.
            Self::Replay if model.screen != Screen::Home && is_over(model) => Some("replay"),
            Self::Report if model.screen != Screen::Home && is_over(model) => Some("copy report"),
            Self::History if model.screen == Screen::History => Some("whole project"),
            Self::History if model.screen != Screen::Rollouts || is_over(model) => Some("history"),
            Self::Quit if model.behind.is_some() => Some("end replay"),
            Self::Back
                if List::with_keys(model)
                    .is_some_and(|list| !model.arranged.of(list).filter.is_empty()) =>
            {
                Some("show all")
            }
            Self::ReplayPlay if model.replay.as_ref().is_some_and(|p| p.playing) => {
                Some("stand still")
            }
            _ => self.entry().footer,
        }
    }

    /// The action of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ACTIONS
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| entry.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::action::keymap::Keymap;

    #[test]
    fn every_action_is_complete() {
        let keymap = Keymap::defaults().unwrap();
        for entry in ACTIONS {
            assert_eq!(entry.action.entry().name, entry.name);
            assert_eq!(Action::named(entry.name), Some(entry.action));
            assert!(
                !entry.doc.is_empty() && !entry.doc.ends_with('.'),
                "{}",
                entry.name
            );
            assert!(
                entry
                    .name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'-')
            );
            assert!(
                !keymap.keys(entry.action).is_empty(),
                "{} has no key",
                entry.name
            );
        }
    }
}
