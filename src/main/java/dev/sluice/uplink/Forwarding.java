package dev.sluice.uplink;

import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.DisconnectException;

/**
 * One PUBLISH on its way to Kafka, from the first record sent to the last one acknowledged. Made and settled on the
 * client's event loop; Kafka's network thread counts the records down in between.
 */
public final class Forwarding implements Callback, Runnable {
    private static final AtomicIntegerFieldUpdater<Forwarding> UNACKNOWLEDGED =
            AtomicIntegerFieldUpdater.newUpdater(Forwarding.class, "unacknowledged");

    private final ClientUplink client;
    private final QoS qos;
    private final int packetId;
    private final Object attachment;
    final byte[] messageId;
    final int bytes;
    /** Time of receipt: nanoseconds of the JVM's clock, and milliseconds since 1970. */
    final long startedAt;

    final long receivedAt;
    final List<Target> targets;
    /** Held until every record is handed to the producer, which copies it. */
    Packet.Publish publish;
    /** The first target that the producer has not taken yet. */
    int next;

    private volatile int unacknowledged;
    private volatile Exception failure;
    private Thread sending;
    private boolean notTaken;
    private boolean refusedAtOnce;

    Forwarding(
            ClientUplink client,
            Packet.Publish publish,
            Object attachment,
            byte[] messageId,
            List<Target> targets,
            int bytes) {
        this.client = client;
        this.publish = publish;
        this.qos = publish.qos();
        this.packetId = publish.packetId();
        this.attachment = attachment;
        this.messageId = messageId;
        this.targets = targets;
        this.bytes = bytes;
        this.unacknowledged = targets.size();
        this.startedAt = System.nanoTime();
        this.receivedAt = System.currentTimeMillis();
    }

    public QoS qos() {
        return qos;
    }

    public int packetId() {
        return packetId;
    }

    /** What {@link ClientUplink#forward} was given with the PUBLISH. */
    public Object attachment() {
        return attachment;
    }

    /** What a repeat of this PUBLISH carries, too; null at QoS 0. */
    public String messageId() {
        return messageId == null ? null : new String(messageId, StandardCharsets.US_ASCII);
    }

    /** Whether Kafka failed in a way that may pass: the client is not to be told that its message is refused. */
    public boolean failedForNow() {
        return failure != null && Refusal.of(failure) == null;
    }

    public ReasonCode outcome() {
        return failure == null ? ReasonCode.SUCCESS : Refusal.of(failure);
    }

    /** Why Kafka refused, null on success. */
    public String why() {
        return failure == null ? null : failure.getMessage();
    }

    /** Marks the calling thread as inside {@code Producer.send}. */
    void sending() {
        sending = Thread.currentThread();
        notTaken = false;
        refusedAtOnce = false;
    }

    /** Ends {@link #sending}: whether the producer took the record, now or by refusing it for good. */
    boolean taken() {
        sending = null;
        return !notTaken;
    }

    /** Whether the producer refused the last record for good without taking it. */
    boolean refusedAtOnce() {
        return refusedAtOnce;
    }

    /** Fails for the records that the producer has not taken; those it has taken are still waited for. */
    void abandon() {
        failure = new DisconnectException("the client is gone");
        publish = null;
        if (UNACKNOWLEDGED.addAndGet(this, next - targets.size()) == 0) client.settle(this);
    }

    @Override
    public void onCompletion(RecordMetadata metadata, Exception exception) {
        if (exception != null) {
            // Told from within send: the producer has no room or no metadata yet, and the record can be offered again.
            if (Thread.currentThread() == sending && Refusal.of(exception) == null) {
                notTaken = true;
                return;
            }
            failure = exception;
            if (Thread.currentThread() == sending) refusedAtOnce = true;
        }
        if (UNACKNOWLEDGED.decrementAndGet(this) == 0) client.settle(this);
    }

    /** The spool has a record: for the client as good as Kafka. */
    void spooled() {
        if (UNACKNOWLEDGED.decrementAndGet(this) == 0) client.settle(this);
    }

    /** On the client's event loop. */
    @Override
    public void run() {
        client.settled(this);
    }
}
