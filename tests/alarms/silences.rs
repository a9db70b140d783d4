//! A command that asks a real Alertmanager, as the documentation shows it.

use cutover::model::alarm::AlarmState;

use crate::alertmanager::{Alertmanager, documented};
use crate::reading::{read, said, until};
use crate::server::{Prometheus, Service};

#[tokio::test]
async fn an_alert_is_an_alarm_until_somebody_silences_it() {
    let service = Service::start().await;
    let receiver = Alertmanager::start().await;
    let server = Prometheus::evaluating(&service, "200ms", Some(&receiver)).await;
    server.warm().await;
    let source = documented(server.folder(), &receiver, "HighErrors");
    let ask = async || said(read(server.folder(), &source).await);
    assert_eq!(ask().await.0, AlarmState::Ok);
    service.fail(50).await;
    until("the alert fires", async || {
        receiver.fires_since("HighErrors").await.is_some()
    })
    .await;
    until("it is an alarm", async || {
        ask().await.0 == AlarmState::Alarm
    })
    .await;
    assert_eq!(ask().await.1, "HighErrors fires");
    receiver.silence("HighErrors");
    until("it is silenced", async || ask().await.0 == AlarmState::Ok).await;
    // Prometheus goes by the rule alone.
    let alert = server.alert("HighErrors");
    assert_eq!(
        read(server.folder(), &alert).await.unwrap().state,
        AlarmState::Alarm
    );

    let gone = documented(server.folder(), &receiver, "HighErrors");
    drop(receiver);
    let error = read(server.folder(), &gone).await.unwrap_err().to_string();
    assert!(error.contains("connection refused"), "{error}");
}
