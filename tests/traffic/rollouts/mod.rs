//! Whole deployments behind real load balancers, with requests flowing: none is lost by our doing.

mod alarms;
mod alerts;
mod blue_green;
mod fleets;
mod front;
mod functions;
mod in_place;
mod middle;
mod refusals;
mod services;
mod shift;
mod site;
mod unwell;

/// One test for each kind of load balancer that can do it.
macro_rules! each {
    ($scenario:ident: $($name:ident $kind:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                $scenario(super::front::Kind::$kind).await;
            }
        )+
    };
}
use each;
