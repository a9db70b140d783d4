//! Who the program is at AWS, and what it says when nobody knows.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use cutover::model::connections::{AwsAccount, Receiver, ReceiverKind, SnsTopic};
use cutover::model::notification::Message;
use cutover::model::secret::SecretSources;
use cutover::providers::aws::Accounts;
use cutover::providers::notify::{Answer, DEADLINE, Notifier};
use cutover::providers::secrets::Secrets;
use libtest_mimic::Trial;
use tokio::net::TcpListener;

use crate::alarms::read;
use crate::server::{Server, account};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_role_is_assumed", role),
        trial("a_profile_is_taken_before_the_environment", profile),
        trial("credentials_that_are_renewed_are_found", renewed),
        trial("what_is_refused_is_told_with_its_remedy", refused),
    ]
}

pub const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:deploys";

/// A receiver that is a topic.
pub fn receiver(topic: &str) -> Receiver {
    Receiver {
        name: "ops".to_owned(),
        via: ReceiverKind::Sns(SnsTopic {
            topic_arn: topic.to_owned(),
            account: None,
        }),
    }
}

pub fn message() -> Message {
    Message {
        id: "0000-1".to_owned(),
        event: "DeploymentStart".to_owned(),
        body: r#"{"schema":1,"id":"0000-1"}"#.to_owned(),
        sentence: "it started".to_owned(),
    }
}

pub fn notifier(accounts: Accounts) -> Notifier {
    let secrets = Secrets::new(std::path::Path::new("/"), SecretSources::new);
    Notifier::new(secrets, accounts, DEADLINE)
}

fn only(account: AwsAccount) -> Accounts {
    Accounts::new(move || vec![account.clone()])
}

/// A service that notes who signed a request, and answers what it is told: the emulators accept everybody.
pub struct Witness {
    pub url: String,
    seen: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<(u16, &'static str)>>,
}

const PUBLISHED: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>";

const ASSUMED: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials><AccessKeyId>ASSUMED</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";

impl Witness {
    pub async fn start() -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(Mutex::new((200, PUBLISHED)));
        let state = (Arc::clone(&seen), Arc::clone(&answer));
        let routes = Router::new().fallback(witness).with_state(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, seen, answer }
    }

    pub fn answers(&self, status: u16, text: &'static str) {
        *self.answer.lock().unwrap() = (status, text);
    }

    /// The access keys of those who asked.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

type Notes = (Arc<Mutex<Vec<String>>>, Arc<Mutex<(u16, &'static str)>>);

async fn witness(
    State((seen, answer)): State<Notes>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, &'static str) {
    let signed = headers.get("authorization").unwrap().to_str().unwrap();
    let key = signed.split("Credential=").nth(1).unwrap();
    let key = key.split('/').next().unwrap().to_owned();
    seen.lock().unwrap().push(key);
    let (status, text) = *answer.lock().unwrap();
    if status == 200 && body.contains("Action=AssumeRole") {
        return (StatusCode::OK, ASSUMED);
    }
    (StatusCode::from_u16(status).unwrap(), text)
}

async fn role() {
    let role = "arn:aws:iam::123456789012:role/deploys".to_owned();
    let witness = Witness::start().await;
    let accounts = only(AwsAccount {
        role_arn: Some(role.clone()),
        ..account("prod", &witness.url)
    });
    let sent = notifier(accounts).send(&receiver(TOPIC), &message()).await;
    assert_eq!(sent, Answer::Taken("message m-1".to_owned()));
    assert_eq!(witness.seen(), ["test", "ASSUMED"]);

    // One that may not be assumed.
    witness.answers(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>");
    let accounts = only(AwsAccount {
        role_arn: Some(role.clone()),
        ..account("prod", &witness.url)
    });
    let Answer::NotNow { why, .. } = notifier(accounts).send(&receiver(TOPIC), &message()).await
    else {
        panic!("it may be allowed later");
    };
    assert!(
        why.starts_with("SNS of the AWS account prod: it has no credentials: "),
        "{why}"
    );
    assert!(
        why.contains("AccessDenied") && why.contains("not you"),
        "{why}"
    );

    // The emulator has a service for it as well.
    let server = Server::ministack().await;
    let accounts = only(AwsAccount {
        role_arn: Some(role),
        ..server.account("prod")
    });
    let error = read(&accounts, "errors", "{}").await.unwrap_err();
    assert!(
        error.to_string().contains("it has no alarm errors"),
        "{error}"
    );
}

/// Where this test's environment has the credentials of profiles.
fn profiles() -> std::path::PathBuf {
    std::env::var_os("AWS_SHARED_CREDENTIALS_FILE")
        .unwrap()
        .into()
}

/// Adds a profile with this key.
fn add_profile(name: &str, key: &str) {
    use std::io::Write as _;
    let mut file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(profiles())
        .unwrap();
    let text = format!("[{name}]\naws_access_key_id = {key}\naws_secret_access_key = s\n");
    file.write_all(text.as_bytes()).unwrap();
}

async fn profile() {
    add_profile("named", "NAMED");
    let witness = Witness::start().await;
    let accounts = only(AwsAccount {
        profile: Some("named".to_owned()),
        ..account("prod", &witness.url)
    });
    let sent = notifier(accounts).send(&receiver(TOPIC), &message()).await;
    assert_eq!(sent, Answer::Taken("message m-1".to_owned()));
    assert_eq!(witness.seen(), ["NAMED"]);
}

async fn renewed() {
    // There are profiles, and not that one.
    add_profile("other", "OTHER");
    let witness = Witness::start().await;
    let accounts = only(AwsAccount {
        profile: Some("late".to_owned()),
        ..account("prod", &witness.url)
    });
    let notifier = notifier(accounts);
    let Answer::NotNow { why, .. } = notifier.send(&receiver(TOPIC), &message()).await else {
        panic!("there is no such profile yet");
    };
    assert!(
        why.contains("it has no credentials: give the account a `profile`"),
        "{why}"
    );
    assert!(why.contains("late"), "{why}");
    assert_eq!(witness.seen(), [""; 0]);
    add_profile("late", "LATE");
    let sent = notifier.send(&receiver(TOPIC), &message()).await;
    assert_eq!(sent, Answer::Taken("message m-1".to_owned()));
    assert_eq!(witness.seen(), ["LATE"]);
}

async fn refused() {
    let witness = Witness::start().await;
    let notifier = notifier(only(account("prod", &witness.url)));
    let said = async |status, text| {
        witness.answers(status, text);
        notifier.send(&receiver(TOPIC), &message()).await
    };
    let expired = said(403, "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>too old</Message></Error></ErrorResponse>").await;
    let why = "SNS of the AWS account prod: its credentials have expired: renew them where they come from, as with `aws sso login` (ExpiredToken: too old)";
    assert_eq!(
        expired,
        Answer::NotNow {
            why: why.to_owned(),
            wait: None
        }
    );
    let denied = said(403, "<ErrorResponse><Error><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>").await;
    let why = "SNS of the AWS account prod: access is denied: let its user or role have sns:Publish (AuthorizationError: no)";
    assert_eq!(denied, Answer::Refused(why.to_owned()));
    let throttled = said(400, "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>").await;
    assert!(matches!(throttled, Answer::NotNow { .. }), "{throttled:?}");
    let broken = said(503, "busy").await;
    assert!(matches!(broken, Answer::NotNow { .. }), "{broken:?}");
    // It is asked once each time: the courier knows when to try again.
    assert_eq!(witness.seen().len(), 4);
}
