package dev.sluice.uplink.spool;

import dev.sluice.clock.BackOff;
import dev.sluice.config.StartOrder;
import dev.sluice.config.UplinkConfig;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.SpoolRow;
import dev.sluice.store.spool.SpoolStore;
import dev.sluice.store.spool.SpoolStore.Place;
import dev.sluice.store.spool.SpoolStore.SpoolState;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
import org.jboss.logging.Logger;

/**
 * Owns the part of the spool that all connections share: its stripes, its bounds, and whether there is an outage. The spool is a table of
 * PostgreSQL in which records wait while Kafka is away. Any thread may use it.
 */
@Singleton
public class Spool {
    private static final Logger LOG = Logger.getLogger(Spool.class);

    private static final Duration FIRST_PAUSE = Duration.ofMillis(20);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(160);
    /** Clients that PostgreSQL is asked for at once. */
    private static final int ASKED = 500;

    private final UplinkConfig config;
    private final Journal journal;
    private final SpoolStore store;
    private final List<SpoolStripe> stripes =
            IntStream.range(0, SpoolStore.STRIPES).mapToObj(SpoolStripe::new).toList();

    private final Set<ClientSpool> clients = ConcurrentHashMap.newKeySet();
    private final Set<ClientSpool> waiting = ConcurrentHashMap.newKeySet();
    /** Those whose records do not simply go to Kafka, as they may have others in the spool. */
    private final Set<ClientSpool> gated = ConcurrentHashMap.newKeySet();

    private final Queue<Place> toDelete = new ConcurrentLinkedQueue<>();
    private final Queue<Place> toUnlease = new ConcurrentLinkedQueue<>();

    /** Counts what goes to {@link #toUnlease}. */
    private final LongAdder givenUp = new LongAdder();

    private long retryAt = System.nanoTime();
    private final BackOff retries = new BackOff(FIRST_PAUSE, LONGEST_PAUSE);
    private long addedAtRetry;

    private volatile boolean on;
    private volatile boolean away;
    private volatile Set<String> topicsAway = Set.of();
    private volatile long kafkaAnsweredAt = System.nanoTime();

    /** Rows and bytes submitted since the start. */
    private final LongAdder addedRows = new LongAdder();

    private final LongAdder addedBytes = new LongAdder();
    /** Of these, those that were submitted before the last look. */
    private volatile long seenRows;
    /** Rows that were there at the last look, except those that this gateway had added. */
    private volatile long rowsOfOthers;

    private volatile long bytesOfOthers;
    private volatile SpoolState state = new SpoolState(0, 0, List.of());

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
        Gauge.builder("sluice.spool.rows", this, it -> it.state.rows())
                .description("Records in the spool, those of all gateways")
                .register(meters);
        Gauge.builder("sluice.spool.bytes", this, it -> it.state.bytes())
                .description("Their bytes")
                .register(meters);
        Gauge.builder("sluice.spool.oldest", this, Spool::oldestSeconds)
                .description("Age of the record that waits longest in the spool")
                .baseUnit("seconds")
                .register(meters);
    }

    /** Before the first connection: the records of keys that have some in the spool go there, too. */
    public void start(@Observes @Priority(StartOrder.ROUTES_AND_SPOOL) StartupEvent event, MeterRegistry meters) {
        gauge(meters);
        var begun = store.start();
        noteState(begun, 0, 0);
        on = isConfigured();
        begun.stripes().stream().filter(stripe -> !stripe.isEmpty()).forEach(stripe -> spool(stripe.number()));
        if (!isEmpty()) LOG.infof("%d records wait in the spool", begun.rows());
    }

    /** Whether records may go to the spool: with an outage, or behind those that some gateway has left there since this one started. */
    public boolean isOn() {
        return on;
    }

    /** Whether a record with this key, null for none, goes to the spool now. */
    public boolean takes(byte[] key, String clientId, String kafkaTopic) {
        return isOn() && stripe(key, clientId).state(kafkaTopic) != SpoolStripe.State.DIRECT;
    }

    /** From now on the records of a stripe go to the spool, behind those that are there. */
    public void spool(int stripe) {
        on = true;
        stripes.get(stripe).spool();
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
        for (int i = 0; i < stripes.size(); i++) if (!stripes.get(i).isDirect()) return true;
        return false;
    }

    public List<SpoolStripe> stripes() {
        return stripes;
    }

    public SpoolStripe stripe(byte[] key) {
        return stripes.get(SpoolRecord.stripe(key));
    }

    private SpoolStripe stripe(byte[] key, String clientId) {
        return stripe(key == null ? clientId.getBytes(StandardCharsets.UTF_8) : key);
    }

    public Long run() {
        return store.run();
    }

    void add(ClientSpool client) {
        clients.add(client);
        // In an outage of this gateway's own, no stripe opens before it has run empty.
        if (mayHaveRows() && !away) ask(client);
    }

    /** Whether a client that comes may have records in the spool, as far as is known. */
    public boolean mayHaveRows() {
        return addedRows.sum() > seenRows || state.stripes().stream().anyMatch(stripe -> stripe.freeAgeSeconds() >= 0);
    }

    /** Of each client, whether it has records in the spool is asked before its next record goes anywhere. */
    void askForClients() {
        clients.forEach(this::ask);
    }

    private void ask(ClientSpool client) {
        client.gate().ask();
        gated.add(client);
    }

    /** Whether clients wait for {@link #tellClients}. */
    public boolean hasGatedClients() {
        return !gated.isEmpty();
    }

    /**
     * Finds out who has records in the spool, and who has none any more. Called again and again by the thread that watches.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public void tellClients(long now) {
        if (gated.isEmpty()) return;
        var asked = new HashMap<String, List<ClientSpool>>();
        for (var client : gated) {
            if (client.gate().isToBeAsked(now))
                asked.computeIfAbsent(client.clientId(), _ -> new ArrayList<>(1))
                        .add(client);
            if (asked.size() == ASKED) break;
        }
        if (asked.isEmpty()) return;
        var waiting = store.waiting(asked.keySet());
        asked.forEach((clientId, clients) -> clients.forEach(client -> {
            var isStuck = waiting.get(clientId);
            client.gate().answer(isStuck != null, Boolean.TRUE.equals(isStuck), now);
            if (client.gate().state() == SpoolStripe.State.DIRECT) gated.remove(client);
            client.retry();
        }));
    }

    void remove(ClientSpool client) {
        clients.remove(client);
        waiting.remove(client);
        gated.remove(client);
    }

    /** Has the client offer its records again, once there may be room. */
    public void awaitRoom(ClientSpool client) {
        waiting.add(client);
    }

    /** Has those that wait try again, if it is time, and less often while they do so in vain. Called again and again by the thread that watches. */
    public void retryWaiting(long now) {
        if (now - retryAt < 0) return;
        var added = addedRows.sum();
        var inVain = !waiting.isEmpty() && added == addedAtRetry;
        retries.tried(!inVain);
        retryAt = now + retries.pause().toNanos();
        addedAtRetry = added;
        retryWaiting();
    }

    /** Has those that wait try again now. */
    public void retryWaiting() {
        for (var client : waiting.toArray(ClientSpool[]::new)) if (waiting.remove(client)) client.retry();
    }

    /** Kafka has answered something. */
    public void kafkaAnswered() {
        kafkaAnsweredAt = System.nanoTime();
    }

    public long kafkaAnsweredAt() {
        return kafkaAnsweredAt;
    }

    /** From now on records go to the spool, and so do those that the producer has. */
    public void beginOutage() {
        away = true;
        stripes.forEach(SpoolStripe::beginOutage);
        clients.forEach(ClientSpool::retry);
    }

    /** The Kafka topics that acknowledge nothing, while others may. */
    public Set<String> topicsAway() {
        return topicsAway;
    }

    /** From now on the records of these Kafka topics, and of no others, have an outage: those that the producer has are spooled, too. */
    public void setTopicsAway(Set<String> away) {
        var begins = !topicsAway.containsAll(away);
        topicsAway = away;
        if (!begins) return;
        stripes.forEach(stripe -> away.forEach(stripe::spool));
        clients.forEach(ClientSpool::retry);
    }

    public void endOutage() {
        away = false;
        stripes.forEach(SpoolStripe::endOutage);
    }

    /** Whether the journal would take records of this client now, as far as is known. */
    public boolean journalHasRoom(String clientId) {
        return journal.hasRoom(clientId);
    }

    /** The run of this gateway in whose name records are written now. */
    public long writesAs() {
        return journal.run();
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

    /** Kafka has a record that was spooled in flight: its row can go. */
    void deleteLater(SpoolRow row) {
        toDelete.add(new Place(row.lane(), row.seq()));
    }

    /** The producer has failed to bring a record to Kafka whose client has its answer: any gateway may drain its row. */
    void unleaseLater(SpoolRow row) {
        // Before another producer is there, through which others would pass it.
        stripes.get(row.lane()).spool(row.kafkaTopic());
        toUnlease.add(new Place(row.lane(), row.seq()));
        givenUp.increment();
    }

    /** How many records were given up so far. */
    long givenUp() {
        return givenUp.sum();
    }

    public Queue<Place> toDelete() {
        return toDelete;
    }

    public Queue<Place> toUnlease() {
        return toUnlease;
    }

    /** Whether it is below its bounds, by what was there at the last look and what this gateway has added since. */
    public boolean hasRoom() {
        return rowsOfOthers + addedRows.sum() < config.spoolRows()
                && bytesOfOthers + addedBytes.sum() < config.spoolBytes();
    }

    void countFull() {
        fulls.increment();
    }

    public long addedRows() {
        return addedRows.sum();
    }

    public long addedBytes() {
        return addedBytes.sum();
    }

    /** @param rows those added when the look began; what was added since may be counted twice until the next one, never missed */
    public void noteState(SpoolState seen, long rows, long bytes) {
        state = seen;
        seenRows = rows;
        if (seen.stripes().stream().anyMatch(stripe -> stripe.freeAgeSeconds() >= 0)) on = true;
        rowsOfOthers = seen.rows() - rows;
        bytesOfOthers = seen.bytes() - bytes;
    }

    /** Whether nothing waited in it at the last look. */
    public boolean isEmpty() {
        return state.stripes().stream().allMatch(SpoolStore.StripeState::isEmpty);
    }

    /** Records in the spool at the last look, with those that Kafka does not take. */
    public long rows() {
        return state.rows();
    }

    private double oldestSeconds() {
        return state.stripes().stream()
                .mapToDouble(SpoolStore.StripeState::ageSeconds)
                .reduce(0, Math::max);
    }
}
