//! Alarms of `CloudWatch`.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricDatum, StateValue, Statistic};
use cutover::model::alarm::{AlarmState, Reading};
use cutover::model::connections::AlarmConnection;
use cutover::model::secret::SecretSources;
use cutover::providers::alarms::{AlarmError, Reader};
use cutover::providers::aws::Accounts;
use cutover::providers::secrets::Secrets;
use libtest_mimic::Trial;

use crate::project::{cutover, project, text};
use crate::server::{Server, account, until};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("metric_alarms_and_composite_ones_tell_their_state", states),
        trial("an_alarm_that_can_not_be_read_says_what_to_do", unreadable),
        trial("the_program_shows_alarms_of_accounts", shown),
    ]
}

/// Reads an alarm once; `source` is what the documents say behind `cloudwatch:`.
pub async fn read(accounts: &Accounts, name: &str, source: &str) -> Result<Reading, AlarmError> {
    let text = format!("{{ name: {name}, source: {{ cloudwatch: {source} }} }}");
    let alarm: AlarmConnection = cutover::model::yaml::from_str(&text).unwrap();
    let secrets = Secrets::new(std::path::Path::new("/"), SecretSources::new);
    let reader = Reader::new(secrets, accounts.clone()).unwrap();
    reader.read(&alarm).await
}

/// An alarm for more than 5 errors in 10 s.
async fn put(client: &Client, name: &str) {
    client
        .put_metric_alarm()
        .alarm_name(name)
        .namespace("shop")
        .metric_name(name)
        .statistic(Statistic::Sum)
        .period(10)
        .evaluation_periods(1)
        .threshold(5.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .send()
        .await
        .unwrap();
}

async fn states() {
    let server = Server::ministack().await;
    let client = Client::new(&server.config().await);
    let accounts = server.accounts();
    put(&client, "errors").await;
    put(&client, "latency").await;
    client
        .put_composite_alarm()
        .alarm_name("shop")
        .alarm_rule("ALARM(errors) OR ALARM(latency)")
        .send()
        .await
        .unwrap();

    let reading = read(&accounts, "errors", "{}").await.unwrap();
    assert_eq!(reading.state, AlarmState::InsufficientData, "{reading:?}");
    assert_eq!(reading.threshold, "ALARM in CloudWatch");
    let named = "errors is INSUFFICIENT_DATA";
    assert!(reading.message.starts_with(named), "{reading:?}");

    client
        .set_alarm_state()
        .alarm_name("latency")
        .state_value(StateValue::Ok)
        .state_reason("it is quick")
        .send()
        .await
        .unwrap();
    let reading = read(&accounts, "slow", "{ alarm: latency }").await.unwrap();
    assert_eq!(reading.state, AlarmState::Ok);
    assert_eq!(reading.message, "latency is OK: it is quick");

    // What breaches makes it an alarm without anybody's saying so.
    let datum = MetricDatum::builder()
        .metric_name("errors")
        .value(100.0)
        .build();
    client
        .put_metric_data()
        .namespace("shop")
        .metric_data(datum)
        .send()
        .await
        .unwrap();
    until_alarm(&accounts, "errors").await;
    until_alarm(&accounts, "shop").await;
}

async fn until_alarm(accounts: &Accounts, name: &str) {
    let ask = async || read(accounts, name, "{ account: prod }").await.unwrap();
    until("it is an alarm", async || {
        ask().await.state == AlarmState::Alarm
    })
    .await;
    let message = ask().await.message;
    assert!(
        message.starts_with(&format!("{name} is ALARM: ")),
        "{message}"
    );
}

async fn unreadable() {
    let server = Server::ministack().await;
    put(&Client::new(&server.config().await), "errors").await;
    let prod = server.account("prod");
    let nobody = format!("http://127.0.0.1:{}", crate::program::free_port());
    let nobody = account("gone", &nobody);
    let accounts = Accounts::new(move || vec![prod.clone(), nobody.clone()]);
    let told = async |name: &str, source: &str| {
        let error = read(&accounts, name, source).await.unwrap_err();
        (error.to_string(), error)
    };
    let (words, error) = told("errrors", "{ account: prod }").await;
    assert!(matches!(error, AlarmError::Unclear { .. }), "{error:?}");
    assert_eq!(
        words,
        "CloudWatch of the AWS account prod answered what tells no state: it has no alarm errrors: correct `alarm`, or the `region` of the account"
    );
    let (words, error) = told("errors", "{ account: gone }").await;
    assert!(matches!(error, AlarmError::Unreachable { .. }), "{error:?}");
    let start = "CloudWatch of the AWS account gone does not answer: ";
    assert!(words.starts_with(start), "{words}");
    assert!(words.to_lowercase().contains("refused"), "{words}");
    let (words, _) = told("errors", "{ account: tset }").await;
    assert!(
        words.ends_with("no account of `connections.aws` is called tset"),
        "{words}"
    );
    let (words, _) = told("errors", "{}").await;
    assert!(
        words.ends_with("say which one, as `account: NAME`"),
        "{words}"
    );
    // The SDK knows no region, and neither do the documents.
    let words = read(&Accounts::default(), "errors", "{}")
        .await
        .unwrap_err();
    let remedy = "CloudWatch refused: no region is known: give the account a `region` in `connections.aws`, or set AWS_REGION";
    assert_eq!(words.to_string(), remedy);
}

async fn shown() {
    let server = Server::ministack().await;
    put(&Client::new(&server.config().await), "errors").await;
    let folder = project(&format!(
        "  aws: [{{ name: prod, region: us-east-1, endpointUrl: '{}' }}]
  alarms:
    - {{ name: errors, source: {{ cloudwatch: {{}} }} }}
    - {{ name: gone, source: {{ cloudwatch: {{ account: prod }} }} }}
",
        server.url()
    ));
    let run = tokio::task::spawn_blocking(move || cutover(folder.path(), &["alarms"]));
    let shown = text(&run.await.unwrap());
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[1].starts_with("errors  INSUFFICIENT_DATA"), "{shown}");
    assert!(lines[2].starts_with("gone    unreadable"), "{shown}");
    assert!(lines[2].contains("it has no alarm gone"), "{shown}");
}
