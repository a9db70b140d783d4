//! `HAProxy`, the real one, with requests flowing.

mod agent;
mod hands;
mod moves;
mod refusals;
pub mod running;

/// One test straight to the runtime API, and one through the agent on its host.
macro_rules! both_ways {
    ($($scenario:ident),+) => {
        mod straight {
            $(
                #[tokio::test]
                async fn $scenario() {
                    super::$scenario(super::Way::Straight).await;
                }
            )+
        }
        mod through_the_agent {
            $(
                #[tokio::test]
                async fn $scenario() {
                    super::$scenario(super::Way::ThroughAgent).await;
                }
            )+
        }
    };
}
use both_ways;
