//! The line of a command is read by this very parser as the same command.

use std::path::Path;

use clap::Parser as _;

use super::{Cli, Command as Typed, deploy, host_edit, notifications, revision};
use crate::api::command::{Command, Deploy};
use crate::api::line::{Unsayable, line};
use crate::engine::input::{self, What};
use crate::engine::plan::Before;
use crate::engine::spec::{OnFailure, Options, RollbackTargets};
use crate::model::approval::Step;
use crate::model::deployment::{Creator, DeploymentId, FileExistsBehavior};
use crate::model::freeze::Scope;
use crate::model::group::{
    Alarm, AlarmConfiguration, AutoRollbackConfiguration, AutoRollbackEvent, Ec2TagSet, GroupKey,
    Selection,
};
use crate::model::name::Name;
use crate::model::s3::Destination;
use crate::model::tags::TagFilter;
use crate::model::traffic::Split;
use crate::orchestrator::hooks::report::HookStatus;

/// What a shell and the parser make of a line.
fn read(line: &str) -> Cli {
    let words = shlex::split(line).unwrap();
    Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}\n{error}"))
}

/// What is sent when it is typed.
fn sent(typed: Typed) -> Command {
    let control = |deployment, control| Command::Control {
        deployment,
        control,
    };
    match typed {
        Typed::Push(args) => args.request().unwrap(),
        Typed::Deploy(args) => Command::Deploy(deploy::asked(args).unwrap()),
        Typed::Stop(args) => {
            let (deployment, order) = args.order();
            control(deployment, order)
        }
        Typed::Steer(verb) => {
            let (args, what) = verb.wish();
            control(args.deployment.clone(), args.order(what))
        }
        Typed::Weight(args) => {
            let (args, what) = args.wish(Split::REPLACEMENT);
            control(args.deployment.clone(), args.order(what))
        }
        Typed::Rollback(args) => args.request(),
        Typed::Freeze(args) => args.request(),
        Typed::Thaw(args) => args.request(),
        Typed::ReportHook(args) => args.request(),
        Typed::Revision(revision::Args {
            verb:
                revision::Verb::Delete {
                    application,
                    revision,
                },
        }) => Command::DeleteRevision {
            application,
            revision,
        },
        Typed::Notifications(notifications::Args {
            what: Some(notifications::What::Test { receiver }),
            ..
        }) => Command::TestNotification { receiver },
        Typed::Hosts(args) => sent_about_hosts(args.verb.unwrap()),
        other => panic!("{other:?} sends nothing"),
    }
}

fn sent_about_hosts(verb: host_edit::Verb) -> Command {
    use host_edit::Verb;
    let by = String::new();
    match verb {
        Verb::Terminate { names } => Command::TerminateHosts { hosts: names },
        Verb::Invite {
            instances: Some(group),
            lasts,
            ..
        } => Command::InviteInstances {
            group,
            seconds: lasts.map(|span| span.0.as_secs()),
            by,
        },
        Verb::Invite {
            name: Some(host),
            replace_key,
            ..
        } => Command::InviteHost {
            host,
            replace_key,
            authority: None,
            by,
        },
        Verb::Revoke {
            token: Some(token), ..
        } => Command::RevokeToken { token },
        Verb::Revoke {
            name: Some(host), ..
        } => Command::RevokeHost { host },
        Verb::Rotate {
            names,
            orchestrator,
            ..
        } => {
            assert_eq!(orchestrator, names.is_empty());
            let host = names.into_iter().next();
            Command::RotateKey { host }
        }
        other => panic!("{other:?} sends nothing"),
    }
}

/// The place of a kind of command. A new one does not compile before it has one here, and then it needs a sample.
fn place(command: &Command) -> usize {
    match command {
        Command::Push { .. } => 0,
        Command::Fetch { .. } => 1,
        Command::Deploy(_) => 2,
        Command::Rollback { .. } => 3,
        Command::DeleteRevision { .. } => 4,
        Command::TerminateHosts { .. } => 5,
        Command::TestNotification { .. } => 6,
        Command::ReportHook { .. } => 7,
        Command::InviteHost { .. } => 8,
        Command::RevokeHost { .. } => 9,
        Command::InviteInstances { .. } => 10,
        Command::RevokeToken { .. } => 11,
        Command::RotateKey { .. } => 12,
        Command::Freeze { .. } => 13,
        Command::Thaw { .. } => 14,
        Command::Unlock { .. } => 15,
        Command::Shutdown => 16,
        Command::Control { control, .. } => match control.what {
            What::Stop { .. } => 17,
            What::Pause => 18,
            What::Resume => 19,
            What::Retry { .. } => 20,
            What::Skip { .. } => 21,
            What::StartNext { .. } => 22,
            What::GiveUp => 23,
            What::Weight { .. } => 24,
            What::Continue {
                before: Before::Reroute,
            } => 25,
            What::Continue {
                before: Before::Termination,
            } => 26,
            What::Approve { .. } => 27,
        },
    }
}

/// What a shell could take for something else.
const ODD: &str = "-it's \"$HOME\" `x`; # \\";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn id() -> DeploymentId {
    "d-7F3KQ21XB".parse().unwrap()
}

fn group() -> GroupKey {
    GroupKey {
        application: name("shop"),
        group: name("production"),
    }
}

fn by() -> String {
    "ana".to_owned()
}

fn control(what: What) -> input::Command {
    input::Command::new(what, "ana")
}

fn controls() -> Vec<input::Command> {
    let target = || name("web-9");
    let stop = |auto_rollback| control(What::Stop { auto_rollback });
    let approve = |step| control(What::Approve { step });
    let go_on = |before| control(What::Continue { before });
    let share = |percent| Split::new(percent).unwrap();
    vec![
        stop(None),
        stop(Some(true)),
        stop(Some(false)),
        input::Command {
            why: Some(ODD.to_owned()),
            ..stop(None)
        },
        control(What::Pause),
        control(What::Resume),
        control(What::Retry { target: target() }),
        control(What::Skip { target: target() }),
        input::Command {
            why: Some("it\nis two lines".to_owned()),
            seen: Some(41),
            ..control(What::StartNext { target: target() })
        },
        control(What::GiveUp),
        control(What::Weight { split: share(0) }),
        control(What::Weight { split: share(30) }),
        go_on(Before::Reroute),
        go_on(Before::Termination),
        approve(None),
        approve(Some(Step::Start)),
        approve(Some(Step::Reroute)),
    ]
}

fn deploys() -> [Deploy; 3] {
    let plain = Deploy {
        group: group(),
        revision: "1.8.0".to_owned(),
        target_instances: None,
        configuration: None,
        description: String::new(),
        options: Options::default(),
        token: None,
        verify_artifact: false,
        creator: Creator::User,
        by: by(),
        uid: None,
    };
    let tag = |key: &str, value: Option<&str>| {
        vec![TagFilter {
            key: Some(key.to_owned()),
            value: value.map(str::to_owned),
            ..TagFilter::default()
        }]
    };
    let all = Deploy {
        target_instances: Some(Box::new(Selection {
            ec2_tag_set: Some(Ec2TagSet {
                ec2_tag_set_list: vec![tag("side", Some("a b")), tag("web", None)],
            }),
            ..Selection::default()
        })),
        configuration: Some(name("CodeDeployDefault.OneAtATime")),
        description: ODD.to_owned(),
        options: Options {
            file_exists_behavior: FileExistsBehavior::Retain,
            ignore_application_stop_failures: true,
            auto_rollback_configuration: Some(AutoRollbackConfiguration {
                enabled: true,
                events: vec![
                    AutoRollbackEvent::DeploymentFailure,
                    AutoRollbackEvent::DeploymentStopOnAlarm,
                    AutoRollbackEvent::DeploymentStopOnRequest,
                ],
            }),
            override_alarm_configuration: Some(Box::new(AlarmConfiguration {
                enabled: true,
                ignore_poll_alarm_failure: true,
                alarms: ["5xx", "too slow"]
                    .map(|name| Alarm {
                        name: name.to_owned(),
                    })
                    .into(),
            })),
            update_outdated_instances_only: true,
            on_failure: OnFailure::Hold,
            rollback_targets: RollbackTargets::Attempted,
        },
        token: Some("once".to_owned()),
        verify_artifact: true,
        ..plain.clone()
    };
    let off = Deploy {
        options: Options {
            file_exists_behavior: FileExistsBehavior::Overwrite,
            auto_rollback_configuration: Some(AutoRollbackConfiguration::default()),
            override_alarm_configuration: Some(Box::default()),
            ..Options::default()
        },
        ..plain.clone()
    };
    [plain, all, off]
}

fn pushes() -> Vec<Command> {
    let push = |path: &str, label: Option<&str>, to: Option<Destination>| Command::Push {
        application: name("shop"),
        path: path.into(),
        label: label.map(str::to_owned),
        to,
    };
    let to = |account: Option<&str>| Destination {
        object: "s3://bundles/shop.zip".parse().unwrap(),
        account: account.map(str::to_owned),
    };
    vec![
        push("/x", None, None),
        push("/x y/-z", Some(ODD), Some(to(None))),
        push("/x", None, Some(to(Some("ours")))),
        Command::Fetch {
            application: name("shop"),
            source: "https://files.example/shop.zip?a=1&b=2".parse().unwrap(),
            label: Some("1.8.0".to_owned()),
        },
    ]
}

fn freezes() -> Vec<Command> {
    let scope = |application: Option<&str>, group: Option<&str>| Scope {
        application: application.map(name),
        group: group.map(name),
    };
    let scopes = [
        scope(None, None),
        scope(Some("shop"), None),
        scope(Some("shop"), Some("production")),
    ];
    let both = |scope: Scope| {
        let freeze = Command::Freeze {
            scope: scope.clone(),
            why: ODD.to_owned(),
            seconds: 90_061,
            by: by(),
        };
        let why = Some("over".to_owned());
        [
            freeze,
            Command::Thaw {
                scope,
                why,
                by: by(),
            },
        ]
    };
    scopes.into_iter().flat_map(both).collect()
}

fn about_hosts() -> Vec<Command> {
    let host = || name("web-1");
    let invite = |replace_key| Command::InviteHost {
        host: host(),
        replace_key,
        authority: None,
        by: by(),
    };
    let invite_instances = |seconds| Command::InviteInstances {
        group: group(),
        seconds,
        by: by(),
    };
    vec![
        Command::TerminateHosts {
            hosts: vec![host(), name("web-2")],
        },
        invite(false),
        invite(true),
        Command::RevokeHost { host: host() },
        invite_instances(None),
        invite_instances(Some(3600)),
        Command::RevokeToken {
            token: "K7QF-2M9A".to_owned(),
        },
        Command::RotateKey { host: Some(host()) },
        Command::RotateKey { host: None },
    ]
}

/// What can be said, one of each kind at least.
fn sayable() -> Vec<Command> {
    let mut all: Vec<Command> = controls()
        .into_iter()
        .map(|control| Command::Control {
            deployment: id(),
            control,
        })
        .collect();
    all.extend(deploys().map(Command::Deploy));
    all.extend(pushes());
    all.extend(freezes());
    all.extend(about_hosts());
    all.push(Command::Rollback {
        deployment: id(),
        by: by(),
        uid: None,
    });
    for revision in ["1.0.0", ODD] {
        all.push(Command::DeleteRevision {
            application: name("shop"),
            revision: revision.to_owned(),
        });
    }
    all.push(Command::TestNotification {
        receiver: ODD.to_owned(),
    });
    for (ticket, status) in [("", HookStatus::Failed), (ODD, HookStatus::Succeeded)] {
        all.push(Command::ReportHook {
            deployment: id(),
            ticket: ticket.to_owned(),
            status,
        });
    }
    all
}

/// What has no command of its own.
fn unsayable() -> [(Command, Unsayable); 2] {
    let unlock = Command::Unlock {
        environment: name("production"),
        why: "INC-7".to_owned(),
        seconds: None,
        by: by(),
    };
    [
        (unlock, Unsayable::Unlock),
        (Command::Shutdown, Unsayable::Shutdown),
    ]
}

#[test]
fn a_line_asks_for_the_same() {
    let folder = Path::new("/srv/the shop");
    let mut seen = std::collections::BTreeSet::new();
    for command in sayable() {
        seen.insert(place(&command));
        let wanted = command.clone().signed("ana", 7);
        let alone = line(&command, None).unwrap();
        let cli = read(&alone);
        assert_eq!(cli.project, None);
        assert_eq!(
            sent(cli.command.unwrap()).signed("ana", 7),
            wanted,
            "{alone}"
        );
        let there = line(&command, Some(folder)).unwrap();
        let cli = read(&there);
        assert_eq!(cli.project.as_deref(), Some(folder));
        assert_eq!(
            sent(cli.command.unwrap()).signed("ana", 7),
            wanted,
            "{there}"
        );
    }
    for (command, why) in unsayable() {
        seen.insert(place(&command));
        assert_eq!(line(&command, None), Err(why));
    }
    assert!(seen.into_iter().eq(0..28), "one of every kind");
}

#[test]
fn a_line_is_as_people_would_write_it() {
    let lines: Vec<String> = sayable()
        .iter()
        .map(|command| line(command, None).unwrap())
        .collect();
    for wanted in [
        "cutover stop d-7F3KQ21XB --rollback",
        "cutover next d-7F3KQ21XB web-9 --why 'it\nis two lines' --seen 41",
        "cutover deploy shop production 1.8.0",
        "cutover deploy shop production 1.8.0 --file-exists-behavior overwrite --auto-rollback off --alarms off",
        "cutover hosts invite web-1 --replace-key",
        "cutover hosts invite --instances shop/production --for 1h",
        "cutover approve d-7F3KQ21XB --step reroute",
    ] {
        assert!(
            lines.iter().any(|line| line == wanted),
            "{wanted}\n{lines:#?}"
        );
    }
}

#[test]
fn what_options_can_not_say_has_no_line() {
    let [plain, ..] = deploys();
    let unsaid = |change: &dyn Fn(&mut Deploy)| {
        let mut deploy = plain.clone();
        change(&mut deploy);
        let said = line(&Command::Deploy(deploy), None);
        assert!(matches!(said, Err(Unsayable::Options(_))), "{said:?}");
    };
    unsaid(&|deploy| deploy.description = "\0".to_owned());
    unsaid(&|deploy| deploy.target_instances = Some(Box::default()));
    unsaid(&|deploy| {
        deploy.options.override_alarm_configuration = Some(Box::new(AlarmConfiguration {
            enabled: true,
            ignore_poll_alarm_failure: false,
            alarms: vec![Alarm {
                name: "off".to_owned(),
            }],
        }));
    });
}
