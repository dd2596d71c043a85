package dev.sluice.broker;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Effect;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/** Counts what connections do, and tells of messages that are lost. Any thread may use it; one packet costs one addition. */
final class BrokerMeters {
    private static final String[] TYPES = {
        "connect",
        "connack",
        "publish",
        "puback",
        "pubrec",
        "pubrel",
        "pubcomp",
        "subscribe",
        "suback",
        "unsubscribe",
        "unsuback",
        "pingreq",
        "pingresp",
        "disconnect",
        "auth"
    };

    private static final int PUBLISH = 2;

    private final ThrottledLog full = new ThrottledLog(Logger.getLogger(BrokerMeters.class));
    private final ThrottledLog memoryFull = new ThrottledLog(Logger.getLogger(BrokerMeters.class));
    private final ThrottledLog forbidden = new ThrottledLog(Logger.getLogger(BrokerMeters.class));
    private final ThrottledLog retainedRestarted = new ThrottledLog(Logger.getLogger(BrokerMeters.class));
    private final MeterRegistry meters;
    private final LongAdder[] received;
    private final LongAdder[] sent;
    private final Counter pauses;
    private final Counter unmatched;
    private final Counter shed;
    private final Counter abandoned;
    private final Counter tooLarge;
    private final Counter retainedRefused;
    private final Counter subscriptionsRefused;
    private final Map<Effect.Why, Counter> dropped = new EnumMap<>(Effect.Why.class);
    private final Counter willsPublished;
    private final Counter willsRefused;

    BrokerMeters(MeterRegistry meters) {
        this.meters = meters;
        received = packets("received");
        sent = packets("sent");
        pauses = Counter.builder("sluice.connection.pauses")
                .description(
                        "Times that a socket was not read on: too much held back, a slow reader, or a full journal")
                .register(meters);
        unmatched = Counter.builder("sluice.uplink.unmatched")
                .description("Messages that no route matches and that were dropped as configured")
                .register(meters);
        shed = Counter.builder("sluice.uplink.shed")
                .description("QoS 0 messages dropped while Kafka was behind, as configured")
                .register(meters);
        abandoned = Counter.builder("sluice.publishes.abandoned")
                .description("PUBLISHes that were read, held back, and given up unanswered when their connection ended")
                .register(meters);
        tooLarge = Counter.builder("sluice.packets.too.large")
                .description("Packets not sent because the client's Maximum Packet Size is smaller")
                .register(meters);
        retainedRefused = Counter.builder("sluice.retained.refused")
                .description(
                        "PUBLISHes refused, and wills told without being retained, because as much is retained as may be")
                .register(meters);
        subscriptionsRefused = Counter.builder("sluice.subscriptions.refused")
                .description("Subscriptions refused because the client had as many as it may")
                .register(meters);
        for (var why : Effect.Why.values())
            dropped.put(
                    why,
                    Counter.builder("sluice.deliveries.dropped")
                            .description("Messages that a subscriber was owed and does not get, by reason")
                            .tag("reason", why.name().toLowerCase(Locale.ROOT))
                            .register(meters));
        willsPublished = wills("published");
        willsRefused = wills("refused");
    }

    MeterRegistry registry() {
        return meters;
    }

    private Counter wills(String outcome) {
        return Counter.builder("sluice.wills")
                .description("Wills that were due, by outcome")
                .tag("outcome", outcome)
                .register(meters);
    }

    private LongAdder[] packets(String direction) {
        var counts = new LongAdder[TYPES.length];
        for (int i = 0; i < counts.length; i++) {
            counts[i] = new LongAdder();
            FunctionCounter.builder("sluice.packets", counts[i], LongAdder::sum)
                    .description("MQTT control packets")
                    .tag("type", TYPES[i])
                    .tag("direction", direction)
                    .register(meters);
        }
        return counts;
    }

    void retainedRefused() {
        retainedRefused.increment();
    }

    void received(Packet packet) {
        received[index(packet)].increment();
    }

    void sent(Packet packet) {
        sent[index(packet)].increment();
    }

    private static int index(Packet packet) {
        return switch (packet) {
            case Packet.Publish _ -> PUBLISH;
            case Packet.PubAck _ -> 3;
            case Packet.PubRec _ -> 4;
            case Packet.PubRel _ -> 5;
            case Packet.PubComp _ -> 6;
            case Packet.PingReq _ -> 11;
            case Packet.PingResp _ -> 12;
            case Packet.Connect _ -> 0;
            case Packet.ConnAck _ -> 1;
            case Packet.Subscribe _ -> 7;
            case Packet.SubAck _ -> 8;
            case Packet.Unsubscribe _ -> 9;
            case Packet.UnsubAck _ -> 10;
            case Packet.Disconnect _ -> 13;
            case Packet.Auth _ -> 14;
        };
    }

    void paused() {
        pauses.increment();
    }

    void unmatched() {
        unmatched.increment();
    }

    void shed() {
        shed.increment();
    }

    void abandoned(int publishes) {
        abandoned.increment(publishes);
    }

    void tooLargeForClient() {
        tooLarge.increment();
    }

    void subscriptionRefused() {
        subscriptionsRefused.increment();
    }

    /** A message that a subscriber does not get; one line a minute says who it is and what to change. */
    void dropped(String clientId, Effect.Why why) {
        dropped.get(why).increment();
        switch (why) {
            case QUEUE_FULL ->
                full.warn(() ->
                        "client " + clientId + " does not keep up: its queue is full, and a message for it is dropped"
                                + " (sluice.mqtt.queue-count, sluice.mqtt.queue-bytes)");
            case MEMORY_FULL ->
                memoryFull.warn(() -> "a message for client " + clientId + " is dropped: too much waits for all clients"
                        + " together (sluice.mqtt.queue-bytes-in-all)");
            case EXPIRED, TOO_LARGE, ABOVE_BOUNDS, NOT_AUTHORIZED -> {}
        }
    }

    void willPublished() {
        willsPublished.increment();
    }

    void willRefused() {
        willsRefused.increment();
    }

    long packetsReceived() {
        return sum(received);
    }

    long packetsSent() {
        return sum(sent);
    }

    long publishesReceived() {
        return received[PUBLISH].sum();
    }

    long publishesSent() {
        return sent[PUBLISH].sum();
    }

    long deliveriesDropped() {
        return (long) dropped.values().stream().mapToDouble(Counter::count).sum();
    }

    private static long sum(LongAdder[] counts) {
        return Arrays.stream(counts).mapToLong(LongAdder::sum).sum();
    }

    /** A bound that a client has exceeded, by its key below {@code sluice.mqtt}. */
    void exceeded(String bound) {
        Counter.builder("sluice.bounds.exceeded")
                .description("Times that a client's input was refused because it exceeds a bound, by the bound's key")
                .tag("bound", bound)
                .register(meters)
                .increment();
    }

    void skippedSubscription() {
        Counter.builder("sluice.store.above.bounds")
                .description("What PostgreSQL holds of a time with wider bounds, and is skipped")
                .tag("what", "subscription")
                .register(meters)
                .increment();
    }

    /** A client does not keep up, and too many topics change for what it has missed of each to be noted. */
    void retainedRestarted(String clientId) {
        retainedRestarted.warn(
                () -> "client " + clientId + " does not keep up: more topics have newer retained messages than it was"
                        + " sent than may be noted (sluice.mqtt.queue-count, queue-bytes, queue-bytes-in-all); it gets the newest of each later");
        Counter.builder("sluice.retained.restarts")
                .description("Times that topics are gone through again for a client, as too many changed meanwhile")
                .register(meters)
                .increment();
    }

    /** Another gateway was told that a client has come here from it. */
    void takenOver(boolean isAnswered) {
        Counter.builder("sluice.fleet.take.overs")
                .description("Clients that have come from another gateway, by whether that has answered in time")
                .tag("answered", isAnswered ? "yes" : "no")
                .register(meters)
                .increment();
    }

    /** A look at a queue has found messages that no gateway has told of. */
    void foundQueued() {
        Counter.builder("sluice.fleet.queues.found")
                .description("Queues in which this gateway has found messages that no other one had told of")
                .register(meters)
                .increment();
    }

    /** The subscriptions of these sessions are read again. */
    void readAgain(int sessions) {
        Counter.builder("sluice.fleet.sessions.read")
                .description("Sessions whose subscriptions were read again, as news of them may have been missed")
                .register(meters)
                .increment(sessions);
    }

    /** @param action that the rules did not allow: {@code publish}, {@code subscribe}, or {@code subscription}, one that was there */
    void denied(String action, Supplier<String> sentence) {
        forbidden.warn(sentence);
        Counter.builder("sluice.access.denied")
                .description("What the access rules did not allow, by action")
                .tag("action", action)
                .register(meters)
                .increment();
    }

    /** A message that was refused for good, by its reason code. */
    void refused(ReasonCode reason) {
        counter("sluice.uplink.refused", "Messages refused for good, by reason code", reason)
                .increment();
    }

    /** A connection that ended, by the reason that ended it. */
    void disconnected(ReasonCode reason) {
        counter("sluice.disconnects", "Connections that ended, by reason", reason)
                .increment();
    }

    private Counter counter(String name, String description, ReasonCode reason) {
        return Counter.builder(name)
                .description(description)
                .tag("reason", reason.name().toLowerCase(Locale.ROOT))
                .register(meters);
    }
}
