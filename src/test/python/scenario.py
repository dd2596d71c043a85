"""What a client of Paho Python gets from subscriptions over WebSocket: scenario.py PORT ID PROTOCOL_VERSION [FILE OF AN AUTHORITY], version 4 or 5."""

import queue
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

PATIENCE = 15
PORT, ID, VERSION = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
AUTHORITY = sys.argv[4] if len(sys.argv) > 4 else None
V5 = VERSION == 5


class Client:
    """A connected client whose network loop is a thread of its own."""

    def __init__(self, name, persistent=False, will=None):
        # Paho 2 wants to know which kind of callbacks it gets.
        kind = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
        clean = {} if V5 else {"clean_session": not persistent}
        self.client = mqtt.Client(*kind, client_id=name, protocol=VERSION, transport="websockets", **clean)
        self.client.ws_set_options(path="/mqtt")
        if AUTHORITY:
            self.client.tls_set(AUTHORITY)
        self.heard = queue.Queue()
        self.answers = queue.Queue()
        self.client.on_message = lambda client, data, message: self.heard.put(message)
        self.client.on_connect = lambda client, data, flags, code, *v5: self.answers.put((flags, code))
        self.client.on_subscribe = lambda client, data, mid, codes, *v5: self.answers.put(codes)
        self.client.on_unsubscribe = lambda client, data, mid, *v5: self.answers.put(mid)
        if will:
            self.client.will_set(will, name, qos=1)
        options = {}
        if V5:
            options["clean_start"] = not persistent
            options["properties"] = Properties(PacketTypes.CONNECT)
            options["properties"].SessionExpiryInterval = 3600 if persistent else 0
        self.client.connect("127.0.0.1", PORT, **options)
        self.client.loop_start()
        flags, code = self.answer()
        same("CONNACK", int(getattr(code, "value", code)), 0)
        self.present = bool(flags["session present"])

    def answer(self):
        return self.answers.get(timeout=PATIENCE)

    def subscribe(self, topic_filter, qos, properties=None):
        if V5:
            self.client.subscribe(topic_filter, options=SubscribeOptions(qos=qos), properties=properties)
        else:
            self.client.subscribe(topic_filter, qos)
        same("SUBACK", [getattr(code, "value", code) for code in self.answer()], [qos])

    def unsubscribe(self, topic_filter):
        self.client.unsubscribe(topic_filter)
        self.answer()

    def publish(self, topic, payload, qos, retain=False, properties=None):
        sent = self.client.publish(topic, payload, qos, retain, **({"properties": properties} if V5 else {}))
        sent.wait_for_publish(PATIENCE)
        same("acknowledged", sent.is_published(), True)

    def next(self):
        """The next message, as topic, payload, QoS and RETAIN."""
        message = self.heard.get(timeout=PATIENCE)
        return message.topic, message.payload.decode(), message.qos, bool(message.retain)

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()

    def cut(self):
        """Closes the socket without DISCONNECT."""
        self.client.loop_stop()
        self.client.socket().close()


def same(what, got, expected):
    if got != expected:
        raise AssertionError(f"{what}: got {got} instead of {expected}")


def wildcards(topic, name):
    client = Client(name + "a")
    filters = [topic + "/zero/+", topic + "/one/#", "fleet/+/telemetry/" + name]
    topics = [topic + "/zero/x", topic + "/one/x/y", "fleet/any/telemetry/" + name]
    expected = []
    for granted in 0, 1, 2:
        client.subscribe(filters[granted], granted)
        for qos in 0, 1, 2:
            client.publish(topics[granted], f"qos {qos}", qos)
            expected.append((topics[granted], f"qos {qos}", min(qos, granted), False))
    same("messages", sorted(client.next() for _ in expected), sorted(expected))
    client.unsubscribe(filters[0])
    client.publish(topics[0], "nobody", 1)
    client.publish(topic + "/one", "above", 1)
    same("after UNSUBSCRIBE", client.next(), (topic + "/one", "above", 1, False))


def retained(topic, name):
    publisher = Client(name + "a")
    publisher.publish(topic + "/kept", "old", 1, True)
    publisher.publish(topic + "/kept", "new", 2, True)
    early = Client(name + "b")
    early.subscribe(topic + "/#", 2)
    same("retained", early.next(), (topic + "/kept", "new", 2, True))
    publisher.publish(topic + "/kept", "", 1, True)
    same("cleared", early.next(), (topic + "/kept", "", 1, False))
    late = Client(name + "c")
    late.subscribe(topic + "/#", 2)
    publisher.publish(topic + "/other", "live", 1)
    same("nothing retained", late.next(), (topic + "/other", "live", 1, False))


def will(topic, name):
    watcher = Client(name + "a")
    watcher.subscribe(topic + "/will", 1)
    Client(name + "polite", will=topic + "/will").leave()
    Client(name + "mortal", will=topic + "/will").cut()
    same("will", watcher.next(), (topic + "/will", name + "mortal", 1, False))


def shared(topic, name):
    members = [Client(name + "a"), Client(name + "b")]
    for member in members:
        member.subscribe("$share/group/" + topic + "/shared/+", 1)
        member.subscribe(topic + "/end", 1)
    publisher = Client(name + "c")
    payloads = [f"m{number}" for number in range(20)]
    for payload in payloads:
        publisher.publish(topic + "/shared/x", payload, 1)
    publisher.publish(topic + "/end", "end", 1)
    heard = [payload for member in members for _, payload, _, _ in iter(member.next, (topic + "/end", "end", 1, False))]
    same("shared", sorted(heard), sorted(payloads))


def properties(topic, name):
    client = Client(name + "a")
    identifier = Properties(PacketTypes.SUBSCRIBE)
    identifier.SubscriptionIdentifier = 77
    client.subscribe(topic + "/rich", 1, identifier)
    sent = Properties(PacketTypes.PUBLISH)
    sent.ContentType = "text/plain"
    sent.UserProperty = [("site", "north"), ("site", "south")]
    client.publish(topic + "/rich", "rich", 1, properties=sent)
    got = client.heard.get(timeout=PATIENCE).properties
    same("Content Type", got.ContentType, sent.ContentType)
    same("User Properties", got.UserProperty, sent.UserProperty)
    same("Subscription Identifier", got.SubscriptionIdentifier, [77])


def resumed(topic, name):
    before = Client(name + "kept", persistent=True)
    same("Session Present", before.present, False)
    before.subscribe(topic + "/queue/+", 2)
    before.leave()
    publisher = Client(name + "a")
    for number in range(20):
        publisher.publish(topic + "/queue/x", f"m{number}", 1 + number % 2)
    after = Client(name + "kept", persistent=True)
    same("Session Present", after.present, True)
    heard = [after.next() for _ in range(20)]
    # QoS 2 messages are handed over at their PUBREL: the two kinds may overtake each other.
    for qos in 1, 2:
        expected = [f"m{number}" for number in range(20) if 1 + number % 2 == qos]
        same(f"queued at QoS {qos}", [payload for _, payload, got, _ in heard if got == qos], expected)


for part in [wildcards, retained, will, resumed] + ([shared, properties] if V5 else []):
    print(part.__name__, flush=True)
    part(f"fleet/{ID}-{part.__name__}/telemetry", f"{ID}-{part.__name__}-")
