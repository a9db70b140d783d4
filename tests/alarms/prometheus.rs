//! Queries and alerts of a real Prometheus server.

use cutover::model::alarm::AlarmState;
use cutover::providers::alarms::AlarmError;

use crate::reading::{read, said, until};
use crate::server::{ERRORS, Prometheus, Service};

#[tokio::test]
async fn the_worst_of_a_query_decides_and_is_named() {
    let service = Service::start().await;
    let server = Prometheus::start(&service).await;
    server.warm().await;
    let reading = read(server.folder(), &server.above(ERRORS, "0.05"))
        .await
        .unwrap();
    assert_eq!(reading.value.as_deref(), Some("0"));
    assert_eq!(reading.threshold, "above 0.05");

    service.fail(50).await;
    let reading = read(server.folder(), &server.above(ERRORS, "0.05"))
        .await
        .unwrap();
    assert_eq!(reading.state, AlarmState::Alarm, "{reading:?}");
    let named = r#" for {host="web-2"} is above 0.05, the only one of 2 series"#;
    assert!(reading.message.ends_with(named), "{reading:?}");
    let value: f64 = reading.value.unwrap().parse().unwrap();
    assert!(value > 0.05 && value < 0.51, "{value}");

    // A query whose answer is one number.
    let (state, message) = said(read(server.folder(), &server.above("scalar(sum(up))", "0")).await);
    assert_eq!((state, &*message), (AlarmState::Alarm, "1 is above 0"));
    let below = server.above("up", "5").replace("above", "below");
    let (state, message) = said(read(server.folder(), &below).await);
    assert_eq!(state, AlarmState::Alarm);
    assert!(
        message.starts_with("1 for up{instance=\"127.0.0.1:"),
        "{message}"
    );
}

#[tokio::test]
async fn nothing_found_and_not_a_number_are_no_data_and_infinity_is_a_value() {
    let service = Service::start().await;
    let server = Prometheus::start(&service).await;
    server.warm().await;
    let ask = async |query: &str| said(read(server.folder(), &server.above(query, "0.05")).await);
    let no_data = AlarmState::InsufficientData;
    let nothing = (no_data, "the query finds nothing".to_owned());
    assert_eq!(ask("no_such_series_at_all").await, nothing);
    // A filter that finds nothing is no data, and not well.
    assert_eq!(ask("requests_total < 0").await, nothing);
    let nan = "every value is NaN: is there anything to divide by?".to_owned();
    assert_eq!(
        ask("rate(idle_total[2s]) / rate(idle_total[2s])").await,
        (no_data, nan)
    );
    assert_eq!(ask("sum(idle_total) / sum(idle_total)").await.0, no_data);
    let (state, message) = ask("sum(requests_total) / sum(idle_total)").await;
    let divided = "+Inf is above 0.05; a division by zero?".to_owned();
    assert_eq!((state, message), (AlarmState::Alarm, divided));
}

#[tokio::test]
async fn what_can_not_be_answered_is_told_in_the_servers_words() {
    let service = Service::start().await;
    let server = Prometheus::start(&service).await;
    server.warm().await;
    let refused = async |query: &str| {
        let error = read(server.folder(), &server.above(query, "1"))
            .await
            .unwrap_err();
        let start = format!("Prometheus at {} ", server.address());
        error.to_string().strip_prefix(&start).unwrap().to_owned()
    };
    let wrong = refused("rate(requests_total[2s]").await;
    assert!(
        wrong.starts_with("refused: invalid parameter \"query\": "),
        "{wrong}"
    );
    assert!(
        wrong.contains("parse error: unclosed left parenthesis"),
        "{wrong}"
    );
    let many = refused("errors_total + on() errors_total").await;
    assert!(many.contains("many-to-many matching not allowed"), "{many}");
    let range = refused("requests_total[5s]").await;
    assert!(
        range.contains("wrap the query, as in max_over_time"),
        "{range}"
    );
    let text = refused("\"text\"").await;
    assert!(text.ends_with("a text, where a number is needed"), "{text}");

    // Something answers there, and is no Prometheus server.
    let other = format!("http://{}", service.address());
    let source = server.above("up", "1").replace(&server.address(), &other);
    let error = read(server.folder(), &source).await.unwrap_err();
    assert!(matches!(error, AlarmError::Unclear { .. }), "{error:?}");
    let hint = "404 Not Found \"\": is that the address of a Prometheus server?";
    assert!(error.to_string().ends_with(hint), "{error}");
    // Nothing answers there.
    let nobody = format!("http://127.0.0.1:{}", crate::program::free_port());
    let source = server.above("up", "1").replace(&server.address(), &nobody);
    let error = read(server.folder(), &source).await.unwrap_err();
    assert!(matches!(error, AlarmError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn an_alert_fires_by_its_name_and_one_without_a_rule_is_unreadable() {
    let service = Service::start().await;
    let server = Prometheus::start(&service).await;
    server.warm().await;
    let ask = async |name: &str| read(server.folder(), &server.alert(name)).await;
    until("every rule was evaluated", async || {
        ask("HighErrors").await.unwrap().state == AlarmState::Ok
    })
    .await;
    assert_eq!(said(ask("HighErrors").await).1, "HighErrors is inactive");
    service.fail(50).await;
    // It is pending for a while, which is no alarm.
    until("the alert fires", async || {
        let reading = ask("HighErrors").await.unwrap();
        assert_ne!(reading.state, AlarmState::InsufficientData);
        reading.state == AlarmState::Alarm
    })
    .await;
    let reading = ask("HighErrors").await.unwrap();
    assert_eq!(reading.message, "HighErrors{host=\"web-2\"} fires");
    assert_eq!(reading.threshold, "HighErrors fires");
    assert!(reading.value.unwrap().parse::<f64>().unwrap() > 0.05);
    service.fail(0).await;
    until("the alert is over", async || {
        ask("HighErrors").await.unwrap().state == AlarmState::Ok
    })
    .await;

    until("one is pending", async || {
        said(ask("Waiting").await)
            == (
                AlarmState::Ok,
                "Waiting is pending, which is not firing yet".to_owned(),
            )
    })
    .await;
    let unknown = ask("HighError").await.unwrap_err().to_string();
    let hint = "no alerting rule is called HighError, did you mean \"HighErrors\"?";
    assert!(unknown.ends_with(hint), "{unknown}");
    // A recording rule is no alert.
    let recording = ask("errors:share").await.unwrap_err().to_string();
    assert!(
        recording.ends_with("no alerting rule is called errors:share"),
        "{recording}"
    );
    until("the broken rule was evaluated", async || {
        let Err(error) = ask("Broken").await else {
            return false;
        };
        let error = error.to_string();
        assert!(
            error.contains("the rule Broken can't be evaluated: "),
            "{error}"
        );
        assert!(error.contains("many-to-many"), "{error}");
        true
    })
    .await;
}
