// One client of MQTT.js 4 or 5; README.md of the folder above says what it reads and writes.
const readline = require("node:readline");

const say = (line) => console.log(JSON.stringify(line));
let client;

/** Calls a function of the library that takes a callback. */
const called = (name, ...given) =>
  new Promise((resolve, reject) => client[name](...given, (error, result) => (error ? reject(error) : resolve(result))));

const commands = {
  connect: ({ port, id, library, persistent, will }) => {
    const [name, version] = [library.slice(0, -2), Number(library.at(-1))];
    const mqtt = require(name === "mqtt.js-4" ? "mqtt-4" : "mqtt");
    client = mqtt.connect(`ws://127.0.0.1:${port}/mqtt`, {
      clientId: id,
      protocolVersion: version,
      clean: !persistent,
      ...(version === 5 && { properties: { sessionExpiryInterval: persistent ? 3600 : 0 } }),
      ...(will && { will: { topic: will, payload: id, qos: 1, retain: false } }),
    });
    client.on("message", (topic, payload, { qos, retain }) => say({ topic, payload: payload.toString(), qos, retain }));
    return new Promise((resolve, reject) => {
      client.once("connect", (connack) => resolve(connack.sessionPresent));
      client.once("error", reject);
      client.on("error", () => {});
    });
  },
  subscribe: async ({ filter, qos }) => (await called("subscribe", filter, { qos }))[0].qos,
  unsubscribe: ({ filter }) => called("unsubscribe", filter).then(() => 0),
  publish: ({ topic, payload, qos, retain }) => called("publish", topic, payload, { qos, retain }).then(() => 0),
  burst: ({ topic, count, qos }) => {
    const sent = Array.from({ length: count }, (_, number) => called("publish", topic, String(number), { qos }));
    return Promise.all(sent).then((all) => all.length);
  },
  disconnect: () => new Promise((resolve) => client.end(false, {}, () => resolve(0))),
};

const lines = readline.createInterface({ input: process.stdin });
let last = Promise.resolve();
lines.on("line", (line) => {
  const command = JSON.parse(line);
  last = last
    .then(() => commands[command.do](command))
    .then((ok) => say({ ok }), (failure) => say({ error: String(failure) }));
});
lines.on("close", () => last.then(commands.disconnect).then(() => process.exit()));
