package dev.sluice.store.journal;

import dev.sluice.packet.Message;
import dev.sluice.store.session.StoredSubscription;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/**
 * One durable change, most of them to one session and valid only under the epoch of its open; immutable but for the {@link Copy copies} of an
 * {@link Accept} and the {@link SpoolRow rows} of a {@link Spool}. After a {@link CloseSession} only the {@link Accept Accepts} of its epoch follow, of what the client
 * published before its DISCONNECT. Each is applied exactly once, also when the connection to PostgreSQL
 * breaks during a commit.
 */
public sealed interface JournalWrite {
    /** The epoch of a write that no session owns: a will's message, a command, Kafka records. {@link #since} may fence it. */
    long NO_FENCE = 0;
    /** Of a write that no other gateway can do in this one's place: only this one has what it says. */
    long ANY_RUN = 0;

    String clientId();

    long epoch();

    /**
     * For a write that no session owns: the run of this gateway in which it was begun, or an epoch that this run has given. Once others have
     * declared that run dead, they may have done the same, or something newer, and it is fenced. {@link #ANY_RUN} if it never is.
     */
    default long since() {
        return ANY_RUN;
    }

    /** Told the outcome on the lane's thread; must not block, since the whole lane waits for it. */
    Consumer<Outcome> done();

    /**
     * A PUBLISH that must be kept: all of it in one transaction. The client is the publisher.
     *
     * @param message null when there are no copies and nothing is retained
     * @param copies one for each persistent session that is owed it; they know their place once this is committed
     * @param retain whether it replaces the retained message of its topic, or clears it when the payload is empty [MQTT-3.3.1-5, -6]
     * @param packetId of a QoS 2 PUBLISH, held until PUBREL [MQTT-4.3.3-10]; 0 for none
     * @param note to be held with the packet identifier; null without one
     * @param stamp which of two retained messages is newer, from {@link dev.sluice.store.delivery.RetainedTopics#announce}; 0 if the
     *     journal is to announce it when it takes the write
     * @param will the row of the will that this message is, which is delivered with this; 0 for none
     * @param part which of the message's copies these are; null for all, as the journal is given it
     * @param since as {@link JournalWrite#since}; of no account if a session owns it
     */
    record Accept(
            String clientId,
            long epoch,
            Message message,
            List<Copy> copies,
            boolean retain,
            int packetId,
            String note,
            long stamp,
            long will,
            Instalments.Part part,
            long since,
            Consumer<Outcome> done)
            implements JournalWrite {
        public Accept {
            copies = List.copyOf(copies);
            if (message == null && (retain || !copies.isEmpty())) throw new IllegalArgumentException("no message");
        }

        /** A PUBLISH by the client that owns the session. */
        public static Accept kept(
                String clientId,
                long epoch,
                Message message,
                List<Copy> copies,
                boolean retain,
                Consumer<Outcome> done) {
            return new Accept(clientId, epoch, message, copies, retain, 0, null, 0, 0, null, ANY_RUN, done);
        }

        /** The same at QoS 2: its packet identifier is held until PUBREL. */
        public Accept exactlyOnce(int packetId, String note) {
            return new Accept(clientId, epoch, message, copies, retain, packetId, note, stamp, will, part, since, done);
        }

        /** The same for a message that was announced with this stamp. */
        public Accept stamped(long stamp) {
            return new Accept(clientId, epoch, message, copies, retain, packetId, note, stamp, will, part, since, done);
        }

        /** The same in the name of a run of this gateway, if no session owns it. */
        public Accept since(long run) {
            return new Accept(clientId, epoch, message, copies, retain, packetId, note, stamp, will, part, run, done);
        }

        /** Some of its copies: all else that it is to do comes with the last of them. */
        Accept part(List<Copy> some, Instalments.Part part, Consumer<Outcome> told) {
            return part.isLast()
                    ? new Accept(clientId, epoch, message, some, retain, packetId, note, stamp, will, part, since, told)
                    : new Accept(clientId, epoch, message, some, false, 0, null, 0, 0, part, since, told);
        }

        /** A message that no session owns: losing the session does not fence it, nor does the end of this run unless it is {@link #since}. */
        public static Accept unfenced(
                String clientId, Message message, List<Copy> copies, boolean retain, Consumer<Outcome> done) {
            return new Accept(clientId, NO_FENCE, message, copies, retain, 0, null, 0, 0, null, ANY_RUN, done);
        }

        /** The message of a will, which counts as delivered from then on; retained if it asks for that. */
        public static Accept ofWill(
                String clientId, long will, Message message, List<Copy> copies, Consumer<Outcome> done) {
            return new Accept(
                    clientId, NO_FENCE, message, copies, message.retain(), 0, null, 0, will, null, ANY_RUN, done);
        }
    }

    /**
     * Adds the subscriptions, or replaces those with the same filters [MQTT-3.8.4-3].
     *
     * @param retained for each, up to which stamp it is owed retained messages; {@link #NO_RETAINED} or {@link #RETAINED_AS_BEFORE}
     */
    record Subscribe(
            String clientId,
            long epoch,
            List<StoredSubscription> subscriptions,
            List<Long> retained,
            Consumer<Outcome> done)
            implements JournalWrite {
        /** It is owed no retained messages. */
        public static final long NO_RETAINED = 0;
        /** It is owed those that it has not been given yet of an earlier SUBSCRIBE. */
        public static final long RETAINED_AS_BEFORE = -1;

        public Subscribe {
            retained = List.copyOf(retained);
            if (retained.size() != subscriptions.size()) throw new IllegalArgumentException("one for each");
        }

        /** Subscriptions that are owed no retained messages. */
        public Subscribe(String clientId, long epoch, List<StoredSubscription> subscriptions, Consumer<Outcome> done) {
            this(clientId, epoch, subscriptions, Collections.nCopies(subscriptions.size(), NO_RETAINED), done);
        }
    }

    /** Ends the subscriptions with these filters. Committed, too, when there are none. */
    record Unsubscribe(String clientId, long epoch, List<String> filters, Consumer<Outcome> done)
            implements JournalWrite {}

    /**
     * The message at this place of the client's queue is done with. Committed, too, when there is none.
     *
     * @param sentSeq the highest place that may have been sent to the client so far
     */
    record Acknowledge(String clientId, long epoch, long seq, long sentSeq, Consumer<Outcome> done)
            implements JournalWrite {}

    /** The message at this place is sent under this packet identifier, not that of its place. Committed, too, when there is none. */
    record AssignPacketId(String clientId, long epoch, long seq, int packetId, Consumer<Outcome> done)
            implements JournalWrite {}

    /** PUBREC: the client has the QoS 2 message at this place, and is sent PUBREL from now on. Committed, too, when there is none. */
    record MarkReceived(String clientId, long epoch, long seq, Consumer<Outcome> done) implements JournalWrite {}

    /** PUBREL: the packet identifier may be used anew. Committed, too, when it was not held. */
    record ForgetReceived(String clientId, long epoch, int packetId, Consumer<Outcome> done) implements JournalWrite {}

    /**
     * The connection ended: with an expiry of 0 the session ends with it, else it expires that many seconds from now.
     *
     * @param sentSeq the highest place of the client's queue that may have been sent to it
     * @param publishWill whether the will falls due, after its delay or with the session's end; else it is deleted [MQTT-3.1.2-8, -10]
     */
    record CloseSession(
            String clientId,
            long epoch,
            long expirySeconds,
            int disconnectReason,
            long sentSeq,
            boolean publishWill,
            Consumer<Outcome> done)
            implements JournalWrite {}

    /**
     * Kafka records that the spool is to take, in their order. No session owns them, and a take-over of the publisher does not fence them.
     */
    record Spool(String clientId, long since, List<SpoolRow> rows, Consumer<Outcome> done) implements JournalWrite {
        public Spool {
            rows = List.copyOf(rows);
        }

        @Override
        public long epoch() {
            return NO_FENCE;
        }
    }

    enum Outcome {
        COMMITTED,
        /**
         * The session has a later epoch: whoever wrote this has lost it to another connection. Or, of a write that no session owns: others
         * have declared this gateway dead since it was begun.
         */
        FENCED,
        /** There is no such session any more: an operator has deleted it, or it has expired. */
        GONE,
        /** PostgreSQL refuses this write itself (a constraint, a value out of range); it was not applied and never will be. */
        REFUSED
    }
}
