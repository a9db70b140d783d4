//! The cockpit itself, in a process of its own: this very program, started again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cutover::api::client::Client;
use cutover::tui::{self, Options, Preferences, Recording};
use nix::time::{ClockId, clock_gettime};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// What a child is told by its first argument.
pub const COCKPIT: &str = "as-cockpit";
pub const REPLAY: &str = "as-replay";

/// Does what a child was started for: a door's socket or a recording, what is shown first, and where to write what each frame took.
pub fn run(arguments: &[String]) {
    let [what, of, at, report] = arguments else {
        panic!("{arguments:?}");
    };
    let frames = Frames::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(frames.clone()))
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if what == COCKPIT {
        let client = Client::new(Path::new(of)).unwrap();
        let options = Options {
            start: Some(at.parse().unwrap()),
            ..Options::new(client, "bench".to_owned())
        };
        runtime.block_on(tui::run(options)).unwrap();
    } else {
        let recording = Recording::read(&PathBuf::from(of)).unwrap();
        let preferences = Preferences::default();
        runtime
            .block_on(tui::replay(&recording, &preferences))
            .unwrap();
    }
    let taken = frames.0.lock().unwrap();
    std::fs::write(report, serde_json::to_string(&*taken).unwrap()).unwrap();
}

/// The processor time of each frame, in seconds.
#[derive(Clone, Default)]
struct Frames(Arc<Mutex<Vec<f64>>>);

fn processor_time() -> f64 {
    let now = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
    now.tv_sec() as f64 + now.tv_nsec() as f64 / 1e9
}

impl<S: tracing::Subscriber> Layer<S> for Frames {
    fn register_callsite(
        &self,
        metadata: &'static tracing::Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        if metadata.name() == "frame" {
            tracing::subscriber::Interest::always()
        } else {
            tracing::subscriber::Interest::never()
        }
    }

    fn on_enter(&self, _: &tracing::span::Id, _: Context<'_, S>) {
        self.0.lock().unwrap().push(-processor_time());
    }

    fn on_exit(&self, _: &tracing::span::Id, _: Context<'_, S>) {
        if let Some(last) = self.0.lock().unwrap().last_mut() {
            *last += processor_time();
        }
    }
}
