//! Who knocks: the peer's user id, and what this machine's user database knows of it.

use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist, getuid};

use crate::model::access::Person;

/// Somebody at the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user id that the kernel vouches for.
    pub uid: u32,
    /// The user's name, or `uid` and the number.
    pub name: String,
    /// What roles go by.
    pub person: Person,
}

impl Caller {
    /// Looks a user up. It may ask the network, where the user database does.
    pub fn look_up(uid: u32) -> Self {
        let owner = uid == getuid().as_raw() || uid == 0;
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let unix_groups = user
            .as_ref()
            .map_or_else(Vec::new, |user| names_of_groups(&user.name, user.gid));
        let user = user.map(|user| user.name);
        Self {
            uid,
            name: user.clone().unwrap_or_else(|| format!("uid {uid}")),
            person: Person {
                user,
                unix_groups,
                owner,
            },
        }
    }
}

fn names_of_groups(user: &str, primary: Gid) -> Vec<String> {
    let all = CString::new(user)
        .ok()
        .and_then(|user| getgrouplist(&user, primary).ok())
        .unwrap_or_else(|| vec![primary]);
    all.into_iter()
        .filter_map(|gid| Group::from_gid(gid).ok().flatten())
        .map(|group| group.name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_by_name_and_group_and_owns_everything() {
        let root = Caller::look_up(0);
        assert_eq!(root.name, "root");
        assert!(root.person.owner);
        assert!(root.person.unix_groups.contains(&"root".to_owned()));
    }

    #[test]
    fn somebody_whom_the_database_does_not_know_has_no_name() {
        let nobody = Caller::look_up(3_999_999_999);
        assert_eq!(nobody.name, "uid 3999999999");
        assert_eq!(nobody.person, Person::default());
    }
}
