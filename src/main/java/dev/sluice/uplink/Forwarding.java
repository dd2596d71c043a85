package dev.sluice.uplink;

import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.uplink.record.Target;
import dev.sluice.uplink.route.Failure;
import dev.sluice.uplink.spool.ClientSpool;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.apache.kafka.common.errors.DisconnectException;

/**
 * One PUBLISH on its way to Kafka, from the first record sent to the last one acknowledged. Made and settled on the
 * client's event loop; Kafka's network thread counts the records down in between.
 */
public final class Forwarding implements Runnable {
    private static final AtomicIntegerFieldUpdater<Forwarding> UNACKNOWLEDGED =
            AtomicIntegerFieldUpdater.newUpdater(Forwarding.class, "unacknowledged");

    private final ClientUplink client;
    private final QoS qos;
    private final int packetId;
    private final Object attachment;
    final byte[] messageId;
    final int bytes;
    /** When it was let in; nanoseconds of the JVM's clock. */
    final long startedAt;

    final long receivedAt;
    final RecordInFlight[] records;
    /** Held until every record is handed to the producer, which copies it. */
    Packet.Publish publish;
    /** The first record that the producer has not taken yet. */
    int next;
    /** Whether it counts as in flight: some record has been handed over. */
    boolean started;

    private volatile int unacknowledged;
    /** Why a dead letter had to be sent, the first of several. */
    private Failure deadLettered;

    private volatile Failure refused;
    private volatile Exception transientFailure;

    /**
     * @param receivedAt milliseconds since 1970
     * @param failures one for each target, null where it can have its record; null for none at all
     */
    Forwarding(
            ClientUplink client,
            Packet.Publish publish,
            long receivedAt,
            Object attachment,
            byte[] messageId,
            List<Target> targets,
            Failure[] failures,
            int bytes) {
        this.client = client;
        this.publish = publish;
        this.qos = publish.qos();
        this.packetId = publish.packetId();
        this.attachment = attachment;
        this.messageId = messageId;
        this.bytes = bytes;
        this.records = new RecordInFlight[targets.size()];
        for (int i = 0; i < records.length; i++) {
            var failure = failures == null ? null : failures[i];
            records[i] = new RecordInFlight(this, targets.get(i), failure);
            if (failure != null) noteFailure(failure);
        }
        this.unacknowledged = records.length;
        this.startedAt = System.nanoTime();
        this.receivedAt = receivedAt;
    }

    ClientUplink client() {
        return client;
    }

    public QoS qos() {
        return qos;
    }

    public int packetId() {
        return packetId;
    }

    /** The attachment that {@link ClientUplink#forward} was given with the PUBLISH. */
    public Object attachment() {
        return attachment;
    }

    /** The id that a repeat of this PUBLISH carries, too; null at QoS 0. */
    public String messageId() {
        return messageId == null ? null : new String(messageId, StandardCharsets.US_ASCII);
    }

    /** Whether Kafka failed in a way that may pass: the client must not get an error for its message. */
    public boolean failedForNow() {
        return transientFailure != null;
    }

    /** Whether the message is refused for good: it has neither its records nor dead letters in their place. */
    public boolean isRefused() {
        return refused != null;
    }

    /** Whether a dead letter took the place of one of its records, so that it is not for subscribers. */
    public boolean isDeadLettered() {
        return deadLettered != null;
    }

    /** The reason code for the client: success for a dead letter, if the client has no reason codes. */
    public ReasonCode outcome() {
        if (refused != null) return refused.reason();
        return deadLettered == null ? ReasonCode.SUCCESS : client.answerToDeadLetter(deadLettered);
    }

    /** Why the outcome is an error, or what failed for now; null on success. */
    public String why() {
        if (transientFailure != null) return transientFailure.getMessage();
        if (refused != null) return refused.why();
        return deadLettered == null ? null : deadLettered.why();
    }

    /** The reason code that a client gets for a message that is a dead letter; null if it awaits no answer. */
    ReasonCode clientAnswer() {
        return packetId == 0 ? null : client.answerToDeadLetter(deadLettered);
    }

    /** The share of each record in the bytes of the message. */
    int bytesOfRecord() {
        return bytes / records.length;
    }

    /**
     * Whether the rest of it may be offered again: records for Kafka only below its bounds, records for the spool only if that has room.
     *
     * @param spool null if nothing ever goes there
     * @param congested whether there is as much in flight to Kafka as may be
     */
    boolean canRetry(ClientSpool spool, boolean congested) {
        for (int i = next; i < records.length; i++) {
            var target = records[i].target();
            var isHeldUp = spool == null || spool.isDirect(target.key(), target.kafkaTopic())
                    ? congested || target.backlog().isFull()
                    : !spool.hasRoomElseWaits();
            if (isHeldUp) return false;
        }
        return true;
    }

    /** A record cannot be: a dead letter takes its place. */
    void noteFailure(Failure failure) {
        if (deadLettered == null) deadLettered = failure;
    }

    /** Nothing of it was taken, and it is not offered again. */
    void shed() {
        for (var record : records) record.endSpan("not sent");
    }

    /** Fails for the records that the producer has not taken; those it has taken are still waited for. */
    void abandon() {
        transientFailure = new DisconnectException("the client is gone");
        publish = null;
        for (int i = next; i < records.length; i++) records[i].endSpan("not sent");
        answered(records.length - next);
    }

    /** @param failure why it is a dead letter that was acknowledged; null for a record */
    void acknowledged(Failure failure) {
        if (failure != null) client.countDeadLetter(failure);
        answered(1);
    }

    void refused(Failure failure) {
        refused = failure;
        answered(1);
    }

    void failed(Exception exception) {
        transientFailure = exception;
        answered(1);
    }

    /** From any thread; the last answer goes on to the client's event loop. */
    private void answered(int count) {
        if (UNACKNOWLEDGED.addAndGet(this, -count) > 0) return;
        client.answered(this);
        client.loop().execute(this);
    }

    /** On the client's event loop, once every record is answered. */
    @Override
    public void run() {
        client.release(this);
        client.listener().accept(this);
    }
}
