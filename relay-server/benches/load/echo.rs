//! The same frames through a bare WebSocket echo: what the sockets alone cost on this machine now.

use std::{
    cell::Cell,
    path::PathBuf,
    process::{Child, Command, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{net::TcpListener, task::LocalSet};
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::wire::Wire;

/// The size of a sealed text of 200 bytes, in its frame.
const FRAME: usize = 500;

/// Echoes until it is killed. Writes its address into `ready`.
pub(crate) async fn serve(ready: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    std::fs::write(
        format!("{ready}.draft"),
        listener.local_addr().unwrap().to_string(),
    )
    .unwrap();
    std::fs::rename(format!("{ready}.draft"), ready).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tasks.spawn(async move {
            let config = WebSocketConfig::default()
                .read_buffer_size(4096)
                .write_buffer_size(16 * 1024);
            let Ok(mut socket) = accept_async_with_config(stream, Some(config)).await else {
                return;
            };
            while let Some(Ok(message)) = socket.next().await {
                if message.is_binary() && socket.send(message).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Ends with the bench, however that ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Round trips a second.
pub(crate) async fn measure(connections: usize, in_flight: usize, time: Duration) -> f64 {
    let ready =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("echo-{}", std::process::id()));
    drop(std::fs::remove_file(&ready));
    let child = Command::new("taskset")
        .args(["-c", "0"])
        .arg(std::env::current_exe().unwrap())
        .arg("--echo-server")
        .arg(&ready)
        .stdout(Stdio::null())
        .spawn()
        .expect("start the echo");
    let child = Killed(child);
    let address = loop {
        if let Ok(address) = std::fs::read_to_string(&ready) {
            break address.parse().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let count = Rc::new(Cell::new(0_u64));
    let local = LocalSet::new();
    let mut wires = Vec::new();
    for _ in 0..connections {
        wires.push(Wire::dial_for(address, None).await);
    }
    let begun = Instant::now();
    local
        .run_until(async {
            let mut tasks = tokio::task::JoinSet::new();
            for mut wire in wires {
                let count = Rc::clone(&count);
                tasks.spawn_local(async move {
                    for _ in 0..in_flight {
                        wire.socket
                            .feed(Message::Binary(vec![7; FRAME].into()))
                            .await
                            .unwrap();
                    }
                    wire.socket.flush().await.unwrap();
                    while begun.elapsed() < time {
                        wire.socket.next().await.unwrap().unwrap();
                        count.set(count.get() + 1);
                        wire.socket
                            .send(Message::Binary(vec![7; FRAME].into()))
                            .await
                            .unwrap();
                    }
                });
            }
            while tasks.join_next().await.is_some() {}
        })
        .await;
    let elapsed = begun.elapsed().as_secs_f64();
    drop(child);
    drop(std::fs::remove_file(&ready));
    count.get() as f64 / elapsed
}
