//! Closed sets of words that files and people write, each with its sentence.

/// Makes a closed set: an enum, the word of each member, and what its documentation says of it, so that rustdoc, schemas
/// and `pgdrill words` say the same.
///
/// ```
/// pgdrill_flow::words! {
///     /// Which way a door goes.
///     #[derive(Debug, Clone, Copy, PartialEq, Eq)]
///     pub enum Door {
///         /// It lets people in.
///         In = "in",
///         /// It lets people out,
///         /// and nobody in.
///         Out = "out",
///     }
///     /// The word on the door.
///     word
/// }
///
/// assert_eq!(Door::ALL, [Door::In, Door::Out]);
/// assert_eq!(Door::Out.word(), "out");
/// assert_eq!(Door::Out.about(), "It lets people out, and nobody in.");
/// ```
#[macro_export]
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+ }
        $(#[$says:meta])*
        $word_of:ident
    ) => {
        $(#[$meta])*
        pub enum $name { $($(#[doc = $doc])+ $variant,)+ }

        impl $name {
            /// Every member, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            $(#[$says])*
            #[must_use]
            pub const fn $word_of(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What it means, in one or a few sentences on one line.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii_start(),)+ }
            }
        }
    };
}
