package dev.sluice.cluster.relay;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.cluster.Gateway;
import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.Refusal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.Callback;
import org.jboss.logging.Logger;

/**
 * Owns what this gateway has to tell one addressee: numbers it, and keeps it until Kafka has it. What a producer has lost is handed to the
 * next one, in order and with its number, so that the addressee can tell a repeat. Any thread may use it.
 */
final class Outbox {
    /** A letter that is longer takes several records: Kafka and its producer bound what one may weigh, 1 MiB by default. */
    private static final int PIECE = 256 * 1024;
    /** Bytes that the producer may have: its room is the uplink's, too. */
    private static final int WINDOW = 2 * 1024 * 1024;

    private static final ThrottledLog COMPLAINTS = new ThrottledLog(Logger.getLogger(Outbox.class));

    /** Takes records for one partition; never blocks. */
    @FunctionalInterface
    interface Kafka {
        Handover hand(byte[] record, Callback later);
    }

    private final Gateway self;
    private final long addressee;
    private final Kafka kafka;
    private final RelayMeters meters;
    private final Object lock = new Object();
    /** By their numbers; guarded by the lock, as everything below. */
    private final TreeMap<Long, Post> waiting = new TreeMap<>();

    private final TreeMap<Long, Post> underWay = new TreeMap<>();
    private long last;
    private int bytesUnderWay;
    private boolean closed;

    /** One record. */
    private record Post(long number, byte[] record, Delivery delivery) {}

    /** One letter: it is there when all its records are. Guarded by the lock. */
    private static final class Delivery {
        private final Consumer<Boolean> then;
        private int open;
        private boolean refused;

        private Delivery(Consumer<Boolean> then, int records) {
            this.then = then;
            this.open = records;
        }
    }

    /**
     * @param addressee run of the gateway that it is for, or {@link Envelope#ALL}
     * @param last the number in front of the first one
     */
    Outbox(Gateway self, long addressee, long last, Kafka kafka, RelayMeters meters) {
        this.self = self;
        this.addressee = addressee;
        this.last = last;
        this.kafka = kafka;
        this.meters = meters;
    }

    /**
     * Puts a letter behind those that are here.
     *
     * @param then told once whether Kafka has it; true if the outbox is closed
     * @return its number: that of its last record; 0 if the outbox is closed
     */
    long add(byte[] letter, Consumer<Boolean> then) {
        long number;
        synchronized (lock) {
            number = closed ? 0 : addOpen(letter, then);
        }
        if (number == 0) then.accept(true);
        else pump();
        return number;
    }

    private long addOpen(byte[] letter, Consumer<Boolean> then) {
        var records = Math.max(1, (letter.length + PIECE - 1) / PIECE);
        var delivery = new Delivery(then, records);
        for (int i = 0; i < records; i++) {
            var content = records == 1
                    ? letter
                    : Arrays.copyOfRange(letter, i * PIECE, Math.min(letter.length, (i + 1) * PIECE));
            var envelope = new Envelope(self.id(), self.run(), ++last, addressee, i > 0, i < records - 1, content);
            var post = new Post(last, RelayCodec.record(envelope), delivery);
            waiting.put(last, post);
            meters.bytesInFlight().addAndGet(post.record.length);
        }
        return last;
    }

    /** Leaves a number out, by which the addressees find that something is missing. */
    long skip() {
        synchronized (lock) {
            return ++last;
        }
    }

    boolean isEmpty() {
        synchronized (lock) {
            return waiting.isEmpty() && underWay.isEmpty();
        }
    }

    /** Hands over what waits and may go. */
    void pump() {
        var refusals = new ArrayList<Delivery>(0);
        synchronized (lock) {
            while (mayHand() && hand(waiting.pollFirstEntry().getValue(), refusals)) {}
        }
        tell(refusals);
    }

    /** False if nothing more can be handed over now. */
    private boolean hand(Post post, List<Delivery> refusals) {
        underWay.put(post.number, post);
        bytesUnderWay += post.record.length;
        var answer = kafka.hand(post.record, (_, failure) -> completed(post, failure));
        if (answer instanceof Handover.Taken || !end(post)) return true;
        if (answer instanceof Handover.Refused refused) {
            refuse(post, refused.refusal(), refusals);
            return true;
        }
        waiting.put(post.number, post);
        return false;
    }

    /** Nothing is handed over in front of what the producer has and may yet fail: it would come behind it. */
    private boolean mayHand() {
        return !waiting.isEmpty()
                && bytesUnderWay < WINDOW
                && (underWay.isEmpty() || underWay.lastKey() < waiting.firstKey());
    }

    private boolean end(Post post) {
        if (underWay.remove(post.number) == null) return false;
        bytesUnderWay -= post.record.length;
        return true;
    }

    /** On Kafka's thread, or on one that closes a producer. */
    private void completed(Post post, Exception failure) {
        var refusal = Refusal.of(failure);
        var ended = new ArrayList<Delivery>(1);
        synchronized (lock) {
            if (!end(post)) return; // closed
            if (refusal != null) refuse(post, refusal, ended);
            else if (failure != null)
                waiting.put(post.number, post); // the producer is replaced: the clock hands it over
            else {
                meters.sent(post.record.length);
                done(post, ended);
            }
        }
        tell(ended);
        if (failure == null) pump();
    }

    private void refuse(Post post, Refusal refusal, List<Delivery> ended) {
        COMPLAINTS.warn("Kafka does not take a record for other gateways: " + refusal.why());
        meters.refused();
        post.delivery.refused = true;
        done(post, ended);
    }

    private void done(Post post, List<Delivery> ended) {
        meters.bytesInFlight().addAndGet(-post.record.length);
        if (--post.delivery.open == 0) ended.add(post.delivery);
    }

    private static void tell(List<Delivery> ended) {
        for (var delivery : ended) delivery.then.accept(!delivery.refused);
    }

    /** Nobody reads it any more: whoever waits is told that all is well. */
    void close() {
        var ended = new ArrayList<Delivery>();
        synchronized (lock) {
            closed = true;
            for (var post : waiting.values()) done(post, ended);
            for (var post : underWay.values()) done(post, ended);
            waiting.clear();
            underWay.clear();
        }
        tell(ended);
    }
}
