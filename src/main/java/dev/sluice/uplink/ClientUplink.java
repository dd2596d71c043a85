package dev.sluice.uplink;

import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.record.DeadLetter;
import dev.sluice.uplink.record.Destination;
import dev.sluice.uplink.record.MessageId;
import dev.sluice.uplink.record.Sequence;
import dev.sluice.uplink.record.Target;
import dev.sluice.uplink.record.UplinkRecord;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.route.Resolution;
import dev.sluice.uplink.route.Routes;
import dev.sluice.uplink.spool.ClientSpool;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.DisconnectException;
import org.apache.kafka.common.header.Header;

/**
 * One connection's way to Kafka: its sequence numbers, its resolved topics, its bytes in flight. Confined to the
 * connection's event loop, but for {@link #settle}.
 */
public final class ClientUplink {
    /** What a record takes besides topic, key and payload: headers, and the objects that wait for its answer. */
    private static final int RECORD_OVERHEAD = 200;

    private static final int RESOLVED_TOPICS = 64;
    private static final int RETRY_MILLIS = 20;

    private final Uplink uplink;
    private final String clientId;
    private final String username;
    private final Executor loop;
    private final Consumer<Forwarding> listener;
    private final boolean isToldReasons;
    private final Header clientIdHeader;
    private final long clientHash;
    private final byte[] seqPrefix;

    /** One for each route that has had a record. */
    private List<Sequence> sequences = List.of();

    /** The routes that the destinations were resolved with. */
    private Routes routes;

    private TopicName lastTopic;
    private Destination lastDestination;
    private Map<TopicName, Destination> resolved;

    private final ArrayDeque<Forwarding> stalled = new ArrayDeque<>(1);
    /** Dead letters of records that Kafka has refused late, which the producer had no room for. */
    private List<Part> letters = List.of();

    private boolean closed;
    /** Null if nothing ever goes to the spool. */
    private final ClientSpool spool;

    private long bytesInFlight;
    private int inFlight;
    /** A record has failed for now. The connection ends for it, and nothing further may overtake it before that. */
    private volatile boolean failing;

    ClientUplink(
            Uplink uplink,
            String clientId,
            String username,
            long epoch,
            boolean isToldReasons,
            Executor loop,
            Consumer<Forwarding> listener) {
        this.uplink = uplink;
        this.clientId = clientId;
        this.username = username;
        this.isToldReasons = isToldReasons;
        this.loop = loop;
        this.listener = listener;
        this.clientIdHeader = UplinkRecord.header(UplinkRecord.CLIENT_ID, clientId);
        this.clientHash = MessageId.hashOf(clientId);
        this.seqPrefix = (epoch + "/").getBytes(StandardCharsets.US_ASCII);
        this.spool = uplink.spool().isOn() ? ClientSpool.open(uplink, clientId, () -> loop.execute(this::retry)) : null;
    }

    /** A PUBLISH that needs no record: dropped as configured, or refused. */
    public sealed interface Admission {
        /** The listener is told once Kafka has answered. */
        record UnderWay() implements Admission {}

        /** The same for a message that is not for subscribers: a dead letter takes the place of one of its records. */
        record DeadLettered() implements Admission {}

        record Unmatched() implements Admission {}

        record Refused(ReasonCode reason, String why) implements Admission {}

        /** A QoS 0 message that was not let in because Kafka is behind. */
        record Shed() implements Admission {}
    }

    private static final Admission UNDER_WAY = new Admission.UnderWay();
    private static final Admission DEAD_LETTERED = new Admission.DeadLettered();
    private static final Admission UNMATCHED = new Admission.Unmatched();
    private static final Admission SHED = new Admission.Shed();

    /** @param attachment what the listener finds in the {@link Forwarding}; may be null */
    public Admission forward(Packet.Publish publish, Object attachment) {
        var destination = destination(publish.topicName());
        if (destination.refusal() != null) return refused(destination.refusal());
        if (destination.targets().isEmpty()) return UNMATCHED;
        var isQoS0 = publish.qos() == QoS.AT_MOST_ONCE;
        var congested = isCongested() || destination.isBackedUp();
        if (isQoS0 && isShed(congested) && !destination.isNeverShed()) return SHED;
        var failures = destination.mayFail() ? destination.failures(publish.payload()) : null;
        var refusal = destination.refusal(failures);
        if (refusal != null) return refused(refusal);
        var messageId = isQoS0 ? null : MessageId.of(clientHash, publish);
        var bytes = bytes(publish, destination);
        var forwarding = new Forwarding(this, publish, attachment, messageId, destination.targets(), failures, bytes);
        if (congested || !send(forwarding)) {
            if (forwarding.next == 0 && isQoS0 && uplink.shedsQoS0() && !destination.isNeverShed()) {
                forwarding.shed();
                return SHED;
            }
            stalled.add(forwarding);
        }
        inFlight++;
        return forwarding.isDeadLettered() ? DEAD_LETTERED : UNDER_WAY;
    }

    private static Admission refused(Failure failure) {
        return new Admission.Refused(failure.reason(), failure.why());
    }

    private static int bytes(Packet.Publish publish, Destination destination) {
        return (publish.payload().length + publish.topicName().utf8().length + RECORD_OVERHEAD)
                * destination.targets().size();
    }

    /** Whether the connection must not be read on until {@link #retry} says otherwise. */
    public boolean holdsBack() {
        return !stalled.isEmpty() || !letters.isEmpty() || !uplink.shedsQoS0() && isCongested();
    }

    private boolean isCongested() {
        return !stalled.isEmpty() || uplink.isCongested() || bytesInFlight >= uplink.bytesInFlightPerConnection();
    }

    private boolean isShed(boolean congested) {
        return uplink.shedsQoS0() && (congested || isSpooling());
    }

    private boolean isSpooling() {
        return spool != null && spool.isSpooling();
    }

    /** Whether anything still waits for Kafka. */
    public boolean isWaiting() {
        return inFlight > 0;
    }

    /** Offers again what the producer, or the spool, had no room for, in order. */
    public void retry() {
        if (closed) return;
        if (spool != null) spool.insureInOutage();
        while (!stalled.isEmpty() && stalled.peek().mayGo(spool, uplink.isCongested()) && send(stalled.peek()))
            stalled.remove();
    }

    /**
     * Gives up what the producer never took, so that it no longer counts; the client sends it again if it is owed an answer. May be called
     * again.
     */
    public void close() {
        if (spool != null) spool.close();
        closed = true;
        stalled.forEach(Forwarding::abandon);
        stalled.clear();
        letters.forEach(ClientUplink::giveUp);
        letters = List.of();
    }

    private static void giveUp(Part letter) {
        letter.settleFailed(new DisconnectException("the client is gone"));
    }

    private boolean send(Forwarding forwarding) {
        if (failing) return false;
        if (!forwarding.started) started(forwarding);
        while (forwarding.next < forwarding.parts.length) {
            if (!offer(forwarding.parts[forwarding.next])) {
                if (forwarding.next == 0) notStarted(forwarding);
                return false;
            }
            forwarding.next++;
        }
        forwarding.publish = null;
        return true;
    }

    /** Before it is handed over: it may be answered at any moment after that. */
    private void started(Forwarding forwarding) {
        forwarding.started = true;
        bytesInFlight += forwarding.bytes;
        uplink.started(forwarding);
    }

    private void notStarted(Forwarding forwarding) {
        forwarding.started = false;
        bytesInFlight -= forwarding.bytes;
        uplink.notStarted(forwarding);
    }

    /** False if the producer has no room for it now; true if it has it, or if it is refused. */
    private boolean offer(Part part) {
        ProducerRecord<byte[], byte[]> record;
        do {
            part.sending();
            record = attempt(part);
            if (!part.taken()) return false;
        } while (part.fallsBack());
        if (part.isRefused()) part.settleRefused();
        else part.sent(record);
        return true;
    }

    /** Returns the record of the part, whether it was sent or a dead letter in its place; null if it could not be made. */
    private ProducerRecord<byte[], byte[]> attempt(Part part) {
        try {
            var record = part.record() != null ? part.record() : record(part);
            hand(part.failure() == null ? record : letter(part, record), part);
            return record;
        } catch (KafkaException unknown) { // how many partitions the Kafka topic has
            part.onCompletion(null, unknown);
            return null;
        }
    }

    private void hand(ProducerRecord<byte[], byte[]> record, Part part) {
        if (spool == null) uplink.send(record, part);
        else if (!spool.send(record, part)) part.notTaken();
    }

    private ProducerRecord<byte[], byte[]> record(Part part) {
        var forwarding = part.forwarding();
        var target = part.target;
        var partition = part.failure() == null ? uplink.partition(target, forwarding.receivedAt) : null;
        var publish = forwarding.publish;
        var seq = target.sequence().next();
        var record = UplinkRecord.of(target, publish, forwarding.receivedAt, forwarding.messageId, seq, partition);
        if (!publish.properties().isEmpty()) part.trace(uplink.tracing(), publish.properties(), record);
        return record;
    }

    private ProducerRecord<byte[], byte[]> letter(Part part, ProducerRecord<byte[], byte[]> record) {
        var letter = DeadLetter.of(
                uplink.deadLetterTopic(),
                record,
                part.target.route(),
                part.failure(),
                part.forwarding().told());
        return part.isStripped() ? DeadLetter.withoutPayload(letter) : letter;
    }

    /** Kafka has refused a part that the producer had taken. */
    void refused(Part part) {
        if (!part.fallsBack()) {
            part.settleRefused();
        } else if (!offer(part)) {
            if (closed) {
                giveUp(part);
                return;
            }
            if (letters.isEmpty()) {
                letters = new ArrayList<>(1);
                retryLettersLater();
            }
            letters.add(part);
        }
    }

    /** The connection may wait for nothing but these letters, and does not know of them. */
    private void retryLettersLater() {
        CompletableFuture.delayedExecutor(RETRY_MILLIS, TimeUnit.MILLISECONDS, loop)
                .execute(() -> {
                    while (!letters.isEmpty() && offer(letters.getFirst())) letters.removeFirst();
                    if (!letters.isEmpty()) retryLettersLater();
                });
    }

    void execute(Runnable task) {
        loop.execute(task);
    }

    /** What the client is answered for a message that has become a dead letter. */
    ReasonCode told(Failure failure) {
        return isToldReasons ? failure.reason() : ReasonCode.SUCCESS;
    }

    void deadLettered(Failure failure) {
        uplink.deadLettered(failure.kind());
    }

    private Sequence sequence(String route) {
        for (var known : sequences) if (known.route().equals(route)) return known;
        if (sequences.isEmpty()) sequences = new ArrayList<>(1);
        var sequence = new Sequence(route, seqPrefix);
        sequences.add(sequence);
        return sequence;
    }

    private Destination destination(TopicName topicName) {
        if (routes != uplink.routes()) {
            routes = uplink.routes();
            resolved = null;
        } else if (topicName == lastTopic) {
            return lastDestination;
        }
        if (resolved == null) {
            resolved = new LinkedHashMap<>(4, 0.75f, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<TopicName, Destination> eldest) {
                    return size() > RESOLVED_TOPICS;
                }
            };
        }
        var destination = resolved.get(topicName);
        if (destination == null) {
            destination = resolve(topicName);
            resolved.put(topicName, destination);
        }
        lastTopic = topicName;
        lastDestination = destination;
        return destination;
    }

    private Destination resolve(TopicName topicName) {
        return switch (routes.resolve(topicName, clientId, username)) {
            case Resolution.Forward(var matches) ->
                Destination.of(matches.stream()
                        .map(match -> Target.of(
                                match,
                                topicName,
                                clientId,
                                clientIdHeader,
                                sequence(match.route().name()),
                                uplink.backlog(match.kafkaTopic())))
                        .toList());
            case Resolution.Refuse(var failure) -> Destination.refused(failure);
            case Resolution.Drop _ -> Destination.of(List.of());
        };
    }

    /** Every record is answered; called on Kafka's network thread, or the journal's. */
    void settle(Forwarding forwarding) {
        if (forwarding.failedForNow()) failing = true;
        if (forwarding.started) uplink.settled(forwarding);
        loop.execute(forwarding);
    }

    void settled(Forwarding forwarding) {
        if (forwarding.started) bytesInFlight -= forwarding.bytes;
        inFlight--;
        listener.accept(forwarding);
    }
}
