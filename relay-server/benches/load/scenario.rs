//! Messages from senders to receivers, counted and timed.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hdrhistogram::Histogram;
use protocol::{Ack, Append, ClientId, Entry, Frame, NewEntry, Opaque, StreamId};
use serde_json::{Value, json};
use tokio::task::{JoinSet, LocalSet};

use crate::{machine::RelayProcess, pairs::Pair, people::draw, wire::Wire};

/// A sealed text of 200 bytes.
const ENTRY: usize = 446;
/// A client acknowledges its own echoes this often.
const ACK_EVERY: u64 = 64;

/// What to do.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) pairs: usize,
    pub(crate) in_flight: usize,
    pub(crate) time: Duration,
    /// Messages a second over all pairs; `None`: as many as go.
    pub(crate) rate: Option<f64>,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) per_second: f64,
    cpu_per_million: f64,
    messages: u64,
    stored: Histogram<u64>,
    delivered: Histogram<u64>,
    wrong: Wrong,
}

/// All of them must be 0.
#[derive(Clone, Copy, Default)]
struct Wrong {
    lost: u64,
    doubled: u64,
    reordered: u64,
}

impl Outcome {
    pub(crate) fn write(&self, prefix: &str, result: &mut Value) {
        let object = result.as_object_mut().unwrap();
        let ms = |histogram: &Histogram<u64>, quantile| {
            histogram.value_at_quantile(quantile) as f64 / 1000.0
        };
        let mut put = |name: &str, value: Value| object.insert(format!("{prefix}_{name}"), value);
        put("msg_per_s", json!(self.per_second));
        put("cpu_s_per_million", json!(self.cpu_per_million));
        put("messages", json!(self.messages));
        for (name, histogram) in [("stored", &self.stored), ("delivered", &self.delivered)] {
            put(&format!("{name}_p50_ms"), json!(ms(histogram, 0.5)));
            put(&format!("{name}_p99_ms"), json!(ms(histogram, 0.99)));
            put(&format!("{name}_p999_ms"), json!(ms(histogram, 0.999)));
        }
        put("lost", json!(self.wrong.lost));
        put("doubled", json!(self.wrong.doubled));
        put("reordered", json!(self.wrong.reordered));
    }
}

/// Runs a plan over the first of the pairs.
pub(crate) async fn run(relay: &RelayProcess, pairs: &mut Vec<Pair>, plan: Plan) -> Outcome {
    let rest = pairs.split_off(plan.pairs);
    let cpu = relay.cpu_seconds();
    let begun = Instant::now();
    let local = LocalSet::new();
    let mut total = Outcome {
        per_second: 0.0,
        cpu_per_million: 0.0,
        messages: 0,
        stored: histogram(),
        delivered: histogram(),
        wrong: Wrong::default(),
    };
    let mut done: Vec<(usize, Pair)> = local
        .run_until(async {
            let mut tasks = JoinSet::new();
            for (index, pair) in pairs.drain(..).enumerate() {
                tasks.spawn_local(async move { (index, one_pair(pair, index, begun, plan).await) });
            }
            let mut done = Vec::new();
            while let Some(finished) = tasks.join_next().await {
                let (index, (pair, part)) = finished.expect("no panic");
                total.stored.add(&part.stored).unwrap();
                total.delivered.add(&part.delivered).unwrap();
                total.messages += part.messages;
                total.wrong.lost += part.wrong.lost;
                total.wrong.doubled += part.wrong.doubled;
                total.wrong.reordered += part.wrong.reordered;
                done.push((index, pair));
            }
            done
        })
        .await;
    let elapsed = begun.elapsed().as_secs_f64();
    total.per_second = total.messages as f64 / elapsed;
    total.cpu_per_million = (relay.cpu_seconds() - cpu) * 1e6 / total.messages as f64;
    done.sort_by_key(|(index, _)| *index);
    pairs.extend(done.into_iter().map(|(_, pair)| pair));
    pairs.extend(rest);
    total
}

struct Part {
    messages: u64,
    stored: Histogram<u64>,
    delivered: Histogram<u64>,
    wrong: Wrong,
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).unwrap()
}

/// A message on its way: its seq once it is stored, and when it was due.
struct Sent {
    id: u32,
    seq: Option<u64>,
    due: Instant,
}

async fn one_pair(pair: Pair, index: usize, begun: Instant, plan: Plan) -> (Pair, Part) {
    let Pair {
        conversation,
        mut sender,
        receiver,
        receiver_device,
        last,
    } = pair;
    let stream = StreamId::Conversation(conversation);
    let mut receiver_wire = receiver.expect("connected");
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<u64>();
    let receiving = async move {
        let mut position = last;
        let mut wrong = Wrong::default();
        let mut until = None;
        while until.is_none_or(|until| position < until) {
            let frame = tokio::select! {
                frame = receiver_wire.next() => frame,
                end = &mut stopped, if until.is_none() => { until = end.ok(); continue }
            };
            let Frame::Entries(entries) = frame else {
                continue;
            };
            for entry in &entries.entries {
                count(entry, &mut position, &mut wrong);
            }
            receiver_wire
                .send(
                    0,
                    Ack {
                        stream,
                        seq: position,
                    },
                )
                .await;
        }
        (receiver_wire, wrong)
    };

    let sending = async move {
        let mut part = Part {
            messages: 0,
            stored: histogram(),
            delivered: histogram(),
            wrong: Wrong::default(),
        };
        let mut on_the_way: VecDeque<Sent> = VecDeque::new();
        let mut next_id = 0_u32;
        let (mut acked, mut position) = (last, last);
        let end = begun + plan.time;
        let interval = plan
            .rate
            .map(|rate| Duration::from_secs_f64(plan.pairs as f64 / rate));
        // spread over the interval, so that the pairs do not send at once
        let offset = interval.map(|it| it.mul_f64(index as f64 / plan.pairs as f64));
        let mut due = begun + offset.unwrap_or_default();
        let payload = Bytes::from(vec![7_u8; ENTRY]);
        loop {
            let now = Instant::now();
            let mut fed = false;
            while now < end
                && if interval.is_some() {
                    due <= now
                } else {
                    on_the_way.len() < plan.in_flight
                }
            {
                next_id += 1;
                let entry = NewEntry {
                    client_id: ClientId::new(draw()),
                    bytes: Opaque(payload.clone()),
                };
                sender
                    .feed(
                        next_id,
                        Append {
                            conversation,
                            incarnation: 0,
                            epoch: 1,
                            entries: vec![entry],
                        },
                    )
                    .await;
                on_the_way.push_back(Sent {
                    id: next_id,
                    seq: None,
                    due: if interval.is_some() { due } else { now },
                });
                due += interval.unwrap_or_default();
                fed = true;
            }
            if fed {
                sender.flush().await;
            }
            if now >= end && on_the_way.is_empty() {
                break;
            }
            let frame = match interval {
                Some(_) if now < end => tokio::select! {
                    frame = sender.next() => frame,
                    () = tokio::time::sleep_until(due.into()) => continue,
                },
                _ => sender.next().await,
            };
            match frame {
                Frame::Appended(appended) => {
                    let sent = on_the_way
                        .iter_mut()
                        .find(|sent| sent.seq.is_none())
                        .expect("asked for");
                    assert!(sent.id <= next_id);
                    sent.seq = Some(appended.seqs[0]);
                    part.stored.saturating_record(micros(sent.due));
                }
                Frame::Delivered(delivered) => {
                    while on_the_way
                        .front()
                        .is_some_and(|sent| sent.seq.is_some_and(|seq| seq <= delivered.seq))
                    {
                        let sent = on_the_way.pop_front().expect("there");
                        part.delivered.saturating_record(micros(sent.due));
                        part.messages += 1;
                    }
                }
                Frame::Entries(entries) => {
                    position = entries.entries.last().expect("entries").seq;
                    if position >= acked + ACK_EVERY {
                        acked = position;
                        sender
                            .send(
                                0,
                                Ack {
                                    stream,
                                    seq: position,
                                },
                            )
                            .await;
                    }
                }
                other => panic!("unexpected {}", other.name()),
            }
        }
        let sent = last + u64::from(next_id);
        // the echoes of the last messages
        while position < sent {
            if let Frame::Entries(entries) = sender.next().await {
                position = entries.entries.last().expect("entries").seq;
            }
        }
        sender
            .send(
                0,
                Ack {
                    stream,
                    seq: position,
                },
            )
            .await;
        stop.send(sent).expect("still receiving");
        (sender, part, sent)
    };
    let ((receiver, wrong), (sender, mut part, last)) = tokio::join!(receiving, sending);
    part.wrong = wrong;
    (
        Pair {
            conversation,
            sender,
            receiver: Some(receiver),
            receiver_device,
            last,
        },
        part,
    )
}

fn count(entry: &Entry, position: &mut u64, wrong: &mut Wrong) {
    match entry.seq {
        seq if seq == *position + 1 => {}
        seq if seq <= *position => wrong.doubled += 1,
        _ => {
            wrong.lost += 1;
            wrong.reordered += 1;
        }
    }
    *position = entry.seq.max(*position);
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap().max(1)
}

/// 10,000 messages for somebody who is away, who then comes back.
pub(crate) async fn offline(relay: &RelayProcess, pair: &mut Pair) -> Value {
    const MESSAGES: u64 = 10_000;
    const IN_FLIGHT: u64 = 50;
    let stream = StreamId::Conversation(pair.conversation);
    drop(pair.receiver.take());
    let cpu = relay.cpu_seconds();
    let begun = Instant::now();
    let (mut asked, mut answered, mut position, mut acked) = (0, 0, pair.last, pair.last);
    let first = pair.last;
    while answered < MESSAGES || position < first + MESSAGES {
        while asked < MESSAGES && asked < answered + IN_FLIGHT {
            asked += 1;
            let entry = NewEntry {
                client_id: ClientId::new(draw()),
                bytes: Opaque(Bytes::from(vec![7_u8; ENTRY])),
            };
            let append = Append {
                conversation: pair.conversation,
                incarnation: 0,
                epoch: 1,
                entries: vec![entry],
            };
            pair.sender
                .feed(u32::try_from(asked).unwrap(), append)
                .await;
        }
        pair.sender.flush().await;
        match pair.sender.next().await {
            Frame::Appended(_) => answered += 1,
            Frame::Entries(entries) => {
                position = entries.entries.last().expect("entries").seq;
                if position >= acked + ACK_EVERY {
                    acked = position;
                    pair.sender
                        .send(
                            0,
                            Ack {
                                stream,
                                seq: position,
                            },
                        )
                        .await;
                }
            }
            _ => {}
        }
    }
    let queued = begun.elapsed().as_secs_f64();
    let queue_cpu = relay.cpu_seconds() - cpu;
    let cpu = relay.cpu_seconds();
    let begun = Instant::now();
    let mut receiver = Wire::login(relay.address(), &pair.receiver_device).await;
    let mut wrong = Wrong::default();
    let mut position = first;
    while position < first + MESSAGES {
        if let Frame::Entries(entries) = receiver.next().await {
            for entry in &entries.entries {
                count(entry, &mut position, &mut wrong);
            }
            receiver
                .send(
                    0,
                    Ack {
                        stream,
                        seq: position,
                    },
                )
                .await;
        }
    }
    let flushed = begun.elapsed().as_secs_f64();
    json!({
        "name": "10,000 messages for somebody offline", "queued_per_s": MESSAGES as f64 / queued,
        "queue_cpu_s_per_million": queue_cpu * 1e6 / MESSAGES as f64, "connect_to_last_ms": flushed * 1000.0,
        "flushed_per_s": MESSAGES as f64 / flushed,
        "flush_cpu_s_per_million": (relay.cpu_seconds() - cpu) * 1e6 / MESSAGES as f64,
        "lost": wrong.lost, "doubled": wrong.doubled, "reordered": wrong.reordered,
    })
}
