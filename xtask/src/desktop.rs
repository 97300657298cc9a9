//! A desktop without a monitor: one screen, and for each person a session bus, a home and a driver of their own.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{driver, paths::Paths, processes, processes::Group, shell};

/// Two windows side by side.
const SCREEN: &str = "2220x740x24";
const PATIENCE: Duration = Duration::from_secs(30);

/// A bus that starts no service by itself: only the keyring that a test starts is there, or none.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// Where a window lies on the screen; always at the top, because nothing draws frames around windows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    pub(crate) x: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// An X server that draws into memory.
#[derive(Debug)]
pub(crate) struct Screen {
    display: String,
    _server: Group,
}

impl Screen {
    pub(crate) fn start() -> Result<Self> {
        let mut command = Command::new("Xvfb");
        // the server picks a free number and prints it when it is ready
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            SCREEN,
            "-nolisten",
            "tcp",
        ]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Group::spawn_with_own_output("Xvfb", &mut command)?;
        let output = server.child().stdout.take().context("read from Xvfb")?;
        let mut number = String::new();
        BufReader::new(output)
            .read_line(&mut number)
            .context("read the number of the screen")?;
        server.must_run()?;
        Ok(Self {
            display: format!(":{}", number.trim()),
            _server: server,
        })
    }

    /// A picture of everything on the screen.
    pub(crate) fn picture(&self, file: &Path) -> Result<()> {
        self.import(None, file)
    }

    /// A picture of a part of the screen. The driver could take one as well, but where there is no GPU its answer may
    /// never come: it waits for a frame that an idle page does not draw.
    pub(crate) fn picture_of(&self, area: Area, file: &Path) -> Result<()> {
        self.import(Some(area), file)
    }

    fn import(&self, area: Option<Area>, file: &Path) -> Result<()> {
        let mut import = Command::new("import");
        import.args(["-display", &self.display, "-window", "root"]);
        if let Some(Area { x, width, height }) = area {
            import.args(["-crop", &format!("{width}x{height}+{x}+0"), "+repage"]);
        }
        shell::read(import.arg(file))?;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyring {
    Unlocked,
    Missing,
}

/// Where one person sits: a session bus with or without a keyring, and a driver that can open one window.
#[derive(Debug)]
pub(crate) struct Seat {
    port: u16,
    folder: PathBuf,
    session: Group,
}

impl Seat {
    pub(crate) async fn start(
        name: &str,
        screen: &Screen,
        keyring: Keyring,
        log: &Path,
    ) -> Result<Self> {
        // sockets lie in here, and the path of a socket must be short
        let folder = std::env::temp_dir().join(format!("relevo-{}-{name}", std::process::id()));
        Paths::emptied(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))
            .context("close the runtime folder to others")?;
        let bus = folder.join("bus.conf");
        fs::write(&bus, BUS).context("write the configuration of the bus")?;

        let port = processes::free_port()?;
        let mut command = Command::new("dbus-run-session");
        command
            .arg("--config-file")
            .arg(&bus)
            .args(["--", "sh", "-c"]);
        command.arg(match keyring {
            Keyring::Unlocked => {
                "printf test | gnome-keyring-daemon --unlock --components=secrets && exec WebKitWebDriver \"$@\""
            }
            Keyring::Missing => "exec WebKitWebDriver \"$@\"",
        });
        command.args(["driver", "--host=127.0.0.1", &format!("--port={port}")]);
        for variable in [
            "DBUS_SESSION_BUS_ADDRESS",
            "WAYLAND_DISPLAY",
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
        ] {
            command.env_remove(variable);
        }
        command
            .env("DISPLAY", &screen.display)
            .env("GDK_BACKEND", "x11")
            .env("HOME", &folder)
            .env("LANG", "C.UTF-8")
            .env("LC_ALL", "C.UTF-8")
            .env("NO_AT_BRIDGE", "1")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("XDG_RUNTIME_DIR", &folder);
        let session = Group::spawn(&format!("the session of {name}"), &mut command, log)?;
        let mut seat = Self {
            port,
            folder,
            session,
        };
        driver::until("the driver listens", PATIENCE, async || {
            seat.session.must_run()?;
            Ok(TcpStream::connect(("127.0.0.1", port)).ok())
        })
        .await?;
        Ok(seat)
    }

    /// Where the driver listens.
    pub(crate) fn driver(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.session.stop();
        // the keyring and parts of the window leave the group of the session
        processes::kill_marked("XDG_RUNTIME_DIR", &self.folder);
        let _ = fs::remove_dir_all(&self.folder);
    }
}
