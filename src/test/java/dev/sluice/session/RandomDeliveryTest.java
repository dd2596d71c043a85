package dev.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random interleavings of commits, tells, loads, answers, full sockets, scarce memory and lost connections: each row is sent once a connection
 * and in order, within the quota and under an identifier of its own, QoS 2 reaches the application exactly once, and all rows
 * are done with at the end.
 */
class RandomDeliveryTest {
    private final class Client {
        final Set<Integer> held = new HashSet<>();
        final Map<String, Integer> taken = new HashMap<>();
        final List<Packet> unanswered = new ArrayList<>();
        final Set<Integer> inFlight = new HashSet<>();
        final Set<Integer> counted = new HashSet<>();
        final Set<Long> everSent = new HashSet<>();
        /** Sent and not there yet. */
        final ArrayDeque<Packet> wire = new ArrayDeque<>();

        long lastSent;

        void connect() {
            wire.clear();
            unanswered.clear();
            inFlight.clear();
            counted.clear();
            lastSent = 0;
        }

        void send(Packet packet) {
            assertThat(packet).isNotInstanceOf(Packet.Disconnect.class);
            if (packet instanceof Packet.Publish publish && publish.qos() != QoS.AT_MOST_ONCE) check(publish);
            wire.add(packet);
        }

        void receive() {
            switch (wire.poll()) {
                case Packet.PubRel release -> {
                    held.remove(release.packetId());
                    unanswered.add(release);
                }
                case Packet.Publish publish
                when publish.qos() != QoS.AT_MOST_ONCE -> {
                    if (publish.qos() == QoS.AT_LEAST_ONCE || held.add(publish.packetId()))
                        taken.merge(publish.topicName().toString(), 1, Integer::sum);
                    unanswered.add(publish);
                }
                case null, default -> {}
            }
        }

        private void check(Packet.Publish publish) {
            var packetId = publish.packetId();
            assertThat(inFlight.add(packetId))
                    .as("identifier %d is free", packetId)
                    .isTrue();
            counted.add(packetId);
            assertThat(counted.size()).isLessThanOrEqualTo(SessionRig.SEND_QUOTA);
            var row = committed.get(publish.topicName().toString());
            assertThat(row.seq()).isGreaterThan(lastSent);
            assertThat(packetId).isEqualTo(queue.packetId(row.seq()));
            assertThat(publish.dup() || !row.message().isExpired(rig.now)).isTrue();
            lastSent = row.seq();
            if (!everSent.add(row.seq())) assertThat(publish.dup()).isTrue();
        }

        /** Answers one of those at hand, PUBRECs and PUBACKs in any order. */
        Packet answer() {
            if (unanswered.isEmpty()) return null;
            var packet = unanswered.remove(random.nextInt(unanswered.size()));
            return switch (packet) {
                case Packet.PubRel(var packetId, var _, var _) -> done(packetId, new Packet.PubComp(packetId));
                case Packet.Publish publish
                when publish.qos() == QoS.AT_LEAST_ONCE ->
                    done(publish.packetId(), new Packet.PubAck(publish.packetId()));
                case Packet.Publish publish -> pubRec(publish);
                default -> throw new AssertionError(packet);
            };
        }

        /** With an error the client has not taken the message [MQTT-4.3.3-9], though it may be sent it again. */
        private Packet pubRec(Packet.Publish publish) {
            var packetId = publish.packetId();
            if (random.nextInt(20) > 0 || publish.dup()) return new Packet.PubRec(packetId);
            var name = publish.topicName().toString();
            held.remove(packetId);
            taken.merge(name, -1, Integer::sum);
            dropped.add(name);
            return done(packetId, new Packet.PubRec(packetId, ReasonCode.QUOTA_EXCEEDED, Properties.NONE));
        }

        private Packet done(int packetId, Packet answer) {
            inFlight.remove(packetId);
            counted.remove(packetId);
            return answer;
        }
    }

    private final Map<String, Delivery> committed = new HashMap<>();
    private final Set<String> dropped = new HashSet<>();
    private Random random;
    private Client client;
    private QueueModel queue;
    private SessionRig rig;
    /** Bytes that wait for other clients. */
    private int others;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyRowArrives(boolean reconnects) {
        for (int seed = 1; seed <= 300; seed++) {
            try {
                rig(seed, reconnects);
            } catch (AssertionError | RuntimeException failure) {
                throw new AssertionError("seed " + seed + ": " + failure.getMessage(), failure);
            }
        }
    }

    private void rig(int seed, boolean reconnects) {
        random = new Random(seed);
        queue = new QueueModel(random);
        client = new Client();
        committed.clear();
        dropped.clear();
        others = 0;
        rig = new SessionRig(ProtocolVersion.V5);
        rig.journalAnswers = false;
        perform(rig.openDurable(queue.reopen(true)));
        for (int i = 0; i < 400; i++) step(reconnects);
        rig.room = true;
        for (int i = 0; i < 20_000 && !queue.isEmpty(); i++) settle();
        assertThat(queue.isEmpty()).isTrue();
        discard();
        for (var name : committed.keySet()) {
            var times = client.taken.getOrDefault(name, 0);
            if (!dropped.contains(name)) assertThat(times).as(name).isPositive();
            if (committed.get(name).qos() == QoS.EXACTLY_ONCE)
                assertThat(times).as(name).isLessThanOrEqualTo(1);
        }
    }

    private void step(boolean reconnects) {
        switch (random.nextInt(12)) {
            case 0, 1, 2 -> commit(reconnects);
            case 3 -> rig.room = random.nextInt(3) > 0;
            case 4 -> perform(rig.on(new Event.Deliver(Mail.qos0(1))));
            case 5 -> {
                rig.now += 10;
                crowd();
                if (reconnects && random.nextInt(5) == 0) reconnect();
            }
            case 6 -> {
                for (var told = queue.tell(); told != null; told = queue.tell()) perform(rig.on(told));
            }
            default -> settle();
        }
    }

    private void commit(boolean reconnects) {
        var burst = random.nextInt(10) == 0 ? 3 * SessionRig.QUEUE_PAGE : 1;
        for (int i = 0; i < burst; i++) {
            var qos = random.nextBoolean() ? QoS.AT_LEAST_ONCE : QoS.EXACTLY_ONCE;
            var expiresAt = random.nextInt(10) == 0 ? rig.now + random.nextInt(200) : Message.NEVER;
            // Without a jump, two rows would hardly ever want the same identifier.
            var jump = !reconnects && random.nextInt(10) == 0 ? 65_535 - 1 - random.nextInt(3) : 0;
            var row = queue.commit(qos, expiresAt, jump);
            committed.put(row.message().topicName().toString(), row);
        }
    }

    private void settle() {
        switch (random.nextInt(5)) {
            case 0 -> {
                if (rig.room) perform(rig.on(new Event.Drained()));
            }
            case 1 -> client.receive();
            case 2 -> {
                var answer = client.answer();
                if (answer != null) perform(rig.receives(answer));
            }
            default -> {
                var event = queue.next();
                if (event != null) perform(rig.on(event));
            }
        }
    }

    /** The socket is lost, or another connection takes over and nobody knows what was sent. */
    private void reconnect() {
        var known = random.nextBoolean();
        var end = known ? new Event.TransportClosed() : new Event.Ended(ReasonCode.SESSION_TAKEN_OVER, "elsewhere");
        rig.on(end).forEach(queue::take);
        discard();
        client.connect();
        var now = rig.now;
        rig = new SessionRig(ProtocolVersion.V5);
        rig.journalAnswers = false;
        rig.memory.add(others);
        rig.now = now;
        perform(rig.openDurable(queue.reopen(known)));
    }

    private void crowd() {
        rig.memory.giveBack(others);
        others = random.nextBoolean() ? 1 << 20 : 0;
        rig.memory.add(others);
    }

    private void discard() {
        rig.session.discard();
        assertThat(rig.memory.bytes()).isEqualTo(others);
    }

    private void perform(List<Effect> effects) {
        for (var effect : effects) {
            queue.take(effect);
            switch (effect) {
                case Effect.Send(var packet) -> client.send(packet);
                case Effect.Drop(var delivery, var _) ->
                    dropped.add(delivery.message().topicName().toString());
                default -> {}
            }
        }
    }
}
