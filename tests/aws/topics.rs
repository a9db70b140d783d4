//! Topics of SNS, with a subscriber that gets what is published.

use std::sync::{Arc, Mutex};

use aws_sdk_sns::Client;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use cutover::providers::notify::Answer;
use libtest_mimic::Trial;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::credentials::{message, notifier, receiver};
use crate::project::{cutover, project, text};
use crate::server::{Server, until};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_subscriber_gets_the_notification", published),
        trial("the_program_tests_a_topic", tested),
        trial("a_topic_that_is_gone_is_refused", gone),
    ]
}

/// Whoever subscribed over HTTP: what came, with confirmations answered.
struct Subscriber {
    url: String,
    came: Arc<Mutex<Vec<Value>>>,
}

impl Subscriber {
    async fn start() -> Self {
        let came = Arc::new(Mutex::new(Vec::new()));
        let routes = Router::new()
            .route("/", post(take))
            .with_state(Arc::clone(&came));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, came }
    }

    /// Waits for the first notification.
    async fn first(&self) -> Value {
        let came = || self.came.lock().unwrap().first().cloned();
        until("something comes", async || came().is_some()).await;
        came().unwrap()
    }
}

async fn take(State(came): State<Arc<Mutex<Vec<Value>>>>, body: String) {
    let body: Value = serde_json::from_str(&body).unwrap();
    if body["Type"] == "SubscriptionConfirmation" {
        let url = body["SubscribeURL"].as_str().unwrap();
        let _confirmed = reqwest::get(url).await;
    } else {
        came.lock().unwrap().push(body);
    }
}

/// A topic, and who subscribed to it.
async fn topic(server: &Server) -> (String, Subscriber) {
    let client = Client::new(&server.config().await);
    let topic = client.create_topic().name("deploys").send().await.unwrap();
    let topic = topic.topic_arn.unwrap();
    let subscriber = Subscriber::start().await;
    client
        .subscribe()
        .topic_arn(&topic)
        .protocol("http")
        .endpoint(&subscriber.url)
        .send()
        .await
        .unwrap();
    // Nothing is sent to whoever has not said yes.
    until("the subscription is confirmed", async || {
        let topic = client.get_topic_attributes().topic_arn(&topic).send().await;
        let attributes = topic.unwrap().attributes.unwrap();
        attributes["SubscriptionsConfirmed"] == "1"
    })
    .await;
    (topic, subscriber)
}

async fn published() {
    let server = Server::ministack().await;
    let (topic, subscriber) = topic(&server).await;
    let sent = notifier(server.accounts())
        .send(&receiver(&topic), &message())
        .await;
    let Answer::Taken(words) = &sent else {
        panic!("{sent:?}");
    };
    let came = subscriber.first().await;
    assert_eq!(
        *words,
        format!("message {}", came["MessageId"].as_str().unwrap())
    );
    assert_eq!(came["Message"], message().body);
    assert_eq!(came["TopicArn"], topic);
    let attribute = |name: &str| came["MessageAttributes"][name]["Value"].clone();
    assert_eq!(attribute("event"), "DeploymentStart");
    assert_eq!(attribute("delivery"), "0000-1");
}

async fn tested() {
    let server = Server::ministack().await;
    let (topic, subscriber) = topic(&server).await;
    let folder = project(&format!(
        "  aws: [{{ name: prod, region: us-east-1, endpointUrl: '{}' }}]
  receivers: [{{ name: ops, via: {{ sns: {{ topicArn: '{topic}' }} }} }}]
",
        server.url()
    ));
    let run = tokio::task::spawn_blocking(move || {
        cutover(folder.path(), &["notifications", "test", "ops"])
    });
    let output = run.await.unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let came = subscriber.first().await;
    assert_eq!(came["MessageAttributes"]["event"]["Value"], "Test");
    let body: Value = serde_json::from_str(came["Message"].as_str().unwrap()).unwrap();
    assert_eq!(body["schema"], 1);
}

async fn gone() {
    let server = Server::ministack().await;
    let topic = "arn:aws:sns:us-east-1:000000000000:nobody";
    let sent = notifier(server.accounts())
        .send(&receiver(topic), &message())
        .await;
    let Answer::Refused(words) = sent else {
        panic!("{sent:?}");
    };
    assert!(
        words.starts_with("SNS of the AWS account prod: NotFound"),
        "{words}"
    );
}
