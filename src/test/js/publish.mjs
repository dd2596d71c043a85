// Publishes one message at each QoS over WebSocket: node publish.mjs URL CLIENT_ID PROTOCOL_VERSION TOPIC
import mqtt from "mqtt";

const [url, clientId, version, topic] = process.argv.slice(2);
const client = await mqtt.connectAsync(url, {
  clientId,
  protocolVersion: Number(version),
  reconnectPeriod: 0,
  connectTimeout: 20_000,
});
const properties = version === "5" ? { contentType: "text/plain", userProperties: { site: "north" } } : undefined;
for (const qos of [0, 1, 2]) await client.publishAsync(topic, `js-${qos}`, { qos, properties });
await client.endAsync();
