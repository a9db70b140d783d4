//! What leaves the cockpit, and when: only what was confirmed, of the picture that was confirmed.

use super::{Cockpit, sample};
use crate::api::command::{Answer, Command};
use crate::api::feed::FeedItem;
use crate::api::gate::{self, Closed};
use crate::engine::input::{Command as Control, Input, What};
use crate::engine::plan::Before;
use crate::model::freeze::Scope;
use crate::model::group::GroupKey;
use crate::model::traffic::Split;
use crate::orchestrator::hooks::report::HookStatus;
use crate::tui::action::{ACTIONS, Grade};
use crate::tui::effect::Effect;
use crate::tui::message::Message;
use crate::tui::model::Outcome;

pub(super) fn rollout() -> Cockpit {
    let run = sample::rollout();
    Cockpit::with(sample::snapshot(sample::project(12), &run.deployment))
}

fn failure() -> Cockpit {
    let run = sample::failure();
    Cockpit::with(sample::snapshot(sample::project(4), &run.deployment))
}

pub(super) fn sent(cockpit: &Cockpit) -> Vec<Command> {
    let commands = cockpit.effects.iter().filter_map(|effect| match effect {
        Effect::Send(command, _) => Some((**command).clone()),
        _ => None,
    });
    commands.collect()
}

pub(super) fn stop(auto_rollback: Option<bool>) -> Command {
    Command::stop(sample::id(sample::LIVE), auto_rollback, "ana")
}

#[test]
fn a_stop_asks_once_and_hears_nothing_that_was_typed_ahead() {
    let mut cockpit = rollout();
    cockpit.keys("s y y y y enter");
    assert_eq!(sent(&cockpit), []);
    cockpit.keys("s");
    cockpit.wait(499);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), []);
    cockpit.wait(1);
    cockpit.keys("s enter");
    assert_eq!(
        sent(&cockpit),
        [],
        "neither the opening key nor enter accepts"
    );
    cockpit.keys("s");
    cockpit.wait(500);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [stop(None)]);
    assert!(cockpit.model.layers.is_empty());
}

#[test]
fn a_stop_can_roll_back_too() {
    let mut cockpit = rollout();
    cockpit.keys("s");
    cockpit.wait(500);
    cockpit.keys("R");
    assert_eq!(sent(&cockpit), [stop(Some(true))]);
}

#[test]
fn a_stop_is_not_refused_for_old_data_and_never_armed_again() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys("s");
    cockpit.wait(600);
    for record in run.walk_on("web-4") {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        });
    }
    cockpit.silence(60_000);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [stop(None)]);
    let Some(Effect::Send(command, circumstances)) = cockpit.effects.last() else {
        panic!()
    };
    assert_eq!(gate::check(command, circumstances), Ok(()));
}

#[test]
fn old_data_supports_no_other_change() {
    let mut cockpit = failure();
    cockpit.silence(11_000);
    cockpit.keys("d");
    assert!(cockpit.model.layers.is_empty());
    assert!(cockpit.screen().contains("deploy: what you see is old"));
    let mut cockpit = rollout();
    cockpit.keys("b");
    cockpit.silence(11_000);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), []);
    assert!(cockpit.screen().contains("what you see is old"));
}

#[test]
fn a_confirmation_is_tied_to_its_picture() {
    let mut cockpit = rollout();
    cockpit.keys("b");
    cockpit.wait(600);
    // Whoever looks at the command is told, too.
    cockpit.keys("?");
    assert!(cockpit.screen().contains("On a command line:"));
    let mut project = sample::project(12);
    project.hosts.pop();
    cockpit.tell(FeedItem::Project {
        project: Box::new(project),
        problems: Vec::new(),
    });
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [], "what it said has changed");
    assert!(
        cockpit
            .screen()
            .contains("This has changed while you looked")
    );
    assert!(cockpit.screen().contains("11 instances"));
    cockpit.wait(500);
    cockpit.keys("y");
    assert_eq!(
        sent(&cockpit),
        [Command::Rollback {
            deployment: sample::id(sample::LIVE),
            by: "ana".to_owned(),
            uid: None,
        }]
    );
}

#[test]
fn progress_alone_does_not_disarm_a_rollback() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys("b");
    cockpit.wait(600);
    for record in run.walk_on("web-4") {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        });
    }
    cockpit.keys("y");
    assert_eq!(sent(&cockpit).len(), 1);
}

#[test]
fn deploying_goes_through_a_preview() {
    let mut cockpit = failure();
    cockpit.keys("d enter");
    let Some(Effect::Preview(number, deploy)) = cockpit.effects.last().cloned() else {
        panic!()
    };
    assert_eq!(deploy.group, sample::production());
    assert_eq!(
        deploy.revision,
        sample::revision("1.8.0").digest.to_string()
    );
    cockpit.send(Message::Previewed(number + 1, Err("late".to_owned())));
    cockpit.send(Message::Previewed(number, Ok(Box::new(sample::preview()))));
    assert!(cockpit.screen().contains("3 at a time, at least 9 healthy"));
    cockpit.wait(500);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [Command::Deploy(*deploy)]);
    assert!(cockpit.model.layers.is_empty());
    // The new deployment is gone to, as soon as it is known.
    cockpit.send(Message::Answered(
        0,
        Ok(Answer::Created {
            deployment: sample::id("d-NEWNEWNEW"),
        }),
    ));
    let run = sample::Run::new(
        &sample::project(4),
        "d-NEWNEWNEW",
        "1.8.0",
        sample::now(0),
        &sample::ledger(4),
    );
    for record in run.records {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id("d-NEWNEWNEW"),
            record,
        });
    }
    assert_eq!(
        cockpit.model.selected.deployment,
        Some(sample::id("d-NEWNEWNEW"))
    );
}

#[test]
fn a_preview_is_made_again_when_the_group_has_changed() {
    let mut cockpit = failure();
    cockpit.keys("d enter");
    let number = cockpit.model.requests;
    cockpit.send(Message::Previewed(number, Ok(Box::new(sample::preview()))));
    cockpit.wait(600);
    let opened = crate::engine::ledger::LedgerRecord {
        seq: 6,
        at: sample::now(0),
        event: crate::engine::ledger::LedgerEvent::Opened {
            deployment: sample::id("d-NEWNEWNEW"),
        },
    };
    cockpit.tell(FeedItem::Ledger {
        group: sample::production(),
        record: opened,
    });
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), [], "the new preview is waited for");
    let again = cockpit.model.requests;
    assert!(again > number);
    let refused = crate::api::command::ApiError::new(
        "DeploymentLimitExceededException",
        "d-NEWNEWNEW is still running",
    );
    let preview = crate::api::command::Preview {
        refusal: Some(refused),
        ..sample::preview()
    };
    cockpit.send(Message::Previewed(again, Ok(Box::new(preview))));
    cockpit.wait(600);
    cockpit.keys("y");
    assert_eq!(sent(&cockpit), []);
    assert!(cockpit.screen().contains("d-NEWNEWNEW is still running"));
}

/// One of each that steers a deployment.
fn controls() -> [Command; 10] {
    let target = || sample::name("web-9");
    let whats = [
        What::Stop {
            auto_rollback: None,
        },
        What::Pause,
        What::Resume,
        What::Retry { target: target() },
        What::Skip { target: target() },
        What::StartNext { target: target() },
        What::GiveUp,
        What::Continue {
            before: Before::Reroute,
        },
        What::Weight {
            split: Split::REPLACEMENT,
        },
        What::Approve { step: None },
    ];
    whats.map(|what| {
        // A new one must be added to the list above.
        match &what {
            What::Stop { .. }
            | What::Pause
            | What::Resume
            | What::Retry { .. }
            | What::Skip { .. }
            | What::StartNext { .. }
            | What::GiveUp
            | What::Approve { .. }
            | What::Weight { .. }
            | What::Continue { .. } => {}
        }
        Command::Control {
            deployment: sample::id(sample::LIVE),
            control: Control::new(what, "ana"),
        }
    })
}

#[test]
fn read_only_refuses_every_command_at_the_gate_and_says_so() {
    let mut cockpit = rollout();
    cockpit.model.read_only = true;
    for command in every() {
        assert_eq!(
            gate::check(&command, &cockpit.model.circumstances(&command)),
            Err(Closed::ReadOnly)
        );
    }
    let changes = ACTIONS.iter().filter(|entry| entry.grade == Grade::Asks);
    for entry in changes {
        let key = cockpit.model.keymap.shown(entry.action);
        let key = key.as_str();
        cockpit.keys(key);
        assert!(cockpit.model.layers.is_empty());
        assert!(
            cockpit
                .screen()
                .contains("read-only: nothing can be changed")
        );
    }
    cockpit.keys("q");
    cockpit.wait(600);
    cockpit.keys("s");
    assert_eq!(sent(&cockpit), []);
}

/// One of every command.
pub(super) fn every() -> Vec<Command> {
    let deploy = sample_deploy();
    let deployment = sample::id(sample::LIVE);
    let by = "ana".to_owned();
    let all = [
        Command::Push {
            application: sample::name("shop"),
            path: "/x".into(),
            label: None,
            to: None,
        },
        Command::Fetch {
            application: sample::name("shop"),
            source: "https://files.example/shop.zip".parse().unwrap(),
            label: None,
        },
        Command::Deploy(deploy),
        Command::Rollback {
            deployment: deployment.clone(),
            by,
            uid: None,
        },
        Command::DeleteRevision {
            application: sample::name("shop"),
            revision: "1.0.0".to_owned(),
        },
        Command::TestNotification {
            receiver: "ops".to_owned(),
        },
        Command::ReportHook {
            deployment: deployment.clone(),
            ticket: String::new(),
            status: HookStatus::Failed,
        },
        Command::TerminateHosts {
            hosts: vec![sample::name("web-1")],
        },
        Command::InviteHost {
            host: sample::name("web-1"),
            replace_key: false,
            authority: None,
            by: "ana".to_owned(),
        },
        Command::RevokeHost {
            host: sample::name("web-1"),
        },
        Command::InviteInstances {
            group: sample::production(),
            seconds: None,
            by: "ana".to_owned(),
        },
        Command::RevokeToken {
            token: "K7QF-2M9A".to_owned(),
        },
        Command::RotateKey { host: None },
        Command::Unlock {
            environment: sample::name("production"),
            why: "INC-7".to_owned(),
            seconds: None,
            by: "ana".to_owned(),
        },
        Command::Shutdown,
    ];
    let all = all.into_iter().chain(freezes()).chain(controls());
    all.inspect(|command| {
        // A new command must be added to the list above.
        match command {
            Command::Push { .. }
            | Command::Fetch { .. }
            | Command::Deploy(_)
            | Command::Control { .. }
            | Command::Rollback { .. }
            | Command::DeleteRevision { .. }
            | Command::TestNotification { .. }
            | Command::ReportHook { .. }
            | Command::TerminateHosts { .. }
            | Command::InviteHost { .. }
            | Command::RevokeHost { .. }
            | Command::InviteInstances { .. }
            | Command::RevokeToken { .. }
            | Command::RotateKey { .. }
            | Command::Freeze { .. }
            | Command::Thaw { .. }
            | Command::Unlock { .. }
            | Command::Shutdown => {}
        }
    })
    .collect()
}

fn freezes() -> [Command; 2] {
    let scope = Scope::default();
    let by = || "ana".to_owned();
    [
        Command::Freeze {
            scope: scope.clone(),
            why: "Black Friday".to_owned(),
            seconds: 60,
            by: by(),
        },
        Command::Thaw {
            scope,
            why: None,
            by: by(),
        },
    ]
}

fn sample_deploy() -> crate::api::command::Deploy {
    rollout().model.deploy(
        GroupKey {
            application: sample::name("shop"),
            group: sample::name("production"),
        },
        "1.8.0".to_owned(),
    )
}

#[test]
fn leaving_asks_while_something_runs() {
    let mut cockpit = rollout();
    cockpit.keys("q l");
    assert_eq!(cockpit.model.outcome, None, "typed ahead");
    cockpit.wait(500);
    cockpit.keys("esc");
    assert!(cockpit.model.layers.is_empty());
    cockpit.keys("q");
    cockpit.wait(500);
    cockpit.keys("l");
    assert_eq!(cockpit.model.outcome, Some(Outcome::LeaveRunning));
    assert_eq!(cockpit.effects.last(), Some(&Effect::Quit));

    let mut cockpit = rollout();
    cockpit.keys("q");
    cockpit.wait(500);
    cockpit.keys("s");
    assert_eq!(sent(&cockpit), [stop(None)]);
    assert_eq!(cockpit.model.outcome, Some(Outcome::Stopped));

    let mut cockpit = failure();
    cockpit.keys("q");
    assert_eq!(cockpit.model.outcome, Some(Outcome::Idle));
}

#[test]
fn the_rollback_that_was_asked_for_is_gone_to() {
    let mut run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys("b");
    cockpit.wait(500);
    cockpit.keys("y");
    for record in run.input(&Input::Command(Control::new(
        What::Stop {
            auto_rollback: Some(true),
        },
        "ana",
    ))) {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id(sample::LIVE),
            record,
        });
    }
    assert!(cockpit.screen().contains("stopping"));
    let rollback = sample::rollback_of(&run);
    for record in rollback.records {
        cockpit.tell(FeedItem::Record {
            deployment: sample::id("d-ROLLBACK0"),
            record,
        });
    }
    assert_eq!(
        cockpit.model.selected.deployment,
        Some(sample::id("d-ROLLBACK0"))
    );
    cockpit.keys("o");
    assert_eq!(
        cockpit.model.selected.deployment,
        Some(sample::id(sample::LIVE))
    );
}
