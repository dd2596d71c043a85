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
    /** Time of receipt: nanoseconds of the JVM's clock, and milliseconds since 1970. */
    final long startedAt;

    final long receivedAt;
    final Part[] parts;
    /** Held until every record is handed to the producer, which copies it. */
    Packet.Publish publish;
    /** The first part that the producer has not taken yet. */
    int next;
    /** Whether it counts as in flight: some part has been handed over. */
    boolean started;

    private volatile int unacknowledged;
    /** Why a dead letter had to be sent, the first of several. */
    private Failure deadLettered;

    private volatile Failure refused;
    private volatile Exception passing;

    /** @param failures one for each target, null where it can have its record; null for none at all */
    Forwarding(
            ClientUplink client,
            Packet.Publish publish,
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
        this.parts = new Part[targets.size()];
        for (int i = 0; i < parts.length; i++) {
            var failure = failures == null ? null : failures[i];
            parts[i] = new Part(this, targets.get(i), failure);
            if (failure != null) failed(failure);
        }
        this.unacknowledged = parts.length;
        this.startedAt = System.nanoTime();
        this.receivedAt = System.currentTimeMillis();
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
        return passing != null;
    }

    /** Whether the message is refused for good: it has neither its records nor dead letters in their place. */
    public boolean isRefused() {
        return refused != null;
    }

    /** Whether a dead letter took the place of one of its records, so that it is not for subscribers. */
    public boolean isDeadLettered() {
        return deadLettered != null;
    }

    /** What the client is answered. One that cannot be told of dead letters is told that all is well. */
    public ReasonCode outcome() {
        if (refused != null) return refused.reason();
        return deadLettered == null ? ReasonCode.SUCCESS : client.told(deadLettered);
    }

    /** Why the outcome is an error, or what failed for now; null on success. */
    public String why() {
        if (passing != null) return passing.getMessage();
        if (refused != null) return refused.why();
        return deadLettered == null ? null : deadLettered.why();
    }

    /** What a client that awaits an answer is told of its dead letters; null if it awaits none. */
    ReasonCode told() {
        return packetId == 0 ? null : client.told(deadLettered);
    }

    /** What each part counts for. */
    int bytesOfPart() {
        return bytes / parts.length;
    }

    /**
     * Whether nothing is against offering the rest of it: neither what Kafka has not answered yet, for what goes to Kafka, nor a full spool.
     *
     * @param spool null if nothing ever goes there
     * @param congested whether there is as much in flight to Kafka as may be
     */
    boolean mayGo(ClientSpool spool, boolean congested) {
        for (int i = next; i < parts.length; i++) {
            var target = parts[i].target;
            var isHeldUp = spool == null || spool.isDirect(target.key())
                    ? congested || target.backlog().isFull()
                    : !spool.hasRoomElseWaits();
            if (isHeldUp) return false;
        }
        return true;
    }

    /** A record cannot be: a dead letter is to take its place. */
    void failed(Failure failure) {
        if (deadLettered == null) deadLettered = failure;
    }

    /** Nothing of it was taken, and it is not offered again. */
    void shed() {
        for (var part : parts) part.endSpan("not sent");
    }

    /** Fails for the records that the producer has not taken; those it has taken are still waited for. */
    void abandon() {
        passing = new DisconnectException("the client is gone");
        publish = null;
        for (int i = next; i < parts.length; i++) parts[i].endSpan("not sent");
        if (UNACKNOWLEDGED.addAndGet(this, next - parts.length) == 0) client.settle(this);
    }

    /** @param failure why it is a dead letter that was acknowledged; null for a record */
    void acknowledged(Failure failure) {
        if (failure != null) client.deadLettered(failure);
        settle();
    }

    void refused(Failure failure) {
        refused = failure;
        settle();
    }

    void failedForNow(Exception exception) {
        passing = exception;
        settle();
    }

    private void settle() {
        if (UNACKNOWLEDGED.decrementAndGet(this) == 0) client.settle(this);
    }

    /** On the client's event loop. */
    @Override
    public void run() {
        client.settled(this);
    }
}
