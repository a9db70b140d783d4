//! URLs: a real server that answers what a test wants, or nothing.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use cutover::model::alarm::AlarmState;
use cutover::providers::alarms::AlarmError;
use tokio::net::TcpListener;

use crate::reading::{read, said};

/// Answers with the status of the path; `/302` sends to one that is well, `/hang` never answers.
async fn answer(Path(status): Path<String>) -> Response {
    let Ok(status) = status.parse::<u16>() else {
        return std::future::pending().await;
    };
    let body = format!("\n  status {status}\u{1b}[31m\nmore\n");
    let headers = [("location", "/200")];
    (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
}

async fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route("/{status}", get(answer));
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test]
async fn two_hundreds_are_well_five_hundreds_an_alarm_and_the_rest_tells_nothing() {
    let server = server().await;
    let here = std::path::Path::new(".");
    let ask =
        async |path: &str| read(here, &format!("{{ http: {{ url: '{server}/{path}' }} }}")).await;
    let (state, message) = said(ask("200").await);
    assert_eq!(state, AlarmState::Ok);
    // Nothing that a terminal would obey comes through.
    assert_eq!(
        message,
        format!("{server}/200 answers 200 OK: status 200␛[31m")
    );
    assert_eq!(said(ask("204").await).0, AlarmState::Ok);
    for failing in ["500", "502", "503", "504"] {
        assert_eq!(said(ask(failing).await).0, AlarmState::Alarm, "{failing}");
    }
    // A redirection may lead to a page that is always well.
    for unclear in ["302", "401", "404", "429"] {
        let error = ask(unclear).await.unwrap_err();
        assert!(matches!(error, AlarmError::Unclear { .. }), "{error:?}");
        assert!(error.to_string().contains(unclear), "{error}");
    }
    let hung = ask("hang").await.unwrap_err();
    let told = format!("{server}/hang does not answer: not within 5 s");
    assert_eq!(hung.to_string(), told);
    let nobody = format!(
        "{{ http: {{ url: 'http://127.0.0.1:{}/' }} }}",
        crate::program::free_port()
    );
    let error = read(here, &nobody).await.unwrap_err();
    assert!(matches!(error, AlarmError::Unreachable { .. }), "{error:?}");
}
