//! The events that `hooks` names, against those that there are.

use super::{AppSpec, Finding};
use crate::model::application::ComputePlatform;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::yaml::nearest;

/// Markers of diagrams; no host ever runs them.
const MARKERS: [&str; 2] = ["Start", "End"];

/// Compares the events of an `AppSpec` with those of an order: `ordered` are to run, and `possible` are, if given, the
/// only ones that may have scripts. Answers warnings.
///
/// # Errors
///
/// `E18` for events that are not possible, and `E19` for ordered events beyond those of the platform that the `AppSpec`
/// says nothing about.
pub fn check(
    appspec: &AppSpec,
    possible: Option<&[LifecycleEvent]>,
    ordered: &[LifecycleEvent],
) -> Result<Vec<Finding>, Vec<Finding>> {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    for (name, position) in &appspec.event_positions {
        let is_named = |events: &[LifecycleEvent]| events.iter().any(|event| event.name() == name);
        let event = LifecycleEvent::from_name(name, ComputePlatform::Server);
        if possible.is_some_and(|possible| !is_named(possible)) {
            let help = help(name, possible.unwrap_or_default());
            let message = format!("{name:?} is none of the events that may have scripts{help}");
            errors.push(Finding::at("E18", *position, message));
        } else if MARKERS.contains(&name.as_str())
            || event.is_some_and(|event| !event.carries_hooks())
        {
            let message = format!("{name} is reserved; its scripts never run");
            warnings.push(Finding::at("W31", *position, message));
        } else if event.is_none() && possible.is_none() && !is_named(ordered) {
            let help = help(name, &LifecycleEvent::SERVER);
            let message = format!("there is no event {name:?}; its scripts never run{help}");
            warnings.push(Finding::at("W30", *position, message));
        }
    }
    for event in ordered {
        if matches!(event, LifecycleEvent::Custom(_)) && !appspec.hooks.contains_key(event.name()) {
            let message = format!("the event {event} is to run, but hooks does not name it");
            errors.push(Finding::whole("E19", message));
        }
    }
    if errors.is_empty() {
        Ok(warnings)
    } else {
        Err(errors)
    }
}

fn help(name: &str, events: &[LifecycleEvent]) -> String {
    let with_scripts = events.iter().filter(|event| event.carries_hooks());
    nearest(name, with_scripts.map(|event| event.name()))
        .map_or(String::new(), |help| format!(" ({help})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appspec::server::parse;
    use crate::model::custom_event::CustomEvent;

    fn checked(
        hooks: &str,
        possible: Option<&[LifecycleEvent]>,
        ordered: &[LifecycleEvent],
    ) -> Vec<String> {
        let appspec = parse(&format!("version: 0.0\nos: linux\nhooks: {hooks}\n")).unwrap();
        let findings = check(&appspec, possible, ordered);
        let findings = findings.unwrap_or_else(|errors| errors);
        findings
            .iter()
            .map(|finding| finding.id.to_owned())
            .collect()
    }

    #[test]
    fn names_that_never_run_are_warned_of() {
        for (hooks, expected) in [
            ("{ApplicationStart: [{location: a}]}", &[][..]),
            ("{Install: [{location: a}]}", &["W31"]),
            ("{End: [{location: a}]}", &["W31"]),
            ("{applicationstart: [{location: a}]}", &["W30"]),
            ("{Unheard: [{location: a}]}", &["W30"]),
            ("{Unheard: }", &[]),
        ] {
            assert_eq!(checked(hooks, None, &[]), expected, "{hooks}");
        }
        let appspec = parse("version: 0.0\nos: linux\nhooks: {AplicationStart: []}\n").unwrap();
        let warning = check(&appspec, None, &[]).unwrap().remove(0).to_string();
        assert_eq!(
            warning,
            "W30 line 3, column 9: there is no event \"AplicationStart\"; its scripts never run (did you mean \"ApplicationStart\"?)"
        );
    }

    #[test]
    fn an_order_may_be_strict_and_may_know_more_events() {
        let warm = LifecycleEvent::Custom(CustomEvent::named("WarmUp"));
        let possible = [LifecycleEvent::ApplicationStart, warm];
        let both = "{WarmUp: [{location: a}], ApplicationStart: [{location: a}]}";
        assert_eq!(checked(both, Some(&possible), &[warm]), [""; 0]);
        assert_eq!(checked(both, None, &[warm]), [""; 0]);
        assert_eq!(checked(both, None, &[]), ["W30"]);
        assert_eq!(checked(both, Some(&possible[..1]), &[]), ["E18"]);
        assert_eq!(checked("{WarmUp: }", None, &[warm]), ["E19"]);
        assert_eq!(checked("{WarmUp: []}", Some(&possible), &[warm]), [""; 0]);
        assert_eq!(
            checked("{Other: [{location: a}]}", Some(&possible), &[warm]),
            ["E18", "E19"]
        );
    }
}
