//! How long nobody has touched the computer, where its system tells a program.
//!
//! Windows and macOS tell; on Linux the desktops of GNOME and Cinnamon do. Elsewhere what counts is input in the window.

#[cfg(target_os = "linux")]
mod desktop;

use std::time::Duration;

/// Asks the system.
#[derive(Default)]
pub(crate) struct System {
    #[cfg(target_os = "linux")]
    desktop: desktop::Desktop,
}

impl System {
    /// How long there has been no input; `None` where the system does not tell.
    pub(crate) async fn idle_time(&self) -> Option<Duration> {
        #[cfg(target_os = "linux")]
        return self.desktop.idle_time().await;
        #[cfg(target_os = "macos")]
        return macos_idle_time();
        #[cfg(windows)]
        return windows_idle_time().await;
        #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
        return None;
    }
}

#[cfg(target_os = "macos")]
fn macos_idle_time() -> Option<Duration> {
    use objc2_core_graphics::{CGEventSource, CGEventSourceStateID, CGEventType};
    /// `kCGAnyInputEventType`, a macro of the system's headers.
    const ANY_INPUT: CGEventType = CGEventType(u32::MAX);
    let seconds = CGEventSource::seconds_since_last_event_type(
        CGEventSourceStateID::CombinedSessionState,
        ANY_INPUT,
    );
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(windows)]
async fn windows_idle_time() -> Option<Duration> {
    // a thread of its own: the crate subtracts times that begin anew every 49 days
    let asked = tokio::task::spawn_blocking(user_idle::UserIdle::get_time).await;
    Some(asked.ok()?.ok()?.duration())
}
