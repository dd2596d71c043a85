package dev.sluice.cluster.relay;

import dev.sluice.clock.Repeating;
import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage;
import dev.sluice.config.RelayConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.KnownTopics;
import dev.sluice.uplink.producer.UplinkProducer;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.common.annotation.Identifier;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The relay: owns the thread that reads the board and the mailbox of this gateway, and the one that looks after what waits. Any thread may
 * send.
 */
@ApplicationScoped
public class KafkaRelay implements Relay {
    /** While there is no consumer. */
    private static final Duration CLOSED = Duration.ofMillis(100);

    private static final Duration ALONE = Duration.ofMillis(250);
    private static final Duration CLOCK = Duration.ofMillis(50);
    private static final long KEEP_KNOWN = Duration.ofSeconds(1).toNanos();
    private static final Duration STOP_TIME = Duration.ofSeconds(2);

    private final RelayConfig config;
    private final Gateways gateways;
    private final UplinkProducer producer;
    private final KnownTopics topics;
    private final RelayMeters meters;
    private final Handlers handlers = new Handlers();
    private final Announcements announcements;
    private final CatchUps catchUps;
    private final Freshness freshness;
    private final RelayReader reader;
    private final Repeating reading = Repeating.onPlatformThread("sluice-relay");
    private final Repeating clock = Repeating.onVirtualThread("sluice-relay-clock");

    /** Null before the start. */
    private volatile Outboxes outboxes;

    private Correspondence correspondence;
    private Gateway self;
    private long keepKnownAt = System.nanoTime();
    /** Of the gateway: when it changes, all is to be known anew. */
    private long period;
    /** The one in which it has been ready. */
    private volatile long readyPeriod = -1;

    private volatile List<Gateway> awaited = List.of();
    private volatile boolean hasReadAll;

    KafkaRelay(
            RelayConfig config,
            Gateways gateways,
            UplinkProducer producer,
            KnownTopics topics,
            @Identifier("default-kafka-broker") Map<String, Object> kafkaConfig,
            MeterRegistry registry) {
        requireSound(config);
        this.config = config;
        this.gateways = gateways;
        this.producer = producer;
        this.topics = topics;
        this.meters = new RelayMeters(registry);
        this.announcements = new Announcements(config.patience(), System::nanoTime, meters);
        this.catchUps = new CatchUps(config.patience(), System::nanoTime, meters);
        this.freshness = new Freshness(config.patience(), System::nanoTime, meters);
        this.reader = new RelayReader(config, gateways, kafkaConfig, handlers, meters);
    }

    private static void requireSound(RelayConfig config) {
        require(config.partitions() >= 2, "partitions", config.partitions(), "2 or more");
        require(config.patience().isPositive(), "patience", config.patience(), "longer than 0s");
        require(config.bytesInFlight() >= 1, "bytes-in-flight", config.bytesInFlight(), "1 or more");
    }

    private static void require(boolean sound, String key, Object value, String has) {
        if (!sound)
            throw new IllegalArgumentException("sluice.relay." + key + ": is " + value + ", and has to be " + has);
    }

    void start(@Observes @Priority(StartOrder.RELAY) StartupEvent event) {
        start();
    }

    void start() {
        begin();
        reading.start(this::turn);
        clock.start(this::tick);
    }

    /** The beginning of a run: its numbers begin, it has a mailbox, and knows nobody. */
    private void begin() {
        period = gateways.period();
        self = gateways.self();
        var all = new Outboxes(self, gateways, this::hand, meters, config.bytesInFlight());
        correspondence = new Correspondence(
                self, gateways, all, announcements, catchUps, freshness, handlers, System::nanoTime, meters);
        outboxes = all;
        reader.begin(correspondence, self.mailbox());
        var own = self;
        catchUps.begin((mark, taken) -> all.send(own, new Letter.Mark(mark), taken));
        tellState();
    }

    /** This gateway was taken for dead: others have forgotten its earlier run. */
    private void beginAnew() {
        correspondence.end();
        outboxes.close();
        begin();
    }

    /** Others need not have counted on this gateway: some may have come of whom it has not heard. */
    private void rejoin() {
        period = gateways.period();
        correspondence.rejoin();
    }

    void stop(@Observes @Priority(StartOrder.STOP_RELAY) ShutdownEvent event) {
        stop();
    }

    void stop() {
        clock.stop();
        reading.stop();
        reader.stop();
        if (!reading.join(STOP_TIME)) reading.interrupt();
        else reader.close();
    }

    private Handover hand(int partition, byte[] record, Callback later) {
        return producer.hand(new ProducerRecord<>(config.topic(), partition, null, record), later);
    }

    /** What nobody says when it is time for: room in the producer, and patience that is over. */
    private Duration tick() {
        outboxes.pump();
        announcements.check();
        catchUps.check();
        return isAlone() ? ALONE : CLOCK;
    }

    private Duration turn() throws InterruptedException {
        if (!self.equals(gateways.self())) beginAnew();
        else if (period != gateways.period()) rejoin();
        keepKnown();
        correspondence.look();
        var isOpen = reader.isOpen() || reader.open();
        if (isOpen) reader.poll();
        if (reader.isOpen()) correspondence.turn();
        tellState();
        return isOpen ? Duration.ZERO : CLOSED;
    }

    private void tellState() {
        awaited = List.copyOf(correspondence.awaited());
        hasReadAll = correspondence.hasReadAll();
        if (readyPeriod != period && (gateways.isAlone() || correspondence.isComplete())) readyPeriod = period;
    }

    /** Has the producer know the topic: else what comes next had to wait until Kafka has told about it. */
    private void keepKnown() {
        var now = System.nanoTime();
        if (now - keepKnownAt < 0) return;
        keepKnownAt = now + KEEP_KNOWN;
        topics.want(List.of(config.topic()));
        if (topics.partitions(config.topic()) > 0) producer.keepMetadata(config.topic());
        var absence = producer.absence(config.topic(), self.mailbox());
        if (absence != null && reader.isOpen()) reader.topicIsGone(absence);
    }

    /** Why this gateway cannot serve together with others; null if it can, or need not. From any thread. */
    String trouble() {
        return reader.trouble();
    }

    @Override
    public boolean isReady() {
        return readyPeriod == gateways.period();
    }

    @Override
    public boolean isCurrent() {
        return isAlone() || freshness.isSufficient();
    }

    @Override
    public boolean hasReadAll() {
        return isAlone() && (hasReadAll || reader.trouble() != null);
    }

    @Override
    public void catchUp(Runnable then) {
        if (outboxes == null || hasReadAll()) then.run();
        else catchUps.await(then);
    }

    /** Those whose state is not here yet, of those that lived when this gateway came. From any thread. */
    List<Gateway> awaited() {
        return awaited;
    }

    @Override
    public boolean isAlone() {
        return gateways.isAlone();
    }

    @Override
    public void send(Gateway to, RelayMessage.ToOne message, Consumer<Boolean> then) {
        var open = outboxes;
        if (open == null) then.accept(false);
        else open.send(to, RelayCodec.letter(new Letter.Told(message)), then);
    }

    @Override
    public void announce(RelayMessage.ToAll message, Runnable seen) {
        var open = outboxes;
        if (open == null || isAlone()) { // whoever comes later asks
            seen.run();
            return;
        }
        var letter = RelayCodec.letter(new Letter.Told(message));
        announcements.announce(then -> open.announce(letter, then), seen);
    }

    /** Also if no other one lives, as far as this one knows: the dead one reads it. */
    @Override
    public void tellDead(String id, long run) {
        var open = outboxes;
        if (open != null) open.post(new Letter.Dead(id, run));
    }

    @Override
    public void onDead(LongConsumer handler) {
        handlers.onDead(handler);
    }

    @Override
    public <M extends RelayMessage> void on(Class<M> type, BiConsumer<Gateway, M> handler) {
        handlers.on(type, handler);
    }

    @Override
    public void readMailboxWhile(BooleanSupplier hasRoom) {
        handlers.readMailboxWhile(hasRoom);
    }

    @Override
    public void whole(Supplier<List<RelayMessage.ToAll>> supplier) {
        handlers.whole(supplier);
    }

    @Override
    public void onForgotten(Consumer<Gateway> handler) {
        handlers.onForgotten(handler);
    }

    @Override
    public void onRestated(Consumer<Gateway> handler) {
        handlers.onRestated(handler);
    }

    @Override
    public void onGap(Consumer<Gateway> handler) {
        handlers.onGap(handler);
    }
}
