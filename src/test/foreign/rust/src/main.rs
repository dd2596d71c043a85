//! One client of rumqttc, with MQTT 3.1.1 or 5; README.md of the folder above says what it reads and writes.

use serde_json::{json, Value};
use std::io::BufRead;
use std::time::Duration;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(300);

fn say(line: Value) {
    println!("{line}");
}

/// What the connection tells of its own requests: rumqttc does not say which message an acknowledgement belongs to.
enum Answer {
    Connected(bool),
    Granted(u8),
    Done,
}

async fn next(answers: &mut UnboundedReceiver<Answer>) -> Result<Value, String> {
    match timeout(PATIENCE, answers.recv()).await {
        Ok(Some(Answer::Connected(present))) => Ok(json!(present)),
        Ok(Some(Answer::Granted(qos))) => Ok(json!(qos)),
        Ok(Some(Answer::Done)) => Ok(json!(0)),
        _ => Err("no answer".into()),
    }
}

/// The two versions have the same shape, in modules of their own.
macro_rules! client {
    ($name:ident, $module:path, $packets:path, $qos:path, $text:expr, $configure:expr) => {
        mod $name {
            use super::*;
            use $module::{AsyncClient, Event, EventLoop, MqttOptions};
            use $packets::*;
            use $qos as QoS;

            pub struct Client {
                pub client: AsyncClient,
                pub answers: UnboundedReceiver<Answer>,
            }

            pub fn qos(level: &Value) -> QoS {
                match level.as_u64() {
                    Some(1) => QoS::AtLeastOnce,
                    Some(2) => QoS::ExactlyOnce,
                    _ => QoS::AtMostOnce,
                }
            }

            impl Client {
                pub fn open(command: &Value) -> Client {
                    let url = format!("ws://127.0.0.1:{}/mqtt", command["port"]);
                    let id = command["id"].as_str().unwrap();
                    let mut options = MqttOptions::new(id, url, 80);
                    options.set_transport(rumqttc::Transport::Ws).set_keep_alive(Duration::from_secs(30));
                    $configure(&mut options, command["persistent"] == true, command["will"].as_str().unwrap_or(""), id);
                    let (client, events) = AsyncClient::new(options, 0); // what waits here is sent after a reconnect without flow control, and lost
                    let (tell, answers) = unbounded_channel();
                    tokio::spawn(run(events, tell));
                    Client { client, answers }
                }

                pub async fn publish(&mut self, topic: &str, payload: String, level: &Value, retain: bool) -> Result<(), String> {
                    let sent = self.client.publish(topic, qos(level), retain, payload).await;
                    sent.map_err(|failure| failure.to_string())
                }

                pub async fn subscribe(&mut self, filter: &str, level: &Value) -> Result<(), String> {
                    let sent = self.client.subscribe(filter, qos(level)).await;
                    sent.map_err(|failure| failure.to_string())
                }

                pub async fn unsubscribe(&mut self, filter: &str) -> Result<(), String> {
                    self.client.unsubscribe(filter).await.map_err(|failure| failure.to_string())
                }

                pub async fn disconnect(&mut self) -> Result<(), String> {
                    self.client.disconnect().await.map_err(|failure| failure.to_string())
                }
            }

            /// Polling is what connects again.
            async fn run(mut events: EventLoop, tell: UnboundedSender<Answer>) {
                let mut leaving = false;
                let mut first = true;
                while !leaving {
                    let answer = match events.poll().await {
                        Ok(Event::Incoming(Packet::ConnAck(ack))) if first => {
                            first = false;
                            Answer::Connected(ack.session_present)
                        }
                        Ok(Event::Incoming(Packet::Publish(it))) => {
                            let payload = String::from_utf8_lossy(&it.payload);
                            say(json!({"topic": $text(&it.topic), "payload": payload, "qos": it.qos as u8, "retain": it.retain}));
                            continue;
                        }
                        Ok(Event::Incoming(Packet::SubAck(ack))) => match ack.return_codes[0] {
                            SubscribeReasonCode::Success(granted) => Answer::Granted(granted as u8),
                            _ => Answer::Granted(0x80),
                        },
                        Ok(Event::Incoming(Packet::UnsubAck(..) | Packet::PubAck(..) | Packet::PubComp(..))) => Answer::Done,
                        Ok(Event::Outgoing(rumqttc::Outgoing::Publish(0))) => Answer::Done, // QoS 0
                        Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => {
                            leaving = true;
                            Answer::Done
                        }
                        Err(_) if leaving => break,
                        Err(why) => {
                            eprintln!("{why:?}");
                            tokio::time::sleep(Duration::from_secs(1)).await;
                            continue;
                        }
                        _ => continue,
                    };
                    if tell.send(answer).is_err() {
                        break;
                    }
                }
            }
        }
    };
}

client!(v3, rumqttc, rumqttc::mqttbytes::v4, rumqttc::mqttbytes::QoS, |topic: &String| topic.clone(), |options: &mut MqttOptions, persistent: bool, will: &str, id: &str| {
    options.set_clean_session(!persistent).set_max_packet_size(1 << 20, 1 << 20);
    if !will.is_empty() {
        options.set_last_will(LastWill::new(will, id, QoS::AtLeastOnce, false));
    }
});
client!(v5, rumqttc::v5, rumqttc::v5::mqttbytes::v5, rumqttc::v5::mqttbytes::QoS, |topic: &[u8]| String::from_utf8_lossy(topic).into_owned(), |options: &mut MqttOptions, persistent: bool, will: &str, id: &str| {
    options.set_clean_start(!persistent).set_session_expiry_interval(Some(if persistent { 3600 } else { 0 })).set_max_packet_size(Some(1 << 20));
    if !will.is_empty() {
        options.set_last_will(LastWill::new(will, id, QoS::AtLeastOnce, false, None));
    }
});

/// Runs the commands of standard input on one client.
macro_rules! obey {
    ($name:ident, $first:expr, $lines:expr) => {{
        let mut it = $name::Client::open(&$first);
        say(match next(&mut it.answers).await {
            Ok(present) => json!({"ok": present}),
            Err(why) => json!({"error": why}),
        });
        for line in $lines {
            let command: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let text = |name: &str| command[name].as_str().unwrap_or("").to_string();
            let count = command["count"].as_u64().unwrap_or(0);
            let sent = match command["do"].as_str().unwrap() {
                "subscribe" => it.subscribe(&text("filter"), &command["qos"]).await,
                "unsubscribe" => it.unsubscribe(&text("filter")).await,
                "publish" => it.publish(&text("topic"), text("payload"), &command["qos"], command["retain"] == true).await,
                "burst" => {
                    let mut sent = Ok(());
                    for number in 0..count {
                        sent = it.publish(&text("topic"), number.to_string(), &command["qos"], false).await.and(sent);
                    }
                    for _ in 1..count {
                        let _ = next(&mut it.answers).await;
                    }
                    sent
                }
                _ => it.disconnect().await,
            };
            let answer = match sent {
                Ok(()) => next(&mut it.answers).await,
                failed => failed.map(|_| json!(0)),
            };
            say(match answer {
                Ok(_) if count > 0 => json!({"ok": count}),
                Ok(ok) => json!({"ok": ok}),
                Err(why) => json!({"error": why}),
            });
        }
        let _ = it.disconnect().await;
        let _ = next(&mut it.answers).await;
    }};
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut lines = std::io::stdin().lock().lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    if first["library"] == "rumqttc-3" {
        obey!(v3, first, lines)
    } else {
        obey!(v5, first, lines)
    }
}
