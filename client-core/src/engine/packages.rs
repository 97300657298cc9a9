//! Key packages of this device: the relay always has some to hand out.

use std::time::Duration;

use protocol::{PublishKeyPackages, bounds};

use crate::{
    crypto::LastResort,
    engine::{Engine, offers::Offer, requests::Request},
    error::Result,
};

/// Fewer one-time key packages than this at the relay, and more are made.
const KEY_PACKAGES_LOW: u16 = 10;
/// How many are made at once. With the one of last resort they fit a frame.
const ONE_TIME_PACKAGES: usize = bounds::KEY_PACKAGES - 1;
/// How often a connection that lasts is asked how many are left.
const LOOK: Duration = Duration::from_secs(24 * 60 * 60);

impl Engine {
    /// A connection begins: the relay has said how many it has.
    pub(super) fn plan_packages(&mut self) {
        self.packages_due = Some(self.seams.clock.monotonic().saturating_add(LOOK));
    }

    /// Asks how many are left, once a day.
    pub(super) fn count_packages(&mut self) {
        let now = self.seams.clock.monotonic();
        if !self.session.is_online() || self.packages_due.is_none_or(|due| due > now) {
            return;
        }
        self.plan_packages();
        let nothing = PublishKeyPackages {
            packages: Vec::new(),
            last_resort: None,
            replace: false,
        };
        self.request(Request::CountPackages, &nothing.into());
    }

    /// Publishes key packages when the relay runs low. The private keys are durable before the public ones leave, and what the relay
    /// refuses for now is published again as it is. One that was restored from a backup may hold packages that were used since: it
    /// forgets all.
    pub(super) fn fill_key_packages(&mut self, held: u16, restored: bool) -> Result<()> {
        if (held >= KEY_PACKAGES_LOW && !restored) || self.are_packages_offered() {
            return Ok(());
        }
        let packages = self.write_mls(|_, mls| {
            mls.expire_key_packages()?;
            let one_time = mls.key_packages(ONE_TIME_PACKAGES, LastResort::No)?;
            let last_resort = mls.key_packages(1, LastResort::Yes)?;
            crate::KillPoint::KeyPackagesBeforeCommit.reach();
            Ok((one_time, last_resort))
        })?;
        crate::KillPoint::KeyPackagesAfterCommit.reach();
        let (one_time, last_resort) = packages;
        let frame = PublishKeyPackages {
            packages: one_time.into_iter().map(Into::into).collect(),
            last_resort: last_resort.into_iter().next().map(Into::into),
            replace: restored,
        };
        self.offer(Offer::KeyPackages(Box::new(frame)))
    }
}
