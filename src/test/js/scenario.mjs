// What a client of MQTT.js gets from subscriptions, in Node and in a page: rejects with what went wrong.

const PATIENCE = 15_000;

/** A connected client that keeps what it hears, in the order in which it came. */
async function open(mqtt, url, options) {
  const client = mqtt.connect(url, { reconnectPeriod: 0, connectTimeout: PATIENCE, ...options });
  const heard = [];
  let wake = () => {};
  client.on("message", (topic, payload, packet) => {
    const { qos, retain, properties } = packet;
    heard.push({ topic, text: payload.toString(), qos, retain, properties });
    wake();
  });
  const connack = await new Promise((resolve, reject) => {
    client.on("connect", resolve);
    client.on("error", reject);
    client.on("close", () => reject(new Error(`${options.clientId} was not connected`)));
  });
  /** The next messages, as text: topic, payload, QoS, and whether it was retained. */
  const next = async (count) => {
    const deadline = Date.now() + PATIENCE;
    while (heard.length < count) {
      const arrived = new Promise((resolve) => (wake = () => resolve(true)));
      const given = setTimeout(() => wake(), Math.max(0, deadline - Date.now()));
      await arrived;
      clearTimeout(given);
      if (heard.length < count && Date.now() >= deadline)
        throw new Error(`${options.clientId} got ${heard.length} messages instead of ${count}`);
    }
    return heard.splice(0, count);
  };
  return { client, connack, next };
}

const line = (message) => `${message.topic} ${message.text} ${message.qos}${message.retain ? " retained" : ""}`;

function same(what, got, expected) {
  const [left, right] = [JSON.stringify(got), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: got ${left} instead of ${right}`);
}

async function wildcards({ online, topic, id }) {
  const { client, next } = await online("a");
  const filters = [`${topic}/zero/+`, `${topic}/one/#`, `fleet/+/telemetry/${id}`];
  for (const qos of [0, 1, 2]) {
    const granted = await client.subscribeAsync(filters[qos], { qos });
    same("granted", granted.map((it) => it.qos), [qos]);
  }
  const topics = [`${topic}/zero/x`, `${topic}/one/x/y`, `fleet/any/telemetry/${id}`];
  const expected = [];
  for (const granted of [0, 1, 2]) {
    for (const qos of [0, 1, 2]) {
      await client.publishAsync(topics[granted], `qos${qos}`, { qos });
      expected.push(`${topics[granted]} qos${qos} ${Math.min(qos, granted)}`);
    }
  }
  same("messages", (await next(9)).map(line).sort(), expected.sort());
  await client.unsubscribeAsync(filters[0]);
  await client.publishAsync(topics[0], "nobody", { qos: 1 });
  await client.publishAsync(`${topic}/one`, "above", { qos: 1 });
  same("after UNSUBSCRIBE", (await next(1)).map(line), [`${topic}/one above 1`]);
}

async function retained({ online, topic }) {
  const publisher = (await online("a")).client;
  await publisher.publishAsync(`${topic}/kept`, "old", { qos: 1, retain: true });
  await publisher.publishAsync(`${topic}/kept`, "new", { qos: 2, retain: true });
  const early = await online("b");
  await early.client.subscribeAsync(`${topic}/#`, { qos: 2 });
  same("retained", (await early.next(1)).map(line), [`${topic}/kept new 2 retained`]);
  await publisher.publishAsync(`${topic}/kept`, "", { qos: 1, retain: true });
  same("cleared", (await early.next(1)).map(line), [`${topic}/kept  1`]);
  const late = await online("c");
  await late.client.subscribeAsync(`${topic}/#`, { qos: 2 });
  await publisher.publishAsync(`${topic}/other`, "live", { qos: 1 });
  same("nothing retained", (await late.next(1)).map(line), [`${topic}/other live 1`]);
}

async function will({ online, topic }) {
  const watcher = await online("a");
  await watcher.client.subscribeAsync(`${topic}/will`, { qos: 1 });
  const testament = (payload) => ({ will: { topic: `${topic}/will`, payload, qos: 1, retain: false } });
  const polite = await online("polite", testament("polite"));
  await polite.client.endAsync();
  const mortal = await online("mortal", testament("mortal"));
  mortal.client.stream.destroy();
  same("will", (await watcher.next(1)).map(line), [`${topic}/will mortal 1`]);
}

async function shared({ online, topic }) {
  const members = [await online("a"), await online("b")];
  for (const { client } of members)
    await client.subscribeAsync([`$share/group/${topic}/shared/+`, `${topic}/end`], { qos: 1 });
  const publisher = (await online("c")).client;
  const payloads = Array.from({ length: 20 }, (_, number) => `m${number}`);
  for (const payload of payloads) await publisher.publishAsync(`${topic}/shared/x`, payload, { qos: 1 });
  await publisher.publishAsync(`${topic}/end`, "end", { qos: 1 });
  const heard = [];
  for (const { next } of members)
    for (let [message] = await next(1); message.text !== "end"; [message] = await next(1)) heard.push(message.text);
  same("shared", heard.sort(), payloads.sort());
}

async function properties({ online, topic }) {
  const { client, next } = await online("a");
  await client.subscribeAsync(`${topic}/rich`, { qos: 1, properties: { subscriptionIdentifier: 77 } });
  const sent = { contentType: "text/plain", responseTopic: "answers", userProperties: { site: "north" } };
  await client.publishAsync(`${topic}/rich`, "rich", { qos: 1, properties: sent });
  const [{ properties: got }] = await next(1);
  same("properties", [got.contentType, got.responseTopic, got.userProperties.site], ["text/plain", "answers", "north"]);
  same("Subscription Identifier", got.subscriptionIdentifier, 77);
}

async function resumed({ online, topic, version }) {
  const kept = { clean: false, ...(version === 5 && { properties: { sessionExpiryInterval: 3600 } }) };
  const before = await online("kept", kept);
  same("Session Present", before.connack.sessionPresent, false);
  await before.client.subscribeAsync(`${topic}/queue/+`, { qos: 2 });
  await before.client.endAsync();
  const publisher = (await online("a")).client;
  const numbers = Array.from({ length: 20 }, (_, number) => number);
  for (const number of numbers) await publisher.publishAsync(`${topic}/queue/x`, `m${number}`, { qos: 1 + (number % 2) });
  const after = await online("kept", kept);
  same("Session Present", after.connack.sessionPresent, true);
  const heard = await after.next(20);
  // QoS 2 messages are handed over at their PUBREL: the two kinds may overtake each other.
  for (const qos of [1, 2]) {
    const expected = numbers.filter((number) => 1 + (number % 2) === qos).map((number) => `m${number}`);
    same(`queued at QoS ${qos}`, heard.filter((it) => it.qos === qos).map((it) => it.text), expected);
  }
}

/** Runs all of it with one protocol version, 4 or 5, under client identifiers and topics that contain the id; all clients have the common options. */
export async function scenario(mqtt, url, id, version, common = {}) {
  for (const part of [wildcards, retained, will, resumed, ...(version === 5 ? [shared, properties] : [])]) {
    const clients = [];
    const online = async (name, options) => {
      const clientId = `${id}-${part.name}-${name}`;
      const opened = await open(mqtt, url, { ...common, clientId, protocolVersion: version, ...options });
      clients.push(opened.client);
      return opened;
    };
    try {
      await part({ online, id, version, topic: `fleet/${id}-${part.name}/telemetry` });
    } catch (failure) {
      throw new Error(`MQTT ${version}, ${part.name}: ${failure.stack ?? failure}`);
    } finally {
      for (const client of clients) client.end(true);
    }
  }
}
