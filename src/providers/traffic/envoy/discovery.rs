//! The endpoint discovery that this program serves to Envoy: REST, JSON, v3.

use std::future::IntoFuture as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock;
use crate::model::connections::EnvoyEndpoints;
use crate::model::endpoint::Endpoint;

/// What Envoy calls the endpoints of a cluster.
const TYPE: &str = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

/// One endpoint of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    pub endpoint: Endpoint,
    /// Its weight; 0 gets nothing.
    pub weight: u32,
    /// Whether it gets nothing new, whatever its weight.
    pub draining: bool,
}

/// Serves what was published last, and nothing before: until then Envoy keeps what it has.
#[derive(Debug)]
pub struct Discovery {
    shared: Arc<Shared>,
    listen: Endpoint,
    serving: tokio::sync::Mutex<Option<Serving>>,
}

#[derive(Debug)]
struct Shared {
    cluster: String,
    published: Mutex<Option<Published>>,
}

#[derive(Clone, Debug)]
struct Published {
    version: String,
    endpoints: Vec<Assigned>,
}

/// Ends when it is dropped, and closes Envoy's connections.
#[derive(Debug)]
struct Serving {
    task: JoinHandle<()>,
    _end: DropGuard,
}

impl Discovery {
    pub fn new(settings: EnvoyEndpoints) -> Self {
        Self {
            shared: Arc::new(Shared {
                cluster: settings.cluster,
                published: Mutex::default(),
            }),
            listen: settings.listen,
            serving: tokio::sync::Mutex::default(),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &Endpoint {
        &self.listen
    }

    /// Listens, if it does not do so yet.
    pub async fn listen(&self) -> io::Result<()> {
        let mut serving = self.serving.lock().await;
        if serving.as_ref().is_some_and(|it| !it.task.is_finished()) {
            return Ok(());
        }
        let listener = TcpListener::bind((self.listen.host.as_str(), self.listen.port)).await?;
        let routes = Router::new()
            .route("/v3/discovery:endpoints", post(answer))
            .with_state(Arc::clone(&self.shared));
        let end = CancellationToken::new();
        let server = axum::serve(listener, routes)
            .with_graceful_shutdown(end.clone().cancelled_owned())
            .into_future();
        let task = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::warn!(%error, "serving endpoints to Envoy ended");
            }
        });
        *serving = Some(Serving {
            task,
            _end: end.drop_guard(),
        });
        Ok(())
    }

    /// What is served, if anything was published.
    pub fn published(&self) -> Option<Vec<Assigned>> {
        let published = self.shared.published();
        published.as_ref().map(|it| it.endpoints.clone())
    }

    /// From now on this is served.
    pub fn publish(&self, endpoints: Vec<Assigned>) {
        let mut published = self.shared.published();
        if published
            .as_ref()
            .is_some_and(|it| it.endpoints == endpoints)
        {
            return;
        }
        let version = clock::unique();
        *published = Some(Published { version, endpoints });
    }
}

impl Shared {
    fn published(&self) -> std::sync::MutexGuard<'_, Option<Published>> {
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    resource_names: Vec<String>,
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    Json(asked): Json<Asked>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let cluster = &shared.cluster;
    if !asked.resource_names.contains(cluster) {
        let names = asked.resource_names.join(", ");
        let message = format!("the endpoints of {cluster} are served here, not those of {names}");
        return Err((StatusCode::NOT_FOUND, message));
    }
    let published = shared.published().clone();
    let Some(Published { version, endpoints }) = published else {
        let message = "nothing was decided yet: keep what you have".to_owned();
        return Err((StatusCode::SERVICE_UNAVAILABLE, message));
    };
    let endpoints: Vec<_> = endpoints.iter().map(assignment).collect();
    Ok(Json(json!({
        "version_info": version,
        "type_url": TYPE,
        "resources": [{
            "@type": TYPE,
            "cluster_name": cluster,
            "endpoints": [{ "lb_endpoints": endpoints }],
        }],
    })))
}

/// Envoy knows no weight of 0: a server without a share is one that drains.
fn assignment(assigned: &Assigned) -> Value {
    let Endpoint { host, port } = &assigned.endpoint;
    let drains = assigned.draining || assigned.weight == 0;
    json!({
        "endpoint": { "address": { "socket_address": { "address": host, "port_value": port } } },
        "health_status": if drains { "DRAINING" } else { "HEALTHY" },
        "load_balancing_weight": assigned.weight.max(1),
    })
}
