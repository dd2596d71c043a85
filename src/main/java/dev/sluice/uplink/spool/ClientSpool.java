package dev.sluice.uplink.spool;

import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.SpoolRow;
import dev.sluice.uplink.Part;
import dev.sluice.uplink.Uplink;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;

/**
 * One connection's records on their way to Kafka or to the spool: what the producer has comes before what the spool gets, and the order in
 * which it gets them is that of the client. Confined to the connection's event loop.
 */
public final class ClientSpool {
    private static final int TRIM = 64;

    private final Uplink uplink;
    private final Spool spool;
    private final String clientId;
    /** Chooses the lane of records without a key. */
    private final byte[] clientKey;

    private final Runnable retry;
    /** What the producer has, in order; with some that Kafka has answered meanwhile. */
    private final ArrayDeque<Sending> sent = new ArrayDeque<>();

    private int trimAt = TRIM;
    private boolean full;

    private ClientSpool(Uplink uplink, String clientId, Runnable retry) {
        this.uplink = uplink;
        this.spool = uplink.spool();
        this.clientId = clientId;
        this.clientKey = clientId.getBytes(StandardCharsets.UTF_8);
        this.retry = retry;
    }

    /** @param retry from any thread: has the connection offer again what waits */
    public static ClientSpool open(Uplink uplink, String clientId, Runnable retry) {
        var opened = new ClientSpool(uplink, clientId, retry);
        uplink.spool().add(opened);
        return opened;
    }

    public void close() {
        spool.remove(this);
    }

    void retry() {
        retry.run();
    }

    public boolean isSpooling() {
        return spool.isSpooling();
    }

    /** Hands over a record, to the producer or to the spool; false if it is to be offered again, as it is if the producer has not taken it. */
    public boolean send(ProducerRecord<byte[], byte[]> record, Part part) {
        var lane = lane(record.key());
        var taken =
                switch (lane.state()) {
                    case DIRECT -> {
                        produce(record, part);
                        yield true;
                    }
                    case SPOOLING -> insure() && spool(lane, record, part);
                    case CLOSING -> false;
                };
        if (!taken) spool.waits(this);
        return taken;
    }

    private SpoolLane lane(byte[] key) {
        return spool.lane(key == null ? clientKey : key);
    }

    /** Whether records with this key go to Kafka at once. */
    public boolean isDirect(byte[] key) {
        return lane(key).isDirect();
    }

    /** Whether a record may be made for the spool; if not, the connection is told to offer it again. */
    public boolean hasRoomElseWaits() {
        if (hasRoom()) return true;
        spool.waits(this);
        return false;
    }

    private void produce(ProducerRecord<byte[], byte[]> record, Part part) {
        var sending = new Sending(spool, part, record);
        uplink.send(record, sending);
        while (!sent.isEmpty() && sent.peek().isAnswered()) sent.remove();
        if (sending.isAnswered()) return;
        sent.add(sending);
        if (sent.size() < trimAt) return;
        sent.removeIf(Sending::isAnswered);
        trimAt = Math.max(TRIM, 2 * sent.size());
    }

    private boolean spool(SpoolLane lane, ProducerRecord<byte[], byte[]> record, Part part) {
        if (!hasRoom() || !lane.enter()) return false;
        var row = SpoolRecord.row(record, part.target.route().name(), lane.number(), clientId, null);
        var write = new JournalWrite.Spool(clientId, List.of(row), outcome -> {
            lane.leave();
            if (outcome == Outcome.COMMITTED) part.acknowledged();
            else part.onCompletion(null, new KafkaException("PostgreSQL refuses to spool the record"));
        });
        if (spool.submit(write)) return true;
        lane.leave();
        return false;
    }

    /** In an outage, clients are not to wait for what the producer has. */
    public void insureInOutage() {
        if (spool.isAway() && !insure()) spool.waits(this);
    }

    /** Has the spool insure what the producer has, before it gets anything else of this client; false if there is no room yet. */
    private boolean insure() {
        if (sent.isEmpty()) return true;
        if (!hasRoom()) return false;
        var insured = new ArrayList<Sending>(sent.size());
        var rows = new ArrayList<SpoolRow>(sent.size());
        for (var sending : sent) {
            var row = sending.insure(clientId, clientKey);
            if (row == null) continue;
            insured.add(sending);
            rows.add(row);
        }
        if (!rows.isEmpty()
                && !spool.submit(new JournalWrite.Spool(
                        clientId, rows, outcome -> insured.forEach(it -> it.insured(outcome))))) {
            insured.forEach(Sending::uninsured);
            return false;
        }
        sent.clear();
        return true;
    }

    /** Asked before rows are made: a full spool is asked again and again. */
    private boolean hasRoom() {
        var room = spool.hasRoom();
        if (!room && !full) spool.full();
        full = !room;
        return room && spool.takes(clientId);
    }
}
