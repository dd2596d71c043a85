// Many clients of MQTT.js 4 and 5 in one process, each with MQTT 3.1.1 or 5: `node crowd.cjs PORT SUBSCRIBERS PUBLISHERS`. Each
// publisher publishes five messages a second, its QoS by turns. Answers a line of its input with what has happened up to then; to "stop",
// once nothing is published any more and everything is acknowledged.
const readline = require("node:readline");

const [port, subscribers, publishers] = process.argv.slice(2).map(Number);
const libraries = [require("mqtt-4"), require("mqtt")];
const topic = (number) => `fleet/crowd-${number}/telemetry`;
/** What ended a connection, or shows that it did. */
const ends = [];
const clients = [];
let published = 0;
let acknowledged = 0;
let heard = 0;

const say = (line) => console.log(JSON.stringify(line));

const open = (clientId, number, keepalive) =>
  new Promise((resolve) => {
    const protocolVersion = number % 4 < 2 ? 4 : 5;
    const client = libraries[number % 2].connect(`ws://127.0.0.1:${port}/mqtt`, { clientId, protocolVersion, keepalive });
    for (const event of ["close", "offline", "error", "disconnect"])
      client.on(event, (what) => ends.push(`${clientId}: ${event} ${what ?? ""}`));
    clients.push(client);
    client.once("connect", () => resolve(client));
  });

const subscriber = async (number) => {
  const client = await open(`subscriber-${number}`, number, 10);
  client.on("message", () => heard++);
  await new Promise((resolve) => client.subscribe(topic(number % publishers), { qos: 2 }, resolve));
};

const publisher = async (number) => {
  const client = await open(`crowd-${number}`, number, 30);
  let next = 0;
  return setInterval(() => {
    published++;
    client.publish(topic(number), String(next), { qos: next++ % 3 }, (error) => {
      if (error) ends.push(`crowd-${number}: ${error}`);
      else acknowledged++;
    });
  }, 200);
};

const range = (count) => Array.from({ length: count }, (_, number) => number);
const tell = () => say({ published, acknowledged, heard, ends });

const main = async () => {
  await Promise.all(range(subscribers).map(subscriber));
  const timers = await Promise.all(range(publishers).map(publisher));
  tell();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (line === "stop") {
      timers.forEach(clearInterval);
      while (acknowledged < published && ends.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    tell();
  }
  process.exit();
};
main();
