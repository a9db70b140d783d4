//! Who may do what (`access` of `cutover.yaml`). Pure: a table of roles, and one question.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::approval::Demand;
use super::group::GroupKey;
use super::name::Name;

/// The section `access`. Without it only the owner of the orchestrating process, and root, come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Access {
    /// The socket at which everybody knocks: an absolute path, in a folder that no other user may write to.
    pub door: PathBuf,
    /// Who has which role, and where. What somebody may do is the union of their entries.
    #[serde(default)]
    pub people: Vec<Entry>,
    /// What waits for the approval of a second person, and where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Demand>,
}

/// One role of a user, or of everybody in a Unix group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// A user's name on this machine. This or `unixGroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The name of a Unix group on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix_group: Option<String>,
    /// What they may do.
    pub role: Role,
    /// In which application; everywhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Name>,
    /// In which of its deployment groups; in all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Name>,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Look.
    Viewer,
    /// Look, and push, deploy, steer, stop and roll back.
    Operator,
    /// Look, and approve what somebody else has created.
    Approver,
    /// Everything.
    Admin,
}

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// To look.
    See,
    /// To change what runs.
    Operate,
    /// To approve what somebody else has created.
    Approve,
    /// To rule over the project itself: freezes, hosts, receivers, the orchestrating process, the audit trail.
    Administer,
}

impl Role {
    /// Every role, from the least on.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    /// The role as documents write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// Whether the role has a right.
    pub fn has(self, right: Right) -> bool {
        match self {
            Self::Viewer => right == Right::See,
            Self::Operator => matches!(right, Right::See | Right::Operate),
            Self::Approver => matches!(right, Right::See | Right::Approve),
            Self::Admin => true,
        }
    }
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 4] = [Self::See, Self::Operate, Self::Approve, Self::Administer];

    /// The least role that has it.
    pub fn least_role(self) -> Role {
        match self {
            Self::See => Role::Viewer,
            Self::Operate => Role::Operator,
            Self::Approve => Role::Approver,
            Self::Administer => Role::Admin,
        }
    }
}

/// Where a right is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where<'a> {
    /// Somewhere, anywhere: enough to come in.
    Anywhere,
    /// In the project as a whole.
    Project,
    /// In a whole application.
    Application(&'a Name),
    /// In an application or one of its groups.
    Within(&'a Name),
    /// In a deployment group.
    Group(&'a GroupKey),
}

impl Entry {
    /// Whether the entry holds there. Names are compared whole.
    fn holds(&self, place: Where<'_>) -> bool {
        let Some(application) = &self.application else {
            return true;
        };
        match place {
            Where::Anywhere => true,
            Where::Project => false,
            Where::Application(name) => application == name && self.group.is_none(),
            Where::Within(name) => application == name,
            Where::Group(key) => {
                application == &key.application
                    && self.group.as_ref().is_none_or(|group| group == &key.group)
            }
        }
    }

    fn is_of(&self, person: &Person) -> bool {
        let user = self.user.is_some() && self.user == person.user;
        let member = |group: &String| person.unix_groups.contains(group);
        user || self.unix_group.as_ref().is_some_and(member)
    }
}

/// Somebody at the door, as this machine's user database knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The user's name; none if the database does not know the user.
    pub user: Option<String>,
    /// The names of the user's groups.
    pub unix_groups: Vec<String>,
    /// Whether it is the owner of the orchestrating process, or root: both may do everything.
    pub owner: bool,
}

/// Whether a person has a right there.
pub fn may(access: Option<&Access>, person: &Person, right: Right, place: Where<'_>) -> bool {
    let entries = access.map_or(&[][..], |access| &access.people);
    person.owner
        || entries
            .iter()
            .any(|entry| entry.is_of(person) && entry.holds(place) && entry.role.has(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(people: &str) -> Access {
        let text = format!("{{\"door\": \"/run/x\", \"people\": [{people}]}}");
        serde_json::from_str(&text).unwrap()
    }

    fn person(user: &str, groups: &[&str]) -> Person {
        Person {
            user: Some(user.to_owned()),
            unix_groups: groups.iter().map(|&name| name.to_owned()).collect(),
            owner: false,
        }
    }

    fn key(application: &str, group: &str) -> GroupKey {
        GroupKey {
            application: application.parse().unwrap(),
            group: group.parse().unwrap(),
        }
    }

    #[test]
    fn a_role_has_its_rights_and_no_others() {
        for role in Role::ALL {
            let text = format!("{{\"user\": \"ana\", \"role\": \"{}\"}}", role.name());
            let access = access(&text);
            for right in Right::ALL {
                let may = may(Some(&access), &person("ana", &[]), right, Where::Project);
                assert_eq!(may, role.has(right), "{role:?} {right:?}");
            }
        }
        let has = |role: Role| Right::ALL.map(|right| role.has(right));
        assert_eq!(has(Role::Viewer), [true, false, false, false]);
        assert_eq!(has(Role::Operator), [true, true, false, false]);
        assert_eq!(has(Role::Approver), [true, false, true, false]);
        assert_eq!(has(Role::Admin), [true; 4]);
    }

    #[test]
    fn an_entry_holds_where_it_says_and_names_are_compared_whole() {
        let access = access(
            r#"{"user": "ben", "role": "operator", "application": "shop", "group": "prod"},
               {"unixGroup": "dev", "role": "viewer", "application": "shop"}"#,
        );
        let ben = person("ben", &[]);
        let ask = |person: &Person, right, place| may(Some(&access), person, right, place);
        let (prod, production) = (key("shop", "prod"), key("shop", "production"));
        let other = key("shop2", "prod");
        assert!(ask(&ben, Right::Operate, Where::Group(&prod)));
        assert!(!ask(&ben, Right::See, Where::Group(&production)));
        assert!(!ask(&ben, Right::See, Where::Group(&other)));
        assert!(ask(&ben, Right::Operate, Where::Within(&prod.application)));
        assert!(!ask(
            &ben,
            Right::Operate,
            Where::Application(&prod.application)
        ));
        assert!(!ask(&ben, Right::See, Where::Project));
        assert!(ask(&ben, Right::See, Where::Anywhere));
        for stranger in ["be", "benn", "Ben", "", "dev"] {
            assert!(!ask(&person(stranger, &[]), Right::See, Where::Anywhere));
        }
        let member = person("cleo", &["users", "dev"]);
        assert!(ask(&member, Right::See, Where::Group(&production)));
        assert!(!ask(&member, Right::Operate, Where::Group(&production)));
        assert!(!ask(
            &person("x", &["devs", "de"]),
            Right::See,
            Where::Anywhere
        ));
        // Somebody without a name is nobody.
        assert!(!ask(&Person::default(), Right::See, Where::Anywhere));
        // The union of several entries.
        let both = person("ben", &["dev"]);
        assert!(ask(&both, Right::See, Where::Group(&production)));
        assert!(ask(&both, Right::Operate, Where::Group(&prod)));
    }

    #[test]
    fn the_reference_has_the_table_of_roles() {
        let reference = include_str!("../../docs/access.md");
        for role in Role::ALL {
            let rights: Vec<String> = Right::ALL
                .into_iter()
                .filter(|&right| role.has(right))
                .map(|right| format!("{right:?}").to_lowercase())
                .collect();
            let row = format!("| `{}` | {} |", role.name(), rights.join(", "));
            assert!(reference.contains(&row), "docs/access.md lacks {row}");
        }
    }

    #[test]
    fn without_access_only_the_owner_comes_in() {
        let owner = Person {
            owner: true,
            ..Person::default()
        };
        assert!(may(None, &owner, Right::Administer, Where::Project));
        assert!(!may(
            None,
            &person("ana", &["root"]),
            Right::See,
            Where::Anywhere
        ));
    }
}
