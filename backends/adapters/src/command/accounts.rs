//! Users of a machine, by name.

use std::collections::BTreeMap;

/// What a user's name stands for on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// Whoever this process runs as.
    Own,
    /// A user and a group.
    Ids {
        /// The user's number.
        user: u32,
        /// The group's number.
        group: u32,
    },
}

/// The users that local commands and files may belong to. They are named, not looked up: a test says
/// who `postgres` is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts(BTreeMap<String, Account>);

impl Accounts {
    /// These accounts with one more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, account: Account) -> Self {
        self.0.insert(name.into(), account);
        self
    }

    /// The account of that name; without a name, the process's own.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<Account, String> {
        match name {
            None => Ok(Account::Own),
            Some(name) => {
                self.0.get(name).copied().ok_or_else(|| format!("there is no user `{name}`"))
            }
        }
    }
}
