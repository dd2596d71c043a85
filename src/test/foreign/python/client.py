"""One client of Paho Python or aiomqtt; README.md of the folder above says what it reads and writes."""

import asyncio
import json
import queue
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PATIENCE = 300
lock = threading.Lock()


def say(**line):
    with lock:
        print(json.dumps(line), flush=True)


def heard(client, data, message):
    say(topic=message.topic, payload=message.payload.decode(), qos=message.qos, retain=bool(message.retain))


def session(persistent):
    """CONNECT's properties of MQTT 5."""
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600 if persistent else 0
    return {"clean_start": not persistent, "properties": properties}


class Paho:
    """Paho's own thread runs the connection."""

    def connect(self, port, id, library, persistent, will):
        self.version = int(library[-1])
        clean = {} if self.version == 5 else {"clean_session": not persistent}
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, id, protocol=self.version, transport="websockets", **clean
        )
        self.client.ws_set_options(path="/mqtt")
        self.client.reconnect_delay_set(1, 2)
        self.client.max_queued_messages_set(0)
        answers = self.answers = queue.Queue()
        first = [True]

        def connected(client, data, flags, code, properties):
            if first:
                answers.put(None if code.is_failure else flags.session_present)
                first.clear()

        self.client.on_connect = connected
        self.client.on_message = heard
        self.client.on_subscribe = lambda client, data, mid, codes, properties: answers.put(codes[0].value)
        self.client.on_unsubscribe = lambda client, data, mid, codes, properties: answers.put(0)
        if will:
            self.client.will_set(will, id, qos=1)
        self.client.connect("127.0.0.1", port, **(session(persistent) if self.version == 5 else {}))
        self.client.loop_start()
        return answers.get(timeout=PATIENCE)

    def subscribe(self, filter, qos):
        self.client.subscribe(filter, qos)
        return self.answers.get(timeout=PATIENCE)

    def unsubscribe(self, filter):
        self.client.unsubscribe(filter)
        return self.answers.get(timeout=PATIENCE)

    def publish(self, topic, payload, qos, retain):
        self.client.publish(topic, payload, qos, retain).wait_for_publish(PATIENCE)
        return 0

    def burst(self, topic, count, qos):
        sent = [self.client.publish(topic, str(number), qos) for number in range(count)]
        for message in sent:
            message.wait_for_publish(PATIENCE)
        return sum(message.is_published() for message in sent)

    def disconnect(self):
        self.client.disconnect()
        self.client.loop_stop()
        return 0


class Aiomqtt:
    """aiomqtt leaves it to the application to connect again, so the burst does that, as its documentation shows."""

    def connect(self, port, id, library, persistent, will):
        import aiomqtt

        self.aiomqtt, version = aiomqtt, int(library[-1])
        kept = session(persistent) if version == 5 else {"clean_session": not persistent}
        self.make = lambda: aiomqtt.Client(
            "127.0.0.1", port, identifier=id, transport="websockets", websocket_path="/mqtt",
            protocol=aiomqtt.ProtocolVersion(version), will=aiomqtt.Will(will, id, 1) if will else None,
            timeout=20, max_concurrent_outgoing_calls=10000, **kept,
        )
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        return self.run(self.open())

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    async def open(self):
        self.client = self.make()
        present = asyncio.get_running_loop().create_future()
        told = self.client._client.on_connect  # the session present flag is not told to applications

        def connected(client, data, flags, code, properties=None):
            if not present.done():
                present.set_result(flags.session_present)
            told(client, data, flags, code, properties)

        self.client._client.on_connect = connected
        await self.client.__aenter__()
        self.listening = asyncio.ensure_future(self.listen(self.client))
        return await present

    async def listen(self, client):
        try:
            async for message in client.messages:
                heard(None, None, Message(message))
        except self.aiomqtt.MqttError:
            pass  # the connection is gone

    def subscribe(self, filter, qos):
        code = self.run(self.client.subscribe(filter, qos))[0]
        return getattr(code, "value", code)

    def unsubscribe(self, filter):
        self.run(self.client.unsubscribe(filter))
        return 0

    def publish(self, topic, payload, qos, retain):
        self.run(self.client.publish(topic, payload, qos, retain))
        return 0

    def burst(self, topic, count, qos):
        return self.run(self.burst_all(topic, count, qos))

    async def burst_all(self, topic, count, qos):
        left = list(range(count))
        while left:
            sent = [self.client.publish(topic, str(number), qos) for number in left]
            ends = await asyncio.gather(*sent, return_exceptions=True)
            left = [number for number, end in zip(left, ends) if end is not None]
            while left:
                try:
                    await self.open()
                    break
                except self.aiomqtt.MqttError:
                    await asyncio.sleep(1)
        return count

    def disconnect(self):
        self.listening.cancel()
        self.run(self.client.__aexit__(None, None, None))
        return 0


class Message:
    """What aiomqtt hands over, as Paho would."""

    def __init__(self, message):
        self.topic, self.payload = str(message.topic), message.payload
        self.qos, self.retain = message.qos, message.retain


client = None
for line in sys.stdin:
    command = json.loads(line)
    do = command.pop("do")
    try:
        if do == "connect":
            client = Paho() if command["library"].startswith("paho") else Aiomqtt()
        say(ok=getattr(client, do)(**command))
    except Exception as failure:
        say(error=repr(failure))
client.disconnect()
