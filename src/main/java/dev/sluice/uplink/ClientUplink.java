package dev.sluice.uplink;

import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.record.DeadLetterRecord;
import dev.sluice.uplink.record.Destination;
import dev.sluice.uplink.record.MessageId;
import dev.sluice.uplink.record.Sequence;
import dev.sluice.uplink.record.Target;
import dev.sluice.uplink.record.UplinkRecord;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.route.HeaderNames;
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
 * connection's event loop, except for {@link #answered} and {@link #refusedLate}.
 */
public final class ClientUplink {
    /** Bytes of a record besides topic, key and payload: headers, and the objects that wait for its answer. */
    private static final int RECORD_OVERHEAD = 200;

    private static final int RESOLVED_TOPICS = 64;
    private static final int RETRY_MILLIS = 20;

    private final Uplink uplink;
    private final String clientId;
    private final String username;
    private final Executor loop;
    private final Consumer<Forwarding> listener;
    private final boolean isV5;
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
    private List<RecordInFlight> letters = List.of();

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
            boolean isV5,
            Executor loop,
            Consumer<Forwarding> listener) {
        this.uplink = uplink;
        this.clientId = clientId;
        this.username = username;
        this.isV5 = isV5;
        this.loop = loop;
        this.listener = listener;
        this.clientIdHeader = UplinkRecord.header(HeaderNames.CLIENT_ID, clientId);
        this.clientHash = MessageId.hashOf(clientId);
        this.seqPrefix = (epoch + "/").getBytes(StandardCharsets.US_ASCII);
        this.spool = uplink.spool().isOn()
                ? ClientSpool.open(uplink.spool(), uplink.producer(), clientId, () -> loop.execute(this::retry))
                : null;
    }

    /** The answer to a PUBLISH that is forwarded, as far as it is known at once. */
    public sealed interface Admission {
        /** The listener gets the {@link Forwarding} when Kafka has answered. */
        record UnderWay() implements Admission {}

        /** The same for a message that is not for subscribers: a dead letter takes the place of one of its records. */
        record DeadLettered() implements Admission {}

        /** No route takes it, and the configuration says to drop it: there is nothing to wait for. */
        record Unmatched() implements Admission {}

        /** It has no record and no dead letter; the client is answered with this reason. */
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
        var topicAndPayload = publish.topicName().utf8().length + publish.payload().length;
        return (topicAndPayload + publish.properties().bytes() + RECORD_OVERHEAD)
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
        if (spool != null) spool.spoolInOutage();
        while (!stalled.isEmpty() && stalled.peek().canRetry(spool, uplink.isCongested()) && send(stalled.peek()))
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

    private static void giveUp(RecordInFlight letter) {
        letter.fail(new DisconnectException("the client is gone"));
    }

    private boolean send(Forwarding forwarding) {
        if (failing) return false;
        if (!forwarding.started) started(forwarding);
        while (forwarding.next < forwarding.records.length) {
            if (!offer(forwarding.records[forwarding.next])) {
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

    /** Returns false if the producer has no room for it now; true if it has it, or if the message is refused. */
    private boolean offer(RecordInFlight record) {
        record.enterBacklog();
        while (true) {
            switch (hand(record)) {
                case Handover.Taken _ -> {
                    return true;
                }
                case Handover.NotNow _ -> {
                    record.leaveBacklog();
                    return false;
                }
                case Handover.Refused(var refusal) -> {
                    if (record.becomeDeadLetter(refusal)) continue;
                    record.refuse(refusal);
                    return true;
                }
            }
        }
    }

    private Handover hand(RecordInFlight record) {
        ProducerRecord<byte[], byte[]> original;
        try {
            original = record.original() != null ? record.original() : make(record);
        } catch (KafkaException unknown) { // how many partitions the Kafka topic has
            return Handover.of(unknown);
        }
        var sent = record.failure() == null ? original : letter(record, original);
        var answer = spool == null
                ? uplink.producer().hand(sent, record)
                : spool.hand(sent, record.target().route().name(), record);
        if (answer == Handover.TAKEN) record.taken(original);
        return answer;
    }

    private ProducerRecord<byte[], byte[]> make(RecordInFlight record) {
        var forwarding = record.forwarding();
        var target = record.target();
        var partition = record.failure() == null ? uplink.partition(target, forwarding.receivedAt) : null;
        var publish = forwarding.publish;
        var seq = target.sequence().next();
        var made = UplinkRecord.of(target, publish, forwarding.receivedAt, forwarding.messageId, seq, partition);
        if (!publish.properties().isEmpty()) record.trace(uplink.tracing(), publish.properties(), made);
        return made;
    }

    private ProducerRecord<byte[], byte[]> letter(RecordInFlight record, ProducerRecord<byte[], byte[]> original) {
        var letter = DeadLetterRecord.ofMessage(
                original,
                record.target().route(),
                record.failure(),
                record.forwarding().clientAnswer());
        return (record.isStripped() ? letter.withoutPayload() : letter).to(uplink.deadLetterTopic());
    }

    /** Kafka has refused a record that the producer had taken; from any thread. */
    void refusedLate(RecordInFlight record, Refusal refusal) {
        loop.execute(() -> {
            if (!record.becomeDeadLetter(refusal)) record.refuse(refusal);
            else if (!offer(record)) keepLetter(record);
        });
    }

    private void keepLetter(RecordInFlight letter) {
        if (closed) {
            giveUp(letter);
            return;
        }
        if (letters.isEmpty()) {
            letters = new ArrayList<>(1);
            retryLettersLater();
        }
        letters.add(letter);
    }

    /** The connection may wait for nothing but these letters, and does not know of them. */
    private void retryLettersLater() {
        CompletableFuture.delayedExecutor(RETRY_MILLIS, TimeUnit.MILLISECONDS, loop)
                .execute(() -> {
                    while (!letters.isEmpty() && offer(letters.getFirst())) letters.removeFirst();
                    if (!letters.isEmpty()) retryLettersLater();
                });
    }

    Executor loop() {
        return loop;
    }

    Consumer<Forwarding> listener() {
        return listener;
    }

    /** The reason code that the client gets for a message that has become a dead letter. */
    ReasonCode answerToDeadLetter(Failure failure) {
        return isV5 ? failure.reason() : ReasonCode.SUCCESS;
    }

    void countDeadLetter(Failure failure) {
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
            lastTopic = null;
        } else if (topicName == lastTopic) {
            return lastDestination;
        }
        if (!topicName.isSmall()) return resolve(topicName);
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

    /** Every record of a message is answered; on Kafka's network thread, or the journal's. */
    void answered(Forwarding forwarding) {
        if (forwarding.failedForNow()) failing = true;
        if (forwarding.started) uplink.settled(forwarding);
    }

    /** A message whose records are answered no longer counts in flight. */
    void release(Forwarding forwarding) {
        if (forwarding.started) bytesInFlight -= forwarding.bytes;
        inFlight--;
    }
}
