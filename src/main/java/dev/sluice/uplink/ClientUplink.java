package dev.sluice.uplink;

import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.record.DeadLetterRecord;
import dev.sluice.uplink.record.Destination;
import dev.sluice.uplink.record.MessageId;
import dev.sluice.uplink.record.PartitionChoice;
import dev.sluice.uplink.record.Target;
import dev.sluice.uplink.record.UplinkRecord;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.spool.ClientSpool;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;

/**
 * One connection's way to Kafka: its records on their way, its bytes in flight. Confined to the
 * connection's event loop, except for {@link #answered} and {@link #refusedLate}.
 */
public final class ClientUplink {
    /** Bytes of a record besides topic, key and payload: headers, and the objects that wait for its answer. */
    private static final int RECORD_OVERHEAD = 200;

    private final Uplink uplink;
    private final UplinkProducer producer;
    private final Executor loop;
    private final Consumer<Forwarding> listener;
    private final BooleanSupplier mayGo;
    private final boolean isV5;
    private final long clientHash;
    private final Destinations destinations;
    private final PayloadCheck check;

    private final ArrayDeque<Forwarding> stalled = new ArrayDeque<>(1);
    /** Null before Kafka has refused a record late. */
    private LateLetters<RecordInFlight> letters;

    private final String clientId;
    private boolean closed;
    /** Null as long as nothing goes to the spool. */
    private ClientSpool spool;

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
            Consumer<Forwarding> listener,
            BooleanSupplier mayGo) {
        this.uplink = uplink;
        this.producer = uplink.producer();
        this.isV5 = isV5;
        this.loop = loop;
        this.listener = listener;
        this.mayGo = mayGo;
        this.clientId = clientId;
        this.clientHash = MessageId.hashOf(clientId);
        this.destinations = new Destinations(uplink::routes, uplink::backlog, clientId, username, epoch);
        this.check = new PayloadCheck(uplink.checks(), loop);
        if (uplink.spool().isOn()) openSpool();
    }

    private void openSpool() {
        spool = ClientSpool.open(uplink.spool(), producer, clientId, () -> loop.execute(this::retry));
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

    /**
     * Checks the payload of a PUBLISH, on another thread if that takes long. Returns whether it may be forwarded now; else it may once
     * {@code then} runs on the event loop, and until then nothing may overtake it.
     */
    public boolean check(Packet.Publish publish, Runnable then) {
        var destination = destinations.of(publish.topicName());
        return !destination.mayFail() || isShed(publish, destination) || check.isDone(publish, destination, then);
    }

    private boolean isShed(Packet.Publish publish, Destination destination) {
        return publish.qos() == QoS.AT_MOST_ONCE
                && uplink.shedsQoS0()
                && (isCongested() || !hasRoom(destination) || isSpooled(destination))
                && !destination.isNeverShed();
    }

    /** Takes a PUBLISH with the milliseconds since 1970 of its receipt; the listener finds the attachment in the {@link Forwarding}. */
    public Admission forward(Packet.Publish publish, long receivedAt, Object attachment) {
        var destination = destinations.of(publish.topicName());
        if (destination.refusal() != null) return refused(destination.refusal());
        if (destination.targets().isEmpty()) return UNMATCHED;
        var isQoS0 = publish.qos() == QoS.AT_MOST_ONCE;
        var congested = isCongested() || !hasRoom(destination);
        if (isShed(publish, destination)) return SHED;
        var failures = destination.mayFail() ? check.failures(publish, destination) : null;
        var refusal = destination.refusal(failures);
        if (refusal != null) return refused(refusal);
        var messageId = isQoS0 ? null : MessageId.of(clientHash, publish);
        var bytes = bytes(publish, destination);
        var forwarding = new Forwarding(
                this, publish, receivedAt, attachment, messageId, destination.targets(), failures, bytes);
        if (congested || !send(forwarding)) {
            var maySend = mayGo.getAsBoolean(); // else it only waits its turn
            if (maySend && forwarding.next == 0 && isQoS0 && uplink.shedsQoS0() && !destination.isNeverShed()) {
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

    /** Whether this PUBLISH may not be {@link #forward forwarded} now: {@link #retry} may make room, or what Kafka answers. */
    public boolean holdsBack(Packet.Publish publish) {
        if (check.isRunning() || !stalled.isEmpty() || hasLateLetters()) return true;
        return !uplink.shedsQoS0() && (isCongested() || !hasRoom(publish.topicName()));
    }

    /** A large name is not looked up at each try. */
    private boolean hasRoom(TopicName topicName) {
        return !topicName.isSmall() || hasRoom(destinations.of(topicName));
    }

    /** Whether Kafka has room for the records of a message, as far as they do not go to the spool. */
    private boolean hasRoom(Destination destination) {
        var targets = destination.targets();
        for (int i = 0; i < targets.size(); i++) {
            var target = targets.get(i);
            if (!target.hasRoom(uplink.room()) && (spool == null || spool.isDirect(target.key(), target.kafkaTopic())))
                return false;
        }
        return true;
    }

    /** Whether something waits for {@link #retry}, which nobody else will call. */
    public boolean isStalled() {
        return !stalled.isEmpty();
    }

    private boolean isCongested() {
        return !stalled.isEmpty() || bytesInFlight >= uplink.bytesInFlightPerConnection();
    }

    private boolean isSpooled(Destination destination) {
        if (spool == null || !spool.isSpooling()) return false;
        return destination.targets().stream().anyMatch(this::isSpooled);
    }

    private boolean isSpooled(Target target) {
        return spool != null && !spool.isDirect(target.key(), target.kafkaTopic());
    }

    /** Whether anything still waits for its check or for Kafka. */
    public boolean isWaiting() {
        return check.isRunning() || inFlight > 0;
    }

    /** Offers again what the producer, or the spool, had no room for, in order. */
    public void retry() {
        if (closed) return;
        if (spool != null) spool.spoolInOutage();
        while (!stalled.isEmpty() && stalled.peek().canRetry(spool, uplink.room()) && send(stalled.peek()))
            stalled.remove();
    }

    /**
     * Gives up what the producer never took, so that it no longer counts; the client sends it again if it is owed an answer. May be called
     * again. Returns how many messages that were.
     */
    public int close() {
        if (spool != null) spool.close();
        check.drop();
        closed = true;
        var given = stalled.size();
        stalled.forEach(Forwarding::abandon);
        stalled.clear();
        if (letters != null) letters.close();
        return given;
    }

    private boolean send(Forwarding forwarding) {
        if (failing || !mayGo.getAsBoolean()) return false;
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
        while (true) {
            switch (hand(record)) {
                case Handover.Taken _ -> {
                    return true;
                }
                case Handover.NotNow _ -> {
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
        if (record.failure() == null) {
            var refusal = uplink.refusalOfMissing(record.target());
            if (refusal != null) return new Handover.Refused(refusal);
        }
        var original = record.original();
        PartitionChoice choice = null;
        if (original == null) {
            Integer partition = null;
            try {
                if (record.failure() == null)
                    partition = uplink.partition(record.target(), record.forwarding().receivedAt);
            } catch (KafkaException unknown) { // how many partitions there are, which the drain of the spool will know
                choice = record.target().choice();
                if (!isSpooled(record.target())) return Handover.of(unknown);
            }
            original = make(record, partition);
        }
        var sent = record.failure() == null ? original : letter(record, original);
        if (sent.key() == null) { // the spool would take it
            var refusal = uplink.topics().refusalOfKeyless(sent.topic());
            if (refusal != null) return new Handover.Refused(refusal);
        }
        if (spool == null && uplink.spool().takes(sent.key(), clientId, sent.topic())) {
            // The spool could not insure what is in flight: Kafka has to answer that first.
            if (bytesInFlight > record.forwarding().bytes) return Handover.NOT_NOW;
            openSpool();
        }
        if (!enterBacklog(record, sent)) return Handover.NOT_NOW;
        var answer = spool == null
                ? producer.hand(sent, record)
                : spool.hand(sent, record.target().route().name(), choice, record);
        if (answer == Handover.TAKEN) record.taken(original);
        else record.leaveBacklog();
        return answer;
    }

    /** False if too many dead letters wait: whether there is room for records is asked before one is made. */
    private boolean enterBacklog(RecordInFlight record, ProducerRecord<byte[], byte[]> sent) {
        var target = record.target();
        if (record.failure() == null) {
            var partition = sent.partition() == null
                    ? target.partitionBacklog()
                    : target.backlog().numbered(sent.partition());
            record.enterBacklog(target.backlog(), partition);
            return true;
        }
        var letters = uplink.backlog(sent.topic());
        if (!uplink.room().has(letters, null)) return false;
        record.enterBacklog(letters, null);
        return true;
    }

    private ProducerRecord<byte[], byte[]> make(RecordInFlight record, Integer partition) {
        var forwarding = record.forwarding();
        var target = record.target();
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
            record.leaveBacklog();
            if (record.becomeDeadLetter(refusal)) late(record);
            else record.refuse(refusal);
        });
    }

    private void late(RecordInFlight letter) {
        if (letters == null) {
            letters = new LateLetters<>(loop, it -> !failing && offer(it), RecordInFlight::abandon);
            if (closed) letters.close();
        }
        letters.add(letter);
    }

    private boolean hasLateLetters() {
        return letters != null && !letters.isEmpty();
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

    /** A record has failed for now: nothing further of this client is handed over. From any thread. */
    void stopForNow() {
        failing = true;
    }

    /** Every record of a message is answered; on Kafka's network thread, or the journal's. */
    void answered(Forwarding forwarding) {
        if (forwarding.started) uplink.settled(forwarding);
    }

    /** A message whose records are answered no longer counts in flight. */
    void release(Forwarding forwarding) {
        if (forwarding.started) bytesInFlight -= forwarding.bytes;
        inFlight--;
    }
}
