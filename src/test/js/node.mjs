// The scenario in Node: node node.mjs URL ID PROTOCOL_VERSION
import mqtt from "mqtt";
import { scenario } from "./scenario.mjs";

const [url, id, version] = process.argv.slice(2);
await scenario(mqtt, url, id, Number(version));
