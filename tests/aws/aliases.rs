//! The alias of a function: what is written there and under which revision, and what is said when AWS refuses.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use cutover::model::connections::{FunctionConnection, FunctionKind, LambdaAlias, Version};
use cutover::model::deployment::ErrorCode;
use cutover::model::traffic::{Side, Split};
use cutover::providers::aws::Accounts;
use cutover::providers::traffic::lambda::LambdaBalancer;
use cutover::providers::traffic::{Balancer as _, Observed, Server, Service, TrafficError, Wanted};
use libtest_mimic::Trial;
use tokio::net::TcpListener;

use crate::lambda::Functions;
use crate::server::account;
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("an_alias_is_split_and_led_on", split),
        trial("what_somebody_else_wrote_is_not_overwritten", conflict),
        trial(
            "an_alias_that_leads_elsewhere_is_seen_and_put_right",
            elsewhere,
        ),
        trial("what_is_not_at_lambda_is_told", missing),
        trial("a_version_that_can_not_be_invoked_does_not_enter", unfit),
        trial("what_lambda_refuses_has_a_code_and_a_remedy", refused),
    ]
}

fn alias(name: &str, alias: &str, accounts: &Accounts) -> LambdaBalancer {
    let at = LambdaAlias::default();
    let connection = FunctionConnection {
        name: name.to_owned(),
        alias: alias.to_owned(),
        via: FunctionKind::Lambda(at.clone()),
    };
    LambdaBalancer::new(&connection, &at, accounts)
}

fn server(version: u64, side: Side, service: Service) -> Server<Version> {
    Server {
        name: format!("thumbs-{version}").parse().unwrap(),
        endpoint: Version(version),
        side,
        service,
    }
}

/// From the first version to this one.
fn both(next: u64) -> Vec<Server<Version>> {
    let original = server(1, Side::Blue, Service::In);
    vec![original, server(next, Side::Green, Service::In)]
}

fn wanted(share: u8) -> Wanted<Version> {
    Wanted {
        servers: both(2),
        split: Some(Split::new(share).unwrap()),
    }
}

fn service(observed: &Observed, server: &str) -> Option<Service> {
    observed.servers.get(server).map(|seen| seen.service)
}

async fn look(alias: &LambdaBalancer) -> Observed {
    alias.observe(&both(2)).await.unwrap()
}

/// Looks, and lets a share be as wanted.
async fn ask(alias: &LambdaBalancer, share: u8) -> Result<Observed, TrafficError> {
    let observed = look(alias).await;
    alias.apply(&wanted(share), &observed).await?;
    Ok(look(alias).await)
}

fn beside(name: &str, part: f64) -> Vec<(String, f64)> {
    vec![(name.to_owned(), part)]
}

async fn split() {
    let functions = Functions::start().await;
    let alias = alias("thumbs", "live", &functions.server.accounts());
    let now = look(&alias).await;
    assert_eq!(now.split, Some(Split::ORIGINAL));
    assert_eq!(service(&now, "thumbs-1"), Some(Service::In));
    assert_eq!(service(&now, "thumbs-2"), Some(Service::Out));
    // It enters without a share, for everybody to see.
    let now = ask(&alias, 0).await.unwrap();
    assert_eq!(service(&now, "thumbs-2"), Some(Service::In));
    assert_eq!(
        functions.leads_to().await,
        ("1".to_owned(), beside("2", 0.0))
    );
    for share in [1, 10, 33, 60, 99] {
        let now = ask(&alias, share).await.unwrap();
        assert_eq!(now.split, Split::new(share).ok());
        let part = f64::from(share) / 100.0;
        assert_eq!(
            functions.leads_to().await,
            ("1".to_owned(), beside("2", part))
        );
    }
    let now = ask(&alias, 100).await.unwrap();
    assert_eq!(now.split, Some(Split::REPLACEMENT));
    assert_eq!(functions.leads_to().await, ("2".to_owned(), vec![]));
    // The way back is there at any time.
    assert_eq!(service(&now, "thumbs-1"), Some(Service::In));
    ask(&alias, 0).await.unwrap();
    assert_eq!(functions.leads_to().await, ("1".to_owned(), vec![]));
    // One that was admitted and is to have nothing leaves.
    let observed = look(&alias).await;
    let leaves = Wanted {
        servers: vec![
            server(1, Side::Blue, Service::In),
            server(2, Side::Green, Service::Draining),
        ],
        split: Some(Split::ORIGINAL),
    };
    alias.apply(&leaves, &observed).await.unwrap();
    let now = look(&alias).await;
    assert_eq!(service(&now, "thumbs-2"), Some(Service::Out));
}

async fn conflict() {
    let functions = Functions::start().await;
    let alias = alias("thumbs", "live", &functions.server.accounts());
    let before = ask(&alias, 30).await.unwrap();
    let update = functions.client.update_alias().function_name("thumbs");
    let update = update.name("live").description("by hand");
    update.send().await.unwrap();
    let error = alias.apply(&wanted(60), &before).await.unwrap_err();
    assert!(error.is_passing(), "{error:?}");
    let words = error.to_string();
    assert!(
        words.starts_with(
            "Lambda thumbs:live of the AWS account prod waits: somebody else has changed the alias"
        ) && words.contains("PreconditionFailed"),
        "{words}"
    );
    assert_eq!(
        functions.leads_to().await,
        ("1".to_owned(), beside("2", 0.3))
    );
    // Another look knows of it.
    ask(&alias, 60).await.unwrap();
    assert_eq!(
        functions.leads_to().await,
        ("1".to_owned(), beside("2", 0.6))
    );
    assert_eq!(functions.alias().await.description(), Some("by hand"));
}

async fn elsewhere() {
    let functions = Functions::start().await;
    let alias = alias("thumbs", "live", &functions.server.accounts());
    ask(&alias, 10).await.unwrap();
    functions.lead_to("3", &[("2", 0.1)]).await;
    let now = look(&alias).await;
    assert_eq!(now.split, None);
    assert_eq!(service(&now, "thumbs-3"), Some(Service::In));
    let weight = |version: &str| now.servers[version].weight;
    assert_eq!((weight("thumbs-1"), weight("thumbs-2")), (Some(0), None));
    let now = ask(&alias, 10).await.unwrap();
    assert_eq!(now.split, Split::new(10).ok());
    assert_eq!(
        functions.leads_to().await,
        ("1".to_owned(), beside("2", 0.1))
    );
    functions.lead_to("$LATEST", &[]).await;
    assert_eq!(look(&alias).await.others, 1);
}

fn fatal(error: TrafficError) -> (ErrorCode, String) {
    let words = error.to_string();
    match error {
        TrafficError::Fatal { code, .. } => (code, words),
        other => panic!("{other:?}"),
    }
}

async fn missing() {
    let functions = Functions::start().await;
    let accounts = functions.server.accounts();
    for (name, named) in [("thumbs", "beta"), ("frames", "live")] {
        let error = alias(name, named, &accounts)
            .observe(&[])
            .await
            .unwrap_err();
        let (code, words) = fatal(error);
        assert_eq!(code, ErrorCode::InvalidLambdaFunction);
        let expected = format!("there is no alias {named} of {name}: create it");
        assert!(words.contains(&expected), "{words}");
    }
    let alias = alias("thumbs", "live", &accounts);
    let observed = alias.observe(&both(7)).await.unwrap();
    assert_eq!(service(&observed, "thumbs-7"), None);
    let wanted = Wanted {
        servers: both(7),
        split: Some(Split::ORIGINAL),
    };
    let (code, words) = fatal(alias.apply(&wanted, &observed).await.unwrap_err());
    assert_eq!(code, ErrorCode::InvalidLambdaFunction);
    assert!(
        words.contains("thumbs has no version 7: publish it"),
        "{words}"
    );
    assert_eq!(functions.leads_to().await, ("1".to_owned(), vec![]));
}

/// What a Lambda answers that is not well: to questions about versions, and to everything else.
#[derive(Clone)]
struct Answers(Arc<Mutex<[Answer; 2]>>);

#[derive(Clone, Copy)]
struct Answer(u16, &'static str, &'static str);

const ALIAS: Answer = Answer(
    200,
    "",
    r#"{"Name":"live","FunctionVersion":"1","RevisionId":"r"}"#,
);

impl Answers {
    async fn start() -> (Self, String) {
        let active = Answer(200, "", r#"{"State":"Active"}"#);
        let answers = Self(Arc::new(Mutex::new([active, ALIAS])));
        let routes = Router::new().fallback(answer).with_state(answers.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (answers, url)
    }

    fn are(&self, versions: Answer, others: Answer) {
        *self.0.lock().unwrap() = [versions, others];
    }
}

async fn answer(
    State(answers): State<Answers>,
    request: Request,
) -> (StatusCode, HeaderMap, &'static str) {
    let [versions, others] = *answers.0.lock().unwrap();
    let of_version = request.uri().path().ends_with("/configuration");
    let Answer(status, error, text) = if of_version { versions } else { others };
    let mut headers = HeaderMap::new();
    if !error.is_empty() {
        headers.insert("x-amzn-errortype", error.parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), headers, text)
}

async fn unfit() {
    let (answers, url) = Answers::start().await;
    let only = account("prod", &url);
    let accounts = Accounts::new(move || vec![only.clone()]);
    let alias = alias("thumbs", "live", &accounts);
    answers.are(
        Answer(
            200,
            "",
            r#"{"State":"Pending","StateReason":"its image is optimised"}"#,
        ),
        ALIAS,
    );
    let error = ask(&alias, 0).await.unwrap_err();
    assert!(error.is_passing());
    let words = error.to_string();
    assert!(
        words.contains(
            "version 2 of thumbs can't be invoked yet (it is Pending: its image is optimised)"
        ),
        "{words}"
    );
    answers.are(Answer(200, "", r#"{"State":"Failed"}"#), ALIAS);
    let (code, words) = fatal(ask(&alias, 0).await.unwrap_err());
    assert_eq!(code, ErrorCode::InvalidLambdaFunction);
    assert!(
        words.contains("(it is Failed): publish one that can"),
        "{words}"
    );
    let seen = look(&alias).await;
    let second = &seen.servers["thumbs-2"];
    assert_eq!(second.healthy, Some(false));
    assert_eq!(second.trouble.as_deref(), Some("it is Failed"));
}

async fn refused() {
    let (answers, url) = Answers::start().await;
    let only = account("prod", &url);
    let accounts = Accounts::new(move || vec![only.clone()]);
    let no = |status, error, text| {
        let active = Answer(200, "", r#"{"State":"Active"}"#);
        answers.are(active, Answer(status, error, text));
        alias("thumbs", "live", &accounts)
    };
    let denied = no(403, "AccessDeniedException", r#"{"Message":"not you"}"#);
    let (code, words) = fatal(denied.observe(&both(2)).await.unwrap_err());
    assert_eq!(code, ErrorCode::IamRolePermissions);
    assert_eq!(
        words,
        "Lambda thumbs:live of the AWS account prod: access is denied: let its user or role have lambda:GetAlias (AccessDeniedException: not you)"
    );
    // What may pass is waited for, and not for ever.
    for (status, error, code, remedy) in [
        (
            429,
            "TooManyRequestsException",
            ErrorCode::Throttled,
            "it is asked too often",
        ),
        (
            403,
            "ExpiredTokenException",
            ErrorCode::IamRolePermissions,
            "its credentials have expired: renew them",
        ),
    ] {
        let alias = no(status, error, "{}");
        let (began, servers) = (Instant::now(), both(2));
        let first = alias.observe(&servers).await.unwrap_err();
        assert!(
            first.is_passing() && first.to_string().contains(remedy),
            "{first}"
        );
        let last = loop {
            let error = alias.observe(&servers).await.unwrap_err();
            if !error.is_passing() {
                break error;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let (found, words) = fatal(last);
        assert_eq!(found, code);
        assert!(words.contains(remedy), "{words}");
        // An answer in between begins the time anew.
        answers.are(Answer(200, "", r#"{"State":"Active"}"#), ALIAS);
        alias.observe(&servers).await.unwrap();
        answers.are(
            Answer(200, "", r#"{"State":"Active"}"#),
            Answer(status, error, "{}"),
        );
        assert!(alias.observe(&servers).await.unwrap_err().is_passing());
    }
    let gone = no(503, "ServiceException", "{}");
    let error = gone.observe(&both(2)).await.unwrap_err();
    assert!(error.is_passing(), "{error}");
}
