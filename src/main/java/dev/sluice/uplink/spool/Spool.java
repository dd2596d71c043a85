package dev.sluice.uplink.spool;

import dev.sluice.clock.BackOff;
import dev.sluice.config.UplinkConfig;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.SpoolRow;
import dev.sluice.store.spool.SpoolStore;
import dev.sluice.store.spool.SpoolStore.Look;
import dev.sluice.store.spool.SpoolStore.Place;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
import org.jboss.logging.Logger;

/** What all connections share of the spool: its lanes, its bounds, and whether there is an outage. Any thread may use it. */
@ApplicationScoped
public class Spool {
    private static final Logger LOG = Logger.getLogger(Spool.class);

    private static final Duration POKE_PAUSE = Duration.ofMillis(20);
    private static final Duration LONGEST_POKE_PAUSE = Duration.ofMillis(160);

    private final UplinkConfig config;
    private final Journal journal;
    private final SpoolStore store;
    private final List<SpoolLane> lanes =
            IntStream.range(0, SpoolStore.LANES).mapToObj(SpoolLane::new).toList();

    private final Set<ClientSpool> clients = ConcurrentHashMap.newKeySet();
    private final Set<ClientSpool> waiting = ConcurrentHashMap.newKeySet();
    private final Queue<Place> released = new ConcurrentLinkedQueue<>();
    private final Queue<Place> freed = new ConcurrentLinkedQueue<>();

    private long pokeAt = System.nanoTime();
    private final BackOff pokes = new BackOff(POKE_PAUSE, LONGEST_POKE_PAUSE);
    private long addedAtPoke;

    private volatile boolean on;
    private volatile boolean away;
    private volatile long heardAt = System.nanoTime();

    /** Rows and bytes submitted since the start. */
    private final LongAdder addedRows = new LongAdder();

    private final LongAdder addedBytes = new LongAdder();
    /** What was there at the last look, less what was added until it began. */
    private volatile long otherRows;

    private volatile long otherBytes;
    private volatile Look look = new Look(0, 0, List.of());

    private final Counter spooled;
    private final Counter fulls;

    public Spool(UplinkConfig config, Journal journal, SpoolStore store, MeterRegistry meters) {
        this.config = config;
        this.journal = journal;
        this.store = store;
        spooled = Counter.builder("sluice.spool.spooled")
                .description("Records written to the spool")
                .register(meters);
        fulls = Counter.builder("sluice.spool.full")
                .description("Times that a client began to wait because the spool was full")
                .register(meters);
    }

    private void gauge(MeterRegistry meters) {
        Gauge.builder("sluice.spool.rows", this, it -> it.look.rows())
                .description("Records in the spool, those of all gateways")
                .register(meters);
        Gauge.builder("sluice.spool.bytes", this, it -> it.look.bytes())
                .description("Their bytes")
                .register(meters);
        Gauge.builder("sluice.spool.oldest", this, Spool::oldestSeconds)
                .description("Age of the record that waits longest in the spool")
                .baseUnit("seconds")
                .register(meters);
    }

    /** Before the first connection: the records of keys that have some in the spool go there, too. */
    void start(@Observes @Priority(2550) StartupEvent event, MeterRegistry meters) {
        gauge(meters);
        var begun = store.start();
        looked(begun, 0, 0);
        on = isConfigured() || !isEmpty();
        begun.lanes().stream().filter(lane -> !lane.isEmpty()).forEach(lane -> lanes.get(lane.number())
                .spool());
        if (!isEmpty()) LOG.infof("%d records wait in the spool", begun.rows());
    }

    /** Whether records may ever go to the spool, or some are left there. */
    public boolean isOn() {
        return on;
    }

    /** Whether an outage sends records to the spool. */
    public boolean isConfigured() {
        return config.outage() == UplinkConfig.Outage.SPOOL;
    }

    /** Whether there is an outage, so that clients get their answers from the spool. */
    public boolean isAway() {
        return away;
    }

    /** Whether some records go to the spool, in an outage or after one. */
    public boolean isSpooling() {
        for (int i = 0; i < lanes.size(); i++) if (!lanes.get(i).isDirect()) return true;
        return false;
    }

    public List<SpoolLane> lanes() {
        return lanes;
    }

    public SpoolLane lane(byte[] key) {
        return lanes.get(SpoolRecord.lane(key));
    }

    public Long run() {
        return store.run();
    }

    void add(ClientSpool client) {
        clients.add(client);
    }

    void remove(ClientSpool client) {
        clients.remove(client);
        waiting.remove(client);
    }

    /** What the client has is to be offered again. */
    public void waits(ClientSpool client) {
        waiting.add(client);
    }

    /** Has those that wait try again, if it is time, and seldom while they do so in vain. On the thread that watches, again and again. */
    public void turn(long now) {
        if (now - pokeAt < 0) return;
        var added = addedRows.sum();
        var inVain = !waiting.isEmpty() && added == addedAtPoke;
        pokes.tried(!inVain);
        pokeAt = now + pokes.pause().toNanos();
        addedAtPoke = added;
        poke();
    }

    /** Has those that wait try again now. */
    public void poke() {
        for (var client : waiting.toArray(ClientSpool[]::new)) if (waiting.remove(client)) client.retry();
    }

    /** Kafka has answered something. */
    public void heard() {
        heardAt = System.nanoTime();
    }

    public long heardAt() {
        return heardAt;
    }

    /** From now on records go to the spool, and what the producer has is insured there. */
    public void begin() {
        away = true;
        lanes.forEach(SpoolLane::beginOutage);
        clients.forEach(ClientSpool::retry);
    }

    public void end() {
        away = false;
        lanes.forEach(SpoolLane::endOutage);
    }

    /** Whether the journal would take records of this client now, as far as is known. */
    public boolean takes(String clientId) {
        return journal.hasRoom(clientId);
    }

    public boolean submit(JournalWrite.Spool write) {
        if (!journal.submit(write)) return false;
        long bytes = 0;
        for (var row : write.rows()) bytes += row.bytes();
        addedRows.add(write.rows().size());
        addedBytes.add(bytes);
        spooled.increment(write.rows().size());
        return true;
    }

    /** Kafka has a record that a row insured. */
    void release(SpoolRow row) {
        released.add(new Place(row.lane(), row.seq()));
    }

    /** The producer does not bring a record to Kafka whose client has its answer. */
    void free(SpoolRow row) {
        freed.add(new Place(row.lane(), row.seq()));
    }

    public Queue<Place> released() {
        return released;
    }

    public Queue<Place> freed() {
        return freed;
    }

    /** Whether it is below its bounds, by what was there at the last look and what this gateway has added since. */
    public boolean hasRoom() {
        return otherRows + addedRows.sum() < config.spoolRows() && otherBytes + addedBytes.sum() < config.spoolBytes();
    }

    void full() {
        fulls.increment();
    }

    public long addedRows() {
        return addedRows.sum();
    }

    public long addedBytes() {
        return addedBytes.sum();
    }

    /** @param rows those added when the look began; what was added since may be counted twice until the next one, never missed */
    public void looked(Look seen, long rows, long bytes) {
        look = seen;
        otherRows = seen.rows() - rows;
        otherBytes = seen.bytes() - bytes;
    }

    /** Whether nothing waited in it at the last look. */
    public boolean isEmpty() {
        return look.lanes().stream().allMatch(SpoolStore.Lane::isEmpty);
    }

    /** Records in the spool at the last look, with those that Kafka does not take. */
    public long rows() {
        return look.rows();
    }

    private double oldestSeconds() {
        return look.lanes().stream().mapToDouble(SpoolStore.Lane::ageSeconds).reduce(0, Math::max);
    }
}
