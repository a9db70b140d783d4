//! Commands about documents and revisions that ask the orchestrator.

use serde_json::Value;

use crate::lab::Lab;

#[test]
fn what_is_deployed_to_is_not_deleted_and_revisions_say_whose_target_they_are() {
    let lab = Lab::up(1);
    let path = lab.revision("1.0", "1", None);
    let path = path.to_str().unwrap();
    lab.ok(&["revision", "register", "shop", path, "--label", "1.0"]);
    let id = lab.ok(&["deploy", "shop", "production", "1.0"]);
    for arguments in [
        &["group", "delete", "shop", "production"][..],
        &["application", "delete", "shop", "--with-groups"],
    ] {
        let output = lab.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains(&format!("{id} of shop/production runs")),
            "{said}"
        );
    }
    assert_eq!(lab.wait_for_end(&id), "Succeeded");

    let listed = lab.ok(&["revision", "list", "shop"]);
    assert!(listed.contains("1.0"), "{listed}");
    let shown = lab.ok(&["revision", "show", "shop", "1.0", "--output", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let groups = &shown["revisionInfo"]["deploymentGroups"];
    assert_eq!(*groups, serde_json::json!(["production"]));
    let output = lab.run(&["revision", "show", "shop", "1.00"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("did you mean \"1.0\"?"), "{said}");

    let deleted = lab.ok(&["application", "delete", "shop", "--with-groups"]);
    assert!(
        deleted.contains("deleted applications/shop/production.yaml"),
        "{deleted}"
    );
    assert!(!lab.folder().join("applications/shop").exists());
    lab.ok(&["check"]);
    let again = lab.ok(&["application", "delete", "shop"]);
    assert_eq!(again, "there is no application shop: nothing to delete");
}
