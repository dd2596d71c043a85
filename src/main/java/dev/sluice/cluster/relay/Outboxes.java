package dev.sluice.cluster.relay;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import dev.sluice.uplink.producer.Handover;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.Callback;

/** Owns the outboxes of this gateway: one for the board, and one for each gateway that it has something for. Any thread may use it. */
final class Outboxes {
    /** Bits for the numbers of one outbox. */
    private static final int NUMBERS = 40;

    private final Gateways gateways;
    private final Kafka kafka;
    private final RelayMeters meters;
    private final long bytesInFlight;
    private final Gateway self;
    private final Outbox board;
    private final AtomicLong made = new AtomicLong();
    private final Map<Gateway, Outbox> mailboxes = new ConcurrentHashMap<>();

    /** Takes records for partitions of the relay topic; never blocks. */
    @FunctionalInterface
    interface Kafka {
        Handover hand(int partition, byte[] record, Callback later);
    }

    Outboxes(Gateway self, Gateways gateways, Kafka kafka, RelayMeters meters, long bytesInFlight) {
        this.gateways = gateways;
        this.kafka = kafka;
        this.meters = meters;
        this.bytesInFlight = bytesInFlight;
        this.self = self;
        this.board = outbox(Envelope.ALL, 0);
    }

    /** One that is made again for the same gateway, which was not dead after all, must not use a number twice. */
    private Outbox outbox(long addressee, int partition) {
        var last = made.getAndIncrement() << NUMBERS;
        return new Outbox(self, addressee, last, (record, later) -> kafka.hand(partition, record, later), meters);
    }

    /** Whether there is no room for so many more bytes. What relays say to each other always has room. */
    private boolean isFull(int bytes) {
        return meters.bytesInFlight().get() + bytes > bytesInFlight;
    }

    /**
     * Puts a letter on the board, or leaves a number out if there is no room.
     *
     * @param then told whether Kafka has it, if there was room
     * @return its number
     */
    long announce(byte[] letter, Consumer<Boolean> then) {
        if (!isFull(letter.length)) return board.add(letter, then);
        meters.refused();
        return board.skip();
    }

    /** Puts a letter of relays on the board. Returns its number. */
    long post(Letter letter) {
        return board.add(RelayCodec.letter(letter), _ -> {});
    }

    /** @param then told whether Kafka has it; false if there is no room, true if the gateway is gone */
    void send(Gateway to, byte[] letter, Consumer<Boolean> then) {
        if (isFull(letter.length)) {
            meters.refused();
            then.accept(false);
            return;
        }
        add(to, letter, then);
    }

    /** Puts a letter of relays into a mailbox. */
    void send(Gateway to, Letter letter) {
        send(to, letter, _ -> {});
    }

    /** @param then told whether Kafka has it; true if the gateway is gone */
    void send(Gateway to, Letter letter, Consumer<Boolean> then) {
        add(to, RelayCodec.letter(letter), then);
    }

    private void add(Gateway to, byte[] letter, Consumer<Boolean> then) {
        var mailbox = mailboxes.get(to);
        if (mailbox == null && to.equals(gateways.find(to.id())))
            mailbox = mailboxes.computeIfAbsent(to, it -> outbox(it.run(), it.mailbox()));
        if (mailbox == null) then.accept(true);
        else mailbox.add(letter, then);
    }

    /** Whether Kafka has all that is on the board. */
    boolean isBoardWritten() {
        return board.isEmpty();
    }

    /** Hands over what waits: again and again, as nobody says when the producer has room. */
    void pump() {
        board.pump();
        mailboxes.values().forEach(Outbox::pump);
    }

    /** At the end of this run: nobody reads what it has not sent yet. */
    void close() {
        board.close();
        mailboxes.values().forEach(Outbox::close);
        mailboxes.clear();
    }

    /** Forgets those of gateways that are gone. On one thread. */
    void sweep() {
        mailboxes.entrySet().removeIf(mailbox -> {
            if (mailbox.getKey().equals(gateways.find(mailbox.getKey().id()))) return false;
            mailbox.getValue().close();
            return true;
        });
    }
}
