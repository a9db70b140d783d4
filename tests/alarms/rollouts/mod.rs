//! Whole deployments, with real agents, that alarms stop.

mod beginning;
mod middle;
mod site;
