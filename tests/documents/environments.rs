//! Environments in `cutover.yaml`, and groups that stand in them.

use super::{GROUP, PROJECT, errors, loaded};

const SHOP: &str = "applications/shop/production.yaml";

#[test]
fn groups_stand_in_environments_of_the_project() {
    let project = format!(
        "{PROJECT}environments:\n  live: {{ production: true, unlockMinutes: 5 }}\n  test: {{}}\n"
    );
    let group = format!("{GROUP}environment: live\n");
    let loaded = loaded(&[("cutover.yaml", &project), (SHOP, &group)]).project;
    let (name, live) = loaded.environment(&loaded.groups[0].key()).unwrap();
    assert_eq!((name.as_str(), live.production), ("live", true));
    assert!(live.is_locked());
    assert_eq!(live.unlock_minutes, 5);
    assert!(!loaded.environments.values().last().unwrap().is_locked());
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let of = |environments: &str, group: &str| {
        let project = format!("{PROJECT}environments: {environments}\n");
        let group = format!("{GROUP}environment: {group}\n");
        errors(&[("cutover.yaml", &project), (SHOP, &group)]).join("\n")
    };
    let unknown = of("{ live: {} }", "liv");
    assert!(
        unknown.contains("there is no environment liv")
            && unknown.contains("did you mean \"live\""),
        "{unknown}"
    );
    assert!(unknown.contains("production.yaml:"), "{unknown}");
    let none = of("{}", "live");
    assert!(none.contains("below environments"), "{none}");
    let field = of("{ live: { prodution: true } }", "live");
    assert!(field.contains("production"), "{field}");
    for minutes in ["0", "1441"] {
        let long = of(
            &format!("{{ live: {{ unlockMinutes: {minutes} }} }}"),
            "live",
        );
        assert!(long.contains("from 1 to 1440 minutes"), "{long}");
    }
}
