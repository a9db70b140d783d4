//! Every route and every command, with every role and with a stranger.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use super::world::{World, caller, deploy, get, owner, post};
use crate::api::caller::Caller;
use crate::api::gate::{self, Circumstances, Closed};
use crate::api::locks;
use crate::api::server::Route;
use crate::engine::input::{self, What};
use crate::engine::plan::Before;
use crate::model::access::{Right, Role};
use crate::model::name::Name;
use crate::model::traffic::Split;
use crate::orchestrator::command::Command;
use crate::orchestrator::hooks::report::HookStatus;
use crate::store::audit::Entry;
use crate::store::documents;

/// The place of a command in [`commands`]. A new one does not compile before it has one here, and then it needs a sample.
fn place(command: &Command) -> usize {
    match command {
        Command::Push { .. } => 0,
        Command::Deploy(_) => 1,
        Command::Control { control, .. } => match control.what {
            What::Stop { .. } => 2,
            What::Pause => 3,
            What::Resume => 4,
            What::Retry { .. } => 5,
            What::Skip { .. } => 6,
            What::StartNext { .. } => 7,
            What::GiveUp => 8,
            What::Weight { .. } => 9,
            What::Continue {
                before: Before::Reroute,
            } => 10,
            What::Continue {
                before: Before::Termination,
            } => 11,
            What::Approve { .. } => 22,
        },
        Command::Rollback { .. } => 12,
        Command::DeleteRevision { .. } => 13,
        Command::TerminateHosts { .. } => 14,
        Command::TestNotification { .. } => 15,
        Command::Freeze { .. } => 16,
        Command::Thaw { .. } => 17,
        Command::InviteHost { .. } => 18,
        Command::RevokeHost { .. } => 19,
        Command::RotateKey { .. } => 20,
        Command::Shutdown => 21,
        Command::ReportHook { .. } => 23,
        Command::Fetch { .. } => 24,
        Command::InviteInstances { .. } => 25,
        Command::RevokeToken { .. } => 26,
        Command::Unlock { .. } => 27,
    }
}

/// Every command, about this deployment of `application`/`group`, and the right that it needs.
fn commands(id: &str, application: &str, group: &str) -> Vec<(Command, Right)> {
    let target: Name = format!("{group}-1").parse().unwrap();
    let on = |what: fn(Name) -> What| what(target.clone());
    let steers = [
        What::Stop {
            auto_rollback: None,
        },
        What::Pause,
        What::Resume,
        on(|target| What::Retry { target }),
        on(|target| What::Skip { target }),
        on(|target| What::StartNext { target }),
        What::GiveUp,
        What::Weight {
            split: Split::new(10).unwrap(),
        },
        What::Continue {
            before: Before::Reroute,
        },
        What::Continue {
            before: Before::Termination,
        },
    ];
    let push = Command::Push {
        application: application.parse().unwrap(),
        path: "/nowhere".into(),
        label: None,
        to: None,
    };
    let mut all = vec![
        (push, Right::Operate),
        (deploy(application, group), Right::Operate),
    ];
    for what in steers {
        let command = Command::Control {
            deployment: id.parse().unwrap(),
            control: input::Command::new(what, "forged"),
        };
        all.push((command, Right::Operate));
    }
    let rollback = Command::Rollback {
        deployment: id.parse().unwrap(),
        by: "forged".to_owned(),
        uid: None,
    };
    let delete = Command::DeleteRevision {
        application: application.parse().unwrap(),
        revision: "9.9".to_owned(),
    };
    let report = Command::ReportHook {
        deployment: id.parse().unwrap(),
        ticket: "forged".to_owned(),
        status: HookStatus::Succeeded,
    };
    all.push((rollback, Right::Operate));
    all.push((delete, Right::Operate));
    let terminate = Command::TerminateHosts {
        hosts: vec![target.clone()],
    };
    let invite = Command::InviteHost {
        host: target.clone(),
        replace_key: false,
        authority: None,
        by: "forged".to_owned(),
    };
    let rotate = Command::RotateKey {
        host: Some(target.clone()),
    };
    let revoke = Command::RevokeHost { host: target };
    let test = Command::TestNotification {
        receiver: "nobody".to_owned(),
    };
    let scope: crate::model::freeze::Scope =
        serde_json::from_value(json!({ "application": application, "group": group })).unwrap();
    let freeze = Command::Freeze {
        scope: scope.clone(),
        why: "a reason".to_owned(),
        seconds: 1,
        by: "forged".to_owned(),
    };
    let thaw = Command::Thaw {
        scope,
        why: None,
        by: "forged".to_owned(),
    };
    let hosts = [invite, revoke, rotate];
    let first = [terminate, test, freeze, thaw];
    for command in first.into_iter().chain(hosts).chain([Command::Shutdown]) {
        all.push((command, Right::Administer));
    }
    let approve = Command::Control {
        deployment: id.parse().unwrap(),
        control: input::Command::new(What::Approve { step: None }, "forged"),
    };
    all.push((approve, Right::Approve));
    all.push((report, Right::Operate));
    all.extend(newest(application, group));
    let places: Vec<usize> = all.iter().map(|(command, _)| place(command)).collect();
    assert_eq!(places, (0..places.len()).collect::<Vec<_>>());
    all
}

/// Those that came last.
fn newest(application: &str, group: &str) -> [(Command, Right); 4] {
    let fetch = fetch(application, "http://127.0.0.1:9/nothing.zip");
    let offer = Command::InviteInstances {
        group: crate::model::group::GroupKey {
            application: application.parse().unwrap(),
            group: group.parse().unwrap(),
        },
        seconds: None,
        by: "forged".to_owned(),
    };
    // Each group of the world stands in an environment of its own name.
    let unlock = Command::Unlock {
        environment: group.parse().unwrap(),
        why: "a reason".to_owned(),
        seconds: Some(60),
        by: "forged".to_owned(),
    };
    let token = "NONE-NONE".to_owned();
    let revoke = Command::RevokeToken { token };
    [
        (fetch, Right::Operate),
        (offer, Right::Administer),
        (revoke, Right::Administer),
        (unlock, Right::See),
    ]
}

fn fetch(application: &str, source: &str) -> Command {
    Command::Fetch {
        application: application.parse().unwrap(),
        source: source.parse().unwrap(),
        label: None,
    }
}

/// A request of a route about this deployment of `application`/`group`.
fn request(route: Route, id: &str, application: &str, group: &str) -> Request<Body> {
    match route {
        Route::Ping | Route::Feed | Route::Alarms | Route::Audit | Route::Tokens => {
            get(route.path())
        }
        Route::Notifications => get("/v1/notifications?limit=9"),
        Route::Commands => post(route.path(), &deploy(application, group)),
        Route::Upload => {
            let path = format!("/v1/applications/{application}/revisions?label=x");
            Request::post(path).body(Body::from("no archive")).unwrap()
        }
        Route::Preview => {
            let group = json!({ "application": application, "group": group });
            post(
                route.path(),
                &json!({ "group": group, "revision": "1.0", "by": "x" }),
            )
        }
        Route::Deployment | Route::Records | Route::Traffic | Route::Output => {
            let path = route.path().replace("{id}", id);
            get(&path.replace("{target}", &format!("{group}-1")))
        }
        Route::Ledger => {
            let path = route.path().replace("{application}", application);
            get(&path.replace("{group}", group))
        }
    }
}

fn everybody() -> Vec<(Option<Role>, Caller)> {
    vec![
        (None, caller("mallory", &["root", "vera", "users"])),
        (Some(Role::Viewer), caller("vera", &[])),
        (Some(Role::Operator), caller("olaf", &[])),
        (Some(Role::Approver), caller("anna", &[])),
        (Some(Role::Admin), caller("adam", &[])),
        (Some(Role::Admin), owner()),
    ]
}

fn is_denied(status: StatusCode, body: &str) -> bool {
    assert_eq!(
        status == StatusCode::FORBIDDEN,
        body.contains("AccessDeniedException"),
        "{status} {body}"
    );
    status == StatusCode::FORBIDDEN
}

#[tokio::test]
async fn every_route_turns_strangers_away_and_lets_a_viewer_look() {
    let world = World::new().await;
    for (role, who) in everybody() {
        for route in Route::ALL {
            let request = request(route, &world.ours, "shop", "production");
            let response = world.ask(&who, request).await;
            let needs = match route {
                Route::Commands | Route::Upload => Right::Operate,
                Route::Audit | Route::Tokens => Right::Administer,
                _ => Right::See,
            };
            let may = role.is_some_and(|role| role.has(needs));
            let denied = response.status() == StatusCode::FORBIDDEN;
            assert_eq!(!denied, may, "{route:?} by {}", who.name);
            if needs == Right::See && may {
                assert_eq!(response.status(), StatusCode::OK, "{route:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_command_needs_its_role() {
    let world = World::new().await;
    for (role, who) in everybody() {
        for (command, right) in commands(&world.ours, "shop", "production") {
            let may = role.is_some_and(|role| role.has(right));
            // What ends it all comes last, and only to be refused.
            if may && matches!(command, Command::Shutdown) {
                continue;
            }
            let (status, body) = world.answer(&who, post("/v1/commands", &command)).await;
            // It reads with its owner's rights alone.
            let reads = matches!(command, Command::Push { .. } | Command::Fetch { .. });
            let by_path = reads && !who.person.owner;
            let expected = !may || by_path;
            assert_eq!(
                is_denied(status, &body),
                expected,
                "{command:?} by {}: {body}",
                who.name
            );
        }
    }
}

#[tokio::test]
async fn a_lock_keeps_everything_from_its_groups_but_the_way_out() {
    let world = World::new().await;
    let project = documents::load(&world.folder.path().join("project")).unwrap();
    let project = project.project;
    let production: Name = "production".parse().unwrap();
    let check = |command: &Command| {
        let of = locks::environments(command, &project, |id| {
            let ours = id.to_string() == world.ours;
            ours.then(|| project.groups[1].key())
        });
        let locked = of
            .into_iter()
            .find(|name| project.environments[name].is_locked());
        let circumstances = Circumstances {
            read_only: false,
            data_age: None,
            confirmed: true,
            locked,
        };
        gate::check(command, &circumstances)
    };
    assert_eq!(project.groups[1].key().to_string(), "shop/production");
    for (command, _) in commands(&world.ours, "shop", "production") {
        let open = match &command {
            // The way out.
            Command::Control { control, .. } => matches!(control.what, What::Stop { .. }),
            // Nothing that runs is changed by these, and a deployment that was let start waits for its hooks.
            Command::Push { .. }
            | Command::Fetch { .. }
            | Command::TestNotification { .. }
            | Command::Unlock { .. }
            | Command::ReportHook { .. }
            | Command::Shutdown => true,
            Command::Deploy(_)
            | Command::Rollback { .. }
            | Command::DeleteRevision { .. }
            | Command::TerminateHosts { .. }
            | Command::Freeze { .. }
            | Command::Thaw { .. }
            | Command::InviteHost { .. }
            | Command::RevokeHost { .. }
            | Command::RotateKey { .. }
            | Command::InviteInstances { .. }
            | Command::RevokeToken { .. } => false,
        };
        let expected = if open {
            Ok(())
        } else {
            Err(Closed::Locked(production.clone()))
        };
        assert_eq!(check(&command), expected, "{command:?}");
    }
    let locked = Err(Closed::Locked(production));
    let back = Command::stop(world.ours.parse().unwrap(), Some(true), "ana");
    assert_eq!(check(&back), locked, "to roll back is not only to stop");
    assert_eq!(check(&Command::RotateKey { host: None }), locked);
    assert_eq!(check(&deploy("shop", "staging")), Ok(()), "it has no lock");
}

#[tokio::test]
async fn who_unlocks_an_environment_is_in_the_audit_trail_with_the_reason() {
    let world = World::new().await;
    let unlock = |environment: &str, why: &str, seconds| Command::Unlock {
        environment: environment.parse().unwrap(),
        why: why.to_owned(),
        seconds,
        by: "forged".to_owned(),
    };
    let olaf = caller("olaf", &[]);
    let taken = unlock("production", "INC-7", Some(900));
    let (status, body) = world.answer(&olaf, post("/v1/commands", &taken)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains("\"until\":"), "{body}");
    for (refused, why) in [
        (unlock("production", " ", None), "takes a reason"),
        (unlock("production", "INC-7", Some(901)), "15 min at most"),
        (
            unlock("producton", "INC-7", None),
            "did you mean production",
        ),
    ] {
        let (_, body) = world.answer(&olaf, post("/v1/commands", &refused)).await;
        assert!(body.contains(why), "{body}");
    }
    let trail = world.door.trail(&owner()).await.unwrap();
    let entries: Vec<Entry> = crate::store::chain::lines(&trail)
        .0
        .map(|line| serde_json::from_slice(crate::store::chain::split(line).unwrap().1).unwrap())
        .collect();
    let asked = entries
        .iter()
        .find(|entry| entry.fact.what["type"] == "unlock")
        .unwrap();
    assert_eq!(asked.fact.user, "olaf");
    assert_eq!(asked.fact.place, "in the environment production");
    assert_eq!(
        asked.fact.what,
        json!({ "type": "unlock", "environment": "production", "why": "INC-7", "seconds": 900, "by": "olaf" })
    );
}

#[tokio::test]
async fn what_one_may_not_see_is_answered_as_what_does_not_exist() {
    let world = World::new().await;
    let ben = caller("ben", &[]);
    for (route, theirs, none) in Route::ALL.map(|route| {
        let none = request(route, "d-NONE00000", "nothing", "nobody");
        (
            route,
            request(route, &world.theirs, "secret", "vault"),
            none,
        )
    }) {
        if matches!(
            route,
            Route::Ping
                | Route::Feed
                | Route::Alarms
                | Route::Notifications
                | Route::Audit
                | Route::Tokens
        ) {
            continue;
        }
        let (status, body) = world.answer(&ben, theirs).await;
        let (other, missing) = world.answer(&ben, none).await;
        let body = body
            .replace("secret", "nothing")
            .replace("vault", "nobody")
            .replace(&world.theirs, "d-NONE00000");
        assert_eq!((status, body), (other, missing), "{route:?}");
        assert_eq!(status, StatusCode::NOT_FOUND, "{route:?}");
    }
    let theirs = commands(&world.theirs, "secret", "vault");
    let none = commands("d-NONE00000", "nothing", "nobody");
    for ((command, right), (missing, _)) in theirs.iter().zip(&none) {
        if *right == Right::Administer {
            continue;
        }
        let (status, body) = world.answer(&ben, post("/v1/commands", command)).await;
        let (_, missing) = world.answer(&ben, post("/v1/commands", missing)).await;
        let body = body
            .replace("secret", "nothing")
            .replace("vault", "nobody")
            .replace(&world.theirs, "d-NONE00000");
        assert_eq!(body, missing, "{command:?}");
        assert_eq!(status, StatusCode::NOT_FOUND, "{command:?}: {body}");
    }
}

#[tokio::test]
async fn an_operator_of_one_group_acts_there_and_nowhere_else() {
    let world = World::new().await;
    let ben = caller("ben", &[]);
    for (command, right) in commands(&world.ours, "shop", "production") {
        let whole = matches!(
            command,
            Command::DeleteRevision { .. } | Command::Push { .. } | Command::Fetch { .. }
        );
        let free = !whole && matches!(right, Right::Operate | Right::See);
        if free && !matches!(command, Command::Rollback { .. }) {
            let (status, body) = world.answer(&ben, post("/v1/commands", &command)).await;
            assert!(!is_denied(status, &body), "{command:?}: {body}");
        } else if !matches!(command, Command::Rollback { .. }) {
            let (status, body) = world.answer(&ben, post("/v1/commands", &command)).await;
            assert!(is_denied(status, &body), "{command:?}: {body}");
        }
    }
    // Who may look at the whole application is told that it is there, and that this is not for them.
    let desk = caller("dora", &["desk"]);
    let (status, body) = world
        .answer(&desk, post("/v1/commands", &deploy("shop", "staging")))
        .await;
    assert!(is_denied(status, &body), "{body}");
    assert!(
        body.contains("it needs the role operator in shop/staging"),
        "{body}"
    );
}

#[tokio::test]
async fn other_users_have_addresses_fetched_that_the_project_names() {
    let world = World::new().await;
    let (named, other) = (
        fetch("shop", "http://127.0.0.1:9/ours/a.zip"),
        fetch("shop", "http://127.0.0.1:9/a.zip"),
    );
    world.rewrite(
        "access:\n  door: /run/cutover/nowhere.sock\n  people: [{ user: olaf, role: operator }]\n\
         connections:\n  sources: [{ name: ours, from: { http: { address: 'http://127.0.0.1:9/ours' } } }]\n",
    );
    for (who, command, denied) in [
        (caller("olaf", &[]), &named, false),
        (caller("olaf", &[]), &other, true),
        (owner(), &other, false),
    ] {
        let (status, body) = world.answer(&who, post("/v1/commands", command)).await;
        assert_eq!(is_denied(status, &body), denied, "{body}");
        let why = if denied {
            "connections.sources"
        } else {
            "can't be reached"
        };
        assert!(body.contains(why), "{body}");
    }
}

#[tokio::test]
async fn other_users_read_and_write_in_s3_what_the_project_names_in_its_account() {
    let world = World::new().await;
    world.rewrite(
        "access:\n  door: /run/cutover/nowhere.sock\n  people: [{ user: olaf, role: operator }]\n\
         connections:\n  aws: [{ name: prod, region: local, endpointUrl: 'http://127.0.0.1:9' }, { name: test, region: local, endpointUrl: 'http://127.0.0.1:9' }]\n\
         \x20 sources: [{ name: ours, from: { s3: { of: ours, account: prod, write: true } } }, { name: read, from: { s3: { of: read, account: prod } } }]\n",
    );
    let olaf = caller("olaf", &[]);
    for (who, source, denied) in [
        (&olaf, "s3://theirs/a.zip", true),
        (&olaf, "s3://ours/a.zip", false),
        (&olaf, "s3://read/a.zip", false),
        (&owner(), "s3://theirs/a.zip", false),
    ] {
        let fetch = fetch("shop", source);
        let (status, body) = world.answer(who, post("/v1/commands", &fetch)).await;
        assert_eq!(is_denied(status, &body), denied, "{source}: {body}");
    }
    for (who, query, denied) in [
        (&olaf, "to=s3://theirs/a.zip", true),
        (&olaf, "to=s3://ours/a.zip", false),
        (&olaf, "to=s3://read/a.zip", true),
        (&olaf, "to=s3://ours/a.zip&account=prod", false),
        (&olaf, "to=s3://ours/a.zip&account=test", true),
        (&owner(), "to=s3://theirs/a.zip&account=test", false),
    ] {
        let path = format!("/v1/applications/shop/revisions?label=x&{query}");
        let request = Request::post(path).body(Body::from("no archive")).unwrap();
        let (status, body) = world.answer(who, request).await;
        assert_eq!(is_denied(status, &body), denied, "{query}: {body}");
    }
}

#[tokio::test]
async fn a_deployment_to_hosts_has_no_hooks_that_report() {
    let world = World::new().await;
    for (id, code) in [
        (
            world.ours.as_str(),
            "UnsupportedActionForDeploymentTypeException",
        ),
        ("d-NONE00000", "DeploymentDoesNotExistException"),
    ] {
        let (id, ticket) = (id.parse().unwrap(), "made up".to_owned());
        let refused = world.door.report(id, ticket, HookStatus::Succeeded).await;
        assert_eq!(refused.unwrap_err().code, code);
    }
}

#[tokio::test]
async fn a_forged_name_does_not_get_into_the_journal() {
    let world = World::new().await;
    let ben = caller("ben", &[]);
    let stop = &commands(&world.ours, "shop", "production")[2].0;
    let (status, body) = world.answer(&ben, post("/v1/commands", stop)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let path = format!("/v1/deployments/{}/records", world.ours);
    let (_, records) = world.answer(&owner(), get(&path)).await;
    assert!(!records.contains("forged"), "{records}");
    assert!(records.contains("\"by\":\"ben\""), "{records}");
    assert!(records.contains("\"by\":\"root\""), "{records}");
}

#[tokio::test]
async fn what_is_asked_for_is_in_the_trail_before_it_is_done_with_its_outcome() {
    let world = World::new().await;
    let (ben, mallory) = (caller("ben", &[]), caller("mallory", &[]));
    let stop = &commands(&world.ours, "shop", "production")[2].0;
    let pause = &commands(&world.ours, "shop", "production")[3].0;
    for (who, command) in [
        (&ben, stop),
        (&ben, pause),
        (&ben, &Command::Shutdown),
        (&mallory, stop),
    ] {
        world.answer(who, post("/v1/commands", command)).await;
    }
    for _ in 0..3 {
        world.answer(&mallory, get("/v1/alarms")).await;
    }
    let (status, trail) = world.answer(&owner(), get("/v1/audit")).await;
    assert_eq!(status, StatusCode::OK);
    let sound = crate::store::chain::verify(trail.as_bytes()).unwrap();
    let entries: Vec<Entry> = trail
        .lines()
        .map(|line| serde_json::from_str(&line[65..]).unwrap())
        .collect();
    assert_eq!(sound.entries, entries.len() as u64);
    let told: Vec<String> = entries
        .iter()
        .skip_while(|entry| entry.fact.user == "root")
        .map(|entry| {
            let what = &entry.fact.what;
            let what = what["control"]["what"].as_str().or(what["type"].as_str());
            format!(
                "{} {} {}",
                entry.fact.user,
                what.unwrap(),
                entry.fact.outcome.name()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "ben stop asked",
            "ben stop done",
            "ben pause asked",
            "ben pause refused",
            "ben shutdown denied",
            "mallory stop denied",
            // Knocking on and on does not fill the disk.
            "mallory alarms denied",
        ],
        "{trail}"
    );
    let last = &entries[entries.len() - 4];
    assert_eq!(last.fact.of, Some(last.seq - 1));
    assert!(!trail.contains("forged"), "{trail}");
}

#[tokio::test]
async fn read_only_is_kept_at_the_door_whoever_asks() {
    let world = World::new().await;
    world.close();
    for who in [caller("olaf", &[]), caller("adam", &[]), owner()] {
        for (command, right) in commands(&world.ours, "shop", "production") {
            let (status, body) = world.answer(&who, post("/v1/commands", &command)).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{command:?}");
            let lacks = who.name == "olaf" && !Role::Operator.has(right);
            let code = if lacks { "AccessDenied" } else { "ReadOnly" };
            assert!(
                body.contains(&format!("{code}Exception")),
                "{command:?}: {body}"
            );
        }
        let upload = request(Route::Upload, &world.ours, "shop", "production");
        let (_, body) = world.answer(&who, upload).await;
        assert!(body.contains("ReadOnlyException"), "{body}");
    }
}

#[tokio::test]
async fn whoever_loses_a_role_has_lost_it_at_the_next_request() {
    let world = World::new().await;
    let olaf = caller("olaf", &[]);
    let deploy = deploy("shop", "staging");
    let people =
        "access:\n  door: /run/cutover/nowhere.sock\n  people: [{ user: olaf, role: viewer }]\n";
    world.rewrite(people);
    let (status, body) = world.answer(&olaf, post("/v1/commands", &deploy)).await;
    assert!(is_denied(status, &body), "{body}");
}
