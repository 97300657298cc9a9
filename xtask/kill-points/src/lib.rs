//! Named lines at which a test can end the process, as `kill -9` and a failing computer do.
//!
//! A crate lists its points once, with [`kill_points!`], and names one wherever a promise must survive the end of the
//! process. Without the feature `armed`, as in every package that people install, a point is nothing. With it, the
//! variable [`VARIABLE`] in the form `NAME:N` ends the process when it comes to the point of this name for the N-th time:
//! by SIGKILL, so that no destructor, no handler and no flush runs.

#![warn(missing_docs)]

/// The environment variable that names a point and how often it is passed.
pub const VARIABLE: &str = "RELEVO_KILL_AT";

/// Whether points can end this process.
pub const ARMED: bool = cfg!(feature = "armed");

/// Lists the points of a crate.
#[macro_export]
macro_rules! kill_points {
    (
        $(#[$about:meta])*
        $visibility:vis enum $name:ident { $($(#[$doc:meta])* $point:ident = $text:literal,)+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        $visibility enum $name { $($(#[$doc])* $point,)+ }

        impl $name {
            /// All of them, as listed.
            pub const ALL: &[Self] = &[$(Self::$point),+];

            /// What the environment calls it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$point => $text,)+ }
            }

            /// Ends the process here if the environment says so.
            #[inline]
            pub(crate) fn reach(self) {
                $crate::reach(self.name());
            }
        }
    };
}

/// Called by [`kill_points!`].
#[cfg(not(feature = "armed"))]
#[inline]
pub const fn reach(_name: &str) {}

/// Called by [`kill_points!`].
#[cfg(feature = "armed")]
#[inline]
pub fn reach(name: &str) {
    armed::reach(name);
}

#[cfg(feature = "armed")]
mod armed {
    use std::{
        num::NonZeroU32,
        process::abort,
        sync::{
            LazyLock,
            atomic::{AtomicU32, Ordering},
        },
    };

    /// Where this process ends.
    struct Plan {
        name: String,
        left: AtomicU32,
    }

    static PLAN: LazyLock<Option<Plan>> = LazyLock::new(|| {
        let text = std::env::var(crate::VARIABLE).ok()?;
        // a plan that cannot be read must not pass for one that was never reached
        Some(read(&text).unwrap_or_else(|| abort()))
    });

    fn read(text: &str) -> Option<Plan> {
        let (name, times) = text.rsplit_once(':')?;
        let times: NonZeroU32 = times.parse().ok()?;
        Some(Plan {
            name: name.to_owned(),
            left: AtomicU32::new(times.get()),
        })
    }

    pub(super) fn reach(name: &str) {
        if let Some(plan) = &*PLAN
            && plan.name == name
            && plan.left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            end();
        }
    }

    fn end() -> ! {
        #[cfg(unix)]
        {
            use rustix::process::{Signal, getpid, kill_process};
            // it cannot be refused; if it were, the next line ends the process all the same
            let _sent = kill_process(getpid(), Signal::KILL);
        }
        abort()
    }
}
