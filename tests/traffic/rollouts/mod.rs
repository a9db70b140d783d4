//! Whole deployments behind real load balancers, with requests flowing: none is lost by our doing.

mod alarms;
mod blue_green;
mod fleets;
mod in_place;
mod shift;
mod site;
