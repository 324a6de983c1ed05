//! The S3 servers that there are to choose from.

use super::External;
use crate::stage::EngineResult;

/// An S3 server, by the software that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// MinIO, from its own image.
    Minio,
    /// Ceph's gateway, from an image that is built here.
    Radosgw,
    /// SeaweedFS, from its own image.
    Seaweedfs,
    /// A server that somebody else runs.
    External,
}

impl Profile {
    /// Every profile, in the order in which they are tried when none is asked for. [`External`](Self::External) is
    /// never tried then.
    pub const ALL: &'static [Self] = &[Self::Minio, Self::Radosgw, Self::Seaweedfs, Self::External];

    /// What it is called on a command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minio => "minio",
            Self::Radosgw => "radosgw",
            Self::Seaweedfs => "seaweedfs",
            Self::External => "external",
        }
    }

    /// Looks at what the user must give for it, which takes no time: whoever goes on to build images asks first.
    ///
    /// # Errors
    ///
    /// What the environment says of a server that somebody else runs is incomplete or can't be read.
    pub fn check_given(self) -> EngineResult<()> {
        match self {
            Self::External => External::from_environment().map(drop),
            Self::Minio | Self::Radosgw | Self::Seaweedfs => Ok(()),
        }
    }

    /// The profile of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|profile| profile.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Profile;

    #[test]
    fn every_profile_is_known_by_its_name() {
        for &profile in Profile::ALL {
            assert_eq!(Profile::named(profile.name()), Some(profile));
        }
        assert_eq!(Profile::named("moto"), None);
    }
}
