package dev.sluice.cluster.relay;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.BaseUnits;
import java.util.concurrent.atomic.AtomicLong;

/** Counts what gateways tell each other, and what of it is lost. Any thread may use it. */
final class RelayMeters {
    private final Counter sent;
    private final Counter received;
    private final Counter sentBytes;
    private final Counter receivedBytes;
    private final Counter otherRun;
    private final Counter repeated;
    private final Counter unreadable;
    private final Counter gaps;
    private final Counter refused;
    private final Counter patienceExceeded;
    private final Counter catchUpExceeded;
    private final Counter paused;
    private final Counter stale;
    private final Counter staleExceeded;
    private final AtomicLong bytesInFlight = new AtomicLong();
    /** Seconds that the latest heartbeat took that has come back. */
    private volatile double lag;
    /** Since when one has not come back, the JVM's nanoseconds; 0 if all have. */
    private volatile long awaitedSince;

    RelayMeters(MeterRegistry meters) {
        sent = Counter.builder("sluice.relay.sent")
                .description("Records for other gateways that Kafka has")
                .register(meters);
        received = Counter.builder("sluice.relay.received")
                .description("Records of other gateways")
                .register(meters);
        sentBytes = bytes(meters, "sent");
        receivedBytes = bytes(meters, "received");
        otherRun = ignored(meters, "other_run");
        repeated = ignored(meters, "repeated");
        unreadable = ignored(meters, "unreadable");
        gaps = Counter.builder("sluice.relay.gaps")
                .description("Times that records of another gateway were missing, which was asked for its whole state")
                .register(meters);
        refused = Counter.builder("sluice.relay.refused")
                .description("Messages for other gateways that Kafka refused, or for which there was no room")
                .register(meters);
        patienceExceeded = Counter.builder("sluice.relay.patience.exceeded")
                .description("Announcements that not every gateway has seen in time")
                .register(meters);
        catchUpExceeded = Counter.builder("sluice.relay.catch.up.exceeded")
                .description("Publishers that went on before this gateway had read its mailbox")
                .register(meters);
        paused = Counter.builder("sluice.relay.pauses")
                .description("Times that this gateway left its mailbox unread, as its event loops had too much to do")
                .register(meters);
        stale = Counter.builder("sluice.relay.stale")
                .description("Times that what this gateway knew of others was too old to serve anybody")
                .register(meters);
        staleExceeded = Counter.builder("sluice.relay.stale.exceeded")
                .description("Times that this gateway served all the same, as that took too long")
                .register(meters);
        gauges(meters);
    }

    private void gauges(MeterRegistry meters) {
        Gauge.builder("sluice.relay.in.flight", bytesInFlight, AtomicLong::get)
                .description("Bytes for other gateways that Kafka does not have yet")
                .baseUnit(BaseUnits.BYTES)
                .register(meters);
        Gauge.builder("sluice.relay.lag", this::lag)
                .description("How long the gateway's latest heartbeat took, or has been taking, through Kafka and back")
                .baseUnit("seconds")
                .register(meters);
    }

    private static Counter bytes(MeterRegistry meters, String direction) {
        return Counter.builder("sluice.relay.bytes")
                .description("Bytes of records that gateways exchange")
                .tag("direction", direction)
                .register(meters);
    }

    private static Counter ignored(MeterRegistry meters, String reason) {
        return Counter.builder("sluice.relay.ignored")
                .description("Records of the relay topic that were not taken, by the reason")
                .tag("reason", reason)
                .register(meters);
    }

    /** Bytes for other gateways that Kafka does not have yet: who keeps them changes it. */
    AtomicLong bytesInFlight() {
        return bytesInFlight;
    }

    void sent(int bytes) {
        sent.increment();
        sentBytes.increment(bytes);
    }

    void received(int bytes) {
        received.increment();
        receivedBytes.increment(bytes);
    }

    void otherRun() {
        otherRun.increment();
    }

    void repeated() {
        repeated.increment();
    }

    void unreadable() {
        unreadable.increment();
    }

    void gap() {
        gaps.increment();
    }

    void refused() {
        refused.increment();
    }

    void patienceExceeded() {
        patienceExceeded.increment();
    }

    void catchUpExceeded() {
        catchUpExceeded.increment();
    }

    void paused() {
        paused.increment();
    }

    void stale() {
        stale.increment();
    }

    void staleExceeded() {
        staleExceeded.increment();
    }

    private double lag() {
        var since = awaitedSince;
        return since == 0 ? lag : Math.max(lag, (System.nanoTime() - since) / 1e9);
    }

    /** A heartbeat has been written, which is to come back. */
    void heartbeat() {
        if (awaitedSince == 0) awaitedSince = System.nanoTime();
    }

    /** The latest heartbeat has come back after so long, or none is awaited. */
    void cameBack(long nanos) {
        lag = nanos / 1e9;
        awaitedSince = 0;
    }
}
