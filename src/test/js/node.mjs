// The scenario in Node: node node.mjs URL ID PROTOCOL_VERSION [FILE OF AN AUTHORITY]
import { readFileSync } from "node:fs";
import mqtt from "mqtt";
import { scenario } from "./scenario.mjs";

const [url, id, version, authority] = process.argv.slice(2);
await scenario(mqtt, url, id, Number(version), authority ? { ca: readFileSync(authority) } : {});
