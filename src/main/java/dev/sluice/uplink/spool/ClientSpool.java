package dev.sluice.uplink.spool;

import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.SpoolRow;
import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.record.PartitionChoice;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;

/**
 * One connection's records on their way to Kafka or to the spool: those that the producer has come before those that the spool gets, and the
 * spool gets them in the client's order. Confined to the connection's event loop.
 */
public final class ClientSpool {
    private static final int TRIM = 64;

    private final Spool spool;
    private final UplinkProducer producer;
    private final String clientId;
    /** Chooses the stripe of records without a key. */
    private final byte[] clientKey;

    /** The run of this gateway in which the connection began. */
    private final long run;

    private final Runnable retry;
    private final ClientGate gate = new ClientGate();
    /** The records that the producer has, in order, with some that Kafka has answered meanwhile. */
    private final ArrayDeque<InsuredRecord> sent = new ArrayDeque<>();

    private int trimAt = TRIM;
    private boolean full;

    private ClientSpool(Spool spool, UplinkProducer producer, String clientId, Runnable retry) {
        this.spool = spool;
        this.producer = producer;
        this.clientId = clientId;
        this.clientKey = clientId.getBytes(StandardCharsets.UTF_8);
        this.run = spool.writesAs();
        this.retry = retry;
    }

    /** @param retry from any thread: has the connection offer again the records that wait */
    public static ClientSpool open(Spool spool, UplinkProducer producer, String clientId, Runnable retry) {
        var opened = new ClientSpool(spool, producer, clientId, retry);
        spool.add(opened);
        return opened;
    }

    public void close() {
        spool.remove(this);
    }

    void retry() {
        retry.run();
    }

    String clientId() {
        return clientId;
    }

    ClientGate gate() {
        return gate;
    }

    public boolean isSpooling() {
        return spool.isSpooling() || gate.state() != SpoolStripe.State.DIRECT;
    }

    /**
     * Hands over a record, to the producer or to the spool.
     *
     * @param route the name of the route that made it
     * @param choice how its partition is chosen when it is drained, since nobody knows yet how many there are; else null
     * @param later called once, when Kafka or the spool has the record, or with the reason why not; on Kafka's network thread or the journal's
     */
    public Handover hand(ProducerRecord<byte[], byte[]> record, String route, PartitionChoice choice, Callback later) {
        var stripe = stripe(record.key());
        if (stripe.state(record.topic()) == SpoolStripe.State.DIRECT
                && spool.topicsAway().contains(record.topic())) stripe.spool(record.topic());
        return switch (stripe.state(record.topic())) { // first the stripe: who opens it has closed the gate before
            case DIRECT ->
                switch (gate.state()) {
                    case DIRECT -> choice == null ? produce(record, route, later) : Handover.NOT_NOW;
                    case SPOOLING ->
                        isAnswered() && spool(stripe, gate::enter, record, route, choice, later)
                                ? Handover.TAKEN
                                : notNow();
                    case CLOSING -> notNow();
                };
            case SPOOLING ->
                spoolInFlight() && spool(stripe, () -> stripe.enter(record.topic()), record, route, choice, later)
                        ? Handover.TAKEN
                        : notNow();
            case CLOSING -> notNow();
        };
    }

    /** Whether the producer has nothing of this connection's any more, which a record in the spool could pass. */
    private boolean isAnswered() {
        sent.removeIf(InsuredRecord::isAnswered);
        return sent.isEmpty();
    }

    private Handover notNow() {
        spool.awaitRoom(this);
        return Handover.NOT_NOW;
    }

    private SpoolStripe stripe(byte[] key) {
        return spool.stripe(key == null ? clientKey : key);
    }

    /** Whether records with this key go to this Kafka topic at once. */
    public boolean isDirect(byte[] key, String kafkaTopic) {
        return stripe(key).state(kafkaTopic) == SpoolStripe.State.DIRECT
                && gate.state() == SpoolStripe.State.DIRECT
                && !spool.topicsAway().contains(kafkaTopic);
    }

    /** Returns whether a record may be made for the spool; if not, the connection will be asked to offer it again. */
    public boolean hasRoomElseWaits() {
        if (checkRoom()) return true;
        spool.awaitRoom(this);
        return false;
    }

    private Handover produce(ProducerRecord<byte[], byte[]> record, String route, Callback later) {
        var insurable = new InsuredRecord(spool, route, record, later);
        var answer = producer.hand(record, insurable);
        while (!sent.isEmpty() && sent.peek().isAnswered()) sent.remove();
        if (answer != Handover.TAKEN || insurable.isAnswered()) return answer;
        sent.add(insurable);
        if (sent.size() >= trimAt) {
            sent.removeIf(InsuredRecord::isAnswered);
            trimAt = Math.max(TRIM, 2 * sent.size());
        }
        return answer;
    }

    private boolean spool(
            SpoolStripe stripe,
            Supplier<AtomicInteger> enter,
            ProducerRecord<byte[], byte[]> record,
            String route,
            PartitionChoice choice,
            Callback later) {
        if (!checkRoom()) return false;
        var entered = enter.get();
        if (entered == null) return false;
        var row = SpoolRecord.row(record, route, stripe.number(), clientId, null, choice);
        var write = new JournalWrite.Spool(clientId, run, List.of(row), outcome -> {
            entered.decrementAndGet();
            later.onCompletion(
                    null,
                    outcome == Outcome.COMMITTED ? null : new KafkaException("PostgreSQL refuses to spool the record"));
        });
        if (spool.submit(write)) return true;
        entered.decrementAndGet();
        return false;
    }

    /** In an outage, clients must not wait for the records that the producer has. */
    public void spoolInOutage() {
        if ((spool.isAway() || holdsForTopicsAway()) && !spoolInFlight()) spool.awaitRoom(this);
    }

    private boolean holdsForTopicsAway() {
        var away = spool.topicsAway();
        return !away.isEmpty() && sent.stream().anyMatch(record -> record.isFor(away));
    }

    /**
     * Spools the records that the producer has, before any other record of this client; false if there is no room yet. Those that others
     * go to Kafka behind stay as they are.
     */
    private boolean spoolInFlight() {
        if (sent.isEmpty()) return true;
        if (!checkRoom()) return false;
        var insured = new ArrayList<InsuredRecord>(sent.size());
        var rows = new ArrayList<SpoolRow>(sent.size());
        var direct = new ArrayList<InsuredRecord>();
        for (var record : sent) {
            var row = record.spool(clientId, clientKey);
            if (row == null) {
                if (!record.isAnswered()) direct.add(record);
                continue;
            }
            insured.add(record);
            rows.add(row);
        }
        if (!rows.isEmpty()
                && !spool.submit(new JournalWrite.Spool(
                        clientId, run, rows, outcome -> insured.forEach(it -> it.spooled(outcome))))) {
            insured.forEach(InsuredRecord::notSpooled);
            return false;
        }
        sent.clear();
        sent.addAll(direct);
        return true;
    }

    /** Asks for room before rows are made, as a full spool is asked again and again, and counts when it becomes full. */
    private boolean checkRoom() {
        var room = spool.hasRoom();
        if (!room && !full) spool.countFull();
        full = !room;
        return room && spool.journalHasRoom(clientId);
    }
}
