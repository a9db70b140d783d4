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
