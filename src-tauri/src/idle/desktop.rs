//! Linux: the desktop's compositor knows of input, the login manager of a locked screen.

use std::time::Duration;

use tokio::sync::OnceCell;
use tracing::{debug, info};
use zbus::{Connection, Proxy, proxy::CacheProperties};

/// Nothing here waits longer: whoever does not answer has nothing to tell.
const PATIENCE: Duration = Duration::from_secs(5);

/// A locked screen counts as no input for ever.
const LOCKED: Duration = Duration::from_secs(24 * 60 * 60);

/// A service of the session that tells how long there was no input, in milliseconds.
struct Monitor {
    service: &'static str,
    path: &'static str,
    interface: &'static str,
}

const MONITORS: [Monitor; 2] = [
    Monitor {
        service: "org.gnome.Mutter.IdleMonitor",
        path: "/org/gnome/Mutter/IdleMonitor/Core",
        interface: "org.gnome.Mutter.IdleMonitor",
    },
    Monitor {
        service: "org.cinnamon.Muffin.IdleMonitor",
        path: "/org/cinnamon/Muffin/IdleMonitor/Core",
        interface: "org.cinnamon.Muffin.IdleMonitor",
    },
];

/// The connections, made when first needed. Where there is no bus none is tried again.
#[derive(Default)]
pub(super) struct Desktop {
    session: OnceCell<Option<Connection>>,
    system: OnceCell<Option<Connection>>,
}

impl Desktop {
    pub(super) async fn idle_time(&self) -> Option<Duration> {
        let system = self
            .system
            .get_or_init(|| reach(Connection::system()))
            .await;
        if let Some(system) = system
            && is_locked(system).await
        {
            return Some(LOCKED);
        }
        let session = self
            .session
            .get_or_init(|| reach(Connection::session()))
            .await;
        without_input(session.as_ref()?).await
    }
}

async fn reach(bus: impl Future<Output = zbus::Result<Connection>>) -> Option<Connection> {
    match tokio::time::timeout(PATIENCE, bus).await {
        Ok(Ok(bus)) => Some(bus),
        Ok(Err(error)) => {
            info!(%error, "no bus of the desktop");
            None
        }
        Err(_) => {
            info!("the bus of the desktop does not answer");
            None
        }
    }
}

/// Asks one service after the other.
async fn without_input(session: &Connection) -> Option<Duration> {
    for monitor in &MONITORS {
        let asked = tokio::time::timeout(PATIENCE, ask(session, monitor)).await;
        match asked {
            Ok(Ok(milliseconds)) => return Some(Duration::from_millis(milliseconds)),
            Ok(Err(error)) => debug!(%error, monitor.service, "no idle time"),
            Err(_) => debug!(monitor.service, "no idle time in time"),
        }
    }
    None
}

async fn ask(session: &Connection, monitor: &Monitor) -> zbus::Result<u64> {
    let reply = session
        .call_method(
            Some(monitor.service),
            monitor.path,
            Some(monitor.interface),
            "GetIdletime",
            &(),
        )
        .await?;
    reply.body().deserialize()
}

/// Whether the login manager says that the screen of this session is locked.
async fn is_locked(system: &Connection) -> bool {
    let asked = async {
        let session: Proxy<'_> = zbus::proxy::Builder::new(system)
            .destination("org.freedesktop.login1")?
            .path("/org/freedesktop/login1/session/auto")?
            .interface("org.freedesktop.login1.Session")?
            .cache_properties(CacheProperties::No)
            .build()
            .await?;
        session.get_property("LockedHint").await
    };
    let locked: zbus::Result<bool> = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(locked) => locked,
        Err(_) => return false,
    };
    locked.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use zbus::{Guid, connection::Builder, interface};

    use super::*;

    /// A compositor that says this.
    struct Compositor(u64);

    #[interface(name = "org.gnome.Mutter.IdleMonitor")]
    impl Compositor {
        #[zbus(name = "GetIdletime")]
        fn idle_time(&self) -> u64 {
            self.0
        }
    }

    /// A login manager that says whether the screen is locked.
    struct Login(bool);

    #[interface(name = "org.freedesktop.login1.Session")]
    impl Login {
        #[zbus(property)]
        fn locked_hint(&self) -> bool {
            self.0
        }
    }

    /// A bus with both and nothing else; ours, and theirs.
    async fn bus(compositor: Compositor, login: Login) -> (Connection, Connection) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let guid = Guid::generate();
        let theirs = Builder::async_io_unix_stream(theirs)
            .server(guid)
            .unwrap()
            .p2p()
            .serve_at(MONITORS[0].path, compositor)
            .unwrap()
            .serve_at("/org/freedesktop/login1/session/auto", login)
            .unwrap();
        let ours = Builder::async_io_unix_stream(ours).p2p();
        tokio::try_join!(ours.build(), theirs.build()).unwrap()
    }

    #[tokio::test]
    async fn the_compositor_tells_milliseconds_and_the_login_manager_of_the_lock() {
        let (bus, _served) = bus(Compositor(61_000), Login(false)).await;
        assert_eq!(without_input(&bus).await, Some(Duration::from_secs(61)));
        assert!(!is_locked(&bus).await);
        let (bus, _served) = self::bus(Compositor(0), Login(true)).await;
        assert!(is_locked(&bus).await);
    }

    #[tokio::test]
    async fn who_does_not_know_tells_nothing() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let guid = Guid::generate();
        let theirs = Builder::async_io_unix_stream(theirs)
            .server(guid)
            .unwrap()
            .p2p();
        let ours = Builder::async_io_unix_stream(ours).p2p();
        let (bus, _served) = tokio::try_join!(ours.build(), theirs.build()).unwrap();
        assert_eq!(without_input(&bus).await, None);
        assert!(!is_locked(&bus).await);
    }
}
