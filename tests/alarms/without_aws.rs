//! A build without AWS says how to get one that has it, and does nothing else.

use cutover::model::connections::{AwsAccount, Receiver};
use cutover::model::group::EcsService;
use cutover::model::notification::Message;
use cutover::model::secret::SecretSources;
use cutover::providers::alarms::Reader;
use cutover::providers::aws::Accounts;
use cutover::providers::notify::{Answer, DEADLINE, Notifier};
use cutover::providers::secrets::Secrets;
use cutover::providers::services::{Listener, Place, look};
use cutover::providers::traffic::connect_listener;

use crate::reading::alarm;

const REMEDY: &str = "this build has no AWS; build with `--features aws`";

fn accounts() -> Accounts {
    Accounts::new(|| {
        vec![AwsAccount {
            name: "prod".to_owned(),
            ..AwsAccount::default()
        }]
    })
}

fn secrets() -> Secrets {
    Secrets::new(std::path::Path::new("/"), SecretSources::new)
}

#[tokio::test]
async fn an_alarm_of_cloudwatch_can_not_be_read() {
    let reader = Reader::new(secrets(), accounts()).unwrap();
    let error = reader.read(&alarm("errors", "{ cloudwatch: {} }")).await;
    let words = format!("CloudWatch of the AWS account prod refused: {REMEDY}");
    assert_eq!(error.unwrap_err().to_string(), words);
}

#[tokio::test]
async fn a_topic_of_sns_is_told_nothing() {
    let topic =
        "{ name: team, via: { sns: { topicArn: 'arn:aws:sns:eu-west-1:123456789012:x' } } }";
    let receiver: Receiver = cutover::model::yaml::from_str(topic).unwrap();
    let message = Message {
        id: "0000-1".to_owned(),
        event: "Test".to_owned(),
        body: "{}".to_owned(),
        sentence: "it started".to_owned(),
    };
    let notifier = Notifier::new(secrets(), accounts(), DEADLINE);
    let answer = notifier.send(&receiver, &message).await;
    let words = format!("SNS of the AWS account prod: {REMEDY}");
    assert_eq!(answer, Answer::Refused(words));
}

#[tokio::test]
async fn a_service_of_ecs_is_not_asked_for() {
    let service = EcsService {
        cluster_name: "main".to_owned(),
        service_name: "shop".to_owned(),
    };
    let place = Place {
        account: Some("prod".to_owned()),
        service: service.clone(),
    };
    let error = look(&accounts(), &place).await.unwrap_err();
    assert!(
        !error.is_passing && error.message.ends_with(REMEDY),
        "{error}"
    );
    let listener = Listener {
        service,
        arn: "arn".to_owned(),
        groups: Vec::new(),
        production: true,
    };
    let refused = connect_listener(&listener, Some("prod"), &accounts())
        .err()
        .unwrap();
    let words = format!("ECS shop of the AWS account prod refused: {REMEDY}");
    assert_eq!(refused.to_string(), words);
}
