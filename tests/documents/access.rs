//! `access` of `cutover.yaml`: what is wrong with it is found, with its place.

use super::{errors, loaded};

fn project(access: &str) -> String {
    format!("name: demo\nhosts: []\naccess:\n{access}")
}

fn wrong(access: &str) -> String {
    errors(&[("cutover.yaml", &project(access))]).join("\n")
}

#[test]
fn a_sound_section_is_read() {
    let text = project(
        "  door: /run/cutover/shop.sock\n  people:\n    - { user: ana, role: admin }\n    - { unixGroup: deployers, role: operator, application: shop, group: production }\n",
    );
    let access = loaded(&[("cutover.yaml", &text)]).project.access.unwrap();
    assert_eq!(access.people.len(), 2);
    assert_eq!(access.people[1].role.name(), "operator");
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let door = "  door: /run/cutover/shop.sock\n";
    let one = |entry: &str| wrong(&format!("{door}  people:\n    - {entry}\n"));
    let demand = |text: &str| wrong(&format!("{door}  approvals:\n    - {text}\n"));
    for (told, text) in [
        ("everybody must find the door", wrong("  door: shop.sock\n")),
        (
            "at most 107 bytes",
            wrong(&format!("  door: /{}\n", "x".repeat(107))),
        ),
        ("is missing", wrong("  people: []\n")),
        ("an entry is of somebody", one("{ role: viewer }")),
        (
            "an entry is of somebody",
            one("{ user: \"\", role: viewer }"),
        ),
        (
            "not of both",
            one("{ user: a, unixGroup: b, role: viewer }"),
        ),
        (
            "one of an application",
            one("{ user: a, role: viewer, group: production }"),
        ),
        (
            "no application shopp",
            one("{ user: a, role: viewer, application: shopp }"),
        ),
        (
            "has no deployment group prod",
            one("{ user: a, role: viewer, application: shop, group: prod }"),
        ),
        (
            "one of an application",
            demand("{ before: [start], group: production }"),
        ),
        (
            "no application shopp",
            demand("{ before: [start], application: shopp }"),
        ),
        (
            "has no deployment group prod",
            demand("{ before: [start], application: shop, group: prod }"),
        ),
        (
            "does not say what waits",
            demand("{ before: [], application: shop }"),
        ),
        (
            "from 1 to 5 people",
            demand("{ before: [start], count: 0 }"),
        ),
        (
            "from 1 to 5 people",
            demand("{ before: [start], count: 6 }"),
        ),
        ("is missing", demand("{ application: shop }")),
        (
            "expected one of start, reroute",
            demand("{ before: [stop] }"),
        ),
        (
            "access.approvals[0]",
            demand("{ before: [start], who: ana }"),
        ),
        ("expected one of viewer", one("{ user: a, role: root }")),
        ("access.people[0]", one("{ name: a, role: viewer }")),
    ] {
        assert!(text.contains(told), "{told:?} in {text}");
        assert!(text.contains("cutover.yaml:"), "{text}");
    }
}

#[test]
fn a_demand_that_nothing_will_ever_wait_for_is_a_warning() {
    let warned = |demands: &[&str], files: &[(&str, &str)]| {
        let text = project(&format!(
            "  door: /run/cutover/shop.sock\n  approvals:\n    - {}\n",
            demands.join("\n    - ")
        ));
        let files: Vec<_> = [("cutover.yaml", text.as_str())]
            .into_iter()
            .chain(files.iter().copied())
            .collect();
        let notes = super::lines(&loaded(&files).notes);
        let ours = notes.into_iter().filter(|note| note.contains("access"));
        ours.collect::<Vec<String>>()
    };
    let in_place = "nothing waits before a reroute here: deployments in place have none";
    let here = "{ application: shop, group: production, before: [reroute] }";
    assert_eq!(
        warned(&[here], &[]),
        [format!(
            "cutover.yaml:6:55: warning: access.approvals[0].before: {in_place} (write `before: [start]`, or make the group blue/green)"
        )]
    );
    assert_eq!(warned(&["{ before: [start, reroute] }"], &[]).len(), 1);
    assert!(warned(&["{ before: [start] }"], &[]).is_empty());
    // One group with a reroute is enough for a demand that holds in several.
    let sides = "applicationName: shop\ndeploymentGroupName: sides\nec2TagFilters: [{ Key: role }]\ndeploymentStyle: { deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL }\nblueGreenDeploymentConfiguration: {}\nloadBalancerInfo: { targetGroupInfoList: [{ name: shop }] }\n";
    let other = [("applications/shop/sides.yaml", sides)];
    assert!(warned(&["{ application: shop, before: [reroute] }"], &other).is_empty());
    assert_eq!(warned(&[here], &other).len(), 1);

    let everywhere = "{ before: [start], count: 2 }";
    let told = warned(
        &["{ application: shop, before: [start] }", everywhere],
        &other,
    );
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("access.approvals[0].before: it adds nothing before the start: access.approvals[1] asks for 2 there already"),
        "{told:?}"
    );
    let twice = warned(&[everywhere, everywhere], &other);
    assert!(
        twice.len() == 1 && twice[0].contains("access.approvals[1]"),
        "{twice:?}"
    );
    let more = "{ application: shop, before: [start], count: 3 }";
    assert!(warned(&[more, everywhere], &other).is_empty());
}
