package dev.sluice.broker;

import dev.sluice.broker.routing.RetainedRecipient;
import dev.sluice.clock.Repeating;
import dev.sluice.config.NodeConfig;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Owns the queue of clients that are to go: all of them when the gateway drains, those whose connections are old, and some when it has more
 * than its share. It lets so many go in a second that whoever they come back to can take them. Any thread may use it.
 */
@Singleton
public final class Departures {
    static final Event.Leave DRAINED = new Event.Leave(ReasonCode.SERVER_SHUTTING_DOWN, "the gateway shuts down");
    /** Nanoseconds: the age of a connection that may become as old as it likes. */
    static final long FOR_EVER = Long.MAX_VALUE / 4;

    private static final Event.Leave OLD = new Event.Leave(
            ReasonCode.MAXIMUM_CONNECT_TIME,
            "the connection is as old as it may become (sluice.node.max-connection-age)");
    static final Event.Leave ONE_OF_MANY = new Event.Leave(
            ReasonCode.USE_ANOTHER_SERVER, "this gateway has more clients than others (sluice.node.rebalance-rate)");
    /** How far ages lie apart, as a part of the age on either side: clients that have come together do not go together. */
    private static final double JITTER = 0.1;

    private static final Duration PAUSE = Duration.ofMillis(20);

    private record Departure(RetainedRecipient who, Event.Leave why) {}

    private final int rate;
    private final long age;
    private final Repeating turns = Repeating.onVirtualThread("sluice-departures");
    private volatile Supplier<? extends Collection<? extends RetainedRecipient>> all = List::of;
    private volatile boolean draining;
    /** This and all below are guarded by this object. */
    private final Queue<Departure> waiting = new ArrayDeque<>();

    private boolean running;
    /** Clients a second. */
    private double pace;
    /** Clients that may go now. */
    private double due = 1;

    private long lastTurn = System.nanoTime();

    public Departures(NodeConfig config, MeterRegistry meters) {
        this.rate = config.drainRate();
        if (rate < 1) throw new IllegalArgumentException("sluice.node.drain-rate: " + rate + " is less than 1");
        this.pace = rate;
        this.age = config.maxConnectionAge().toNanos();
        Gauge.builder("sluice.departures.waiting", this, Departures::waiting)
                .description("Clients that are to go and wait for their turn")
                .register(meters);
    }

    /** @param all every connection that there is */
    void of(Supplier<? extends Collection<? extends RetainedRecipient>> all) {
        this.all = all;
    }

    /** How old one more connection may become, nanoseconds. */
    long lifetime() {
        if (age == 0) return FOR_EVER;
        return (long) (age * ThreadLocalRandom.current().nextDouble(1 - JITTER, 1 + JITTER));
    }

    /** The connection is as old as it may become. */
    void grownOld(RetainedRecipient connection) {
        letGo(connection, OLD);
    }

    /** So many go to other gateways, first those whose Wills are not due for that. */
    void spread(int count) {
        var candidates = new ArrayList<RetainedRecipient>(all.get());
        Collections.shuffle(candidates);
        candidates.removeIf(RetainedRecipient::isClosed);
        var byWill = candidates.stream().collect(Collectors.partitioningBy(RetainedRecipient::hasWill));
        Stream.concat(byWill.get(false).stream(), byWill.get(true).stream())
                .limit(count)
                .forEach(it -> letGo(it, ONE_OF_MANY));
    }

    private synchronized void letGo(RetainedRecipient connection, Event.Leave why) {
        waiting.add(new Departure(connection, why));
        start();
    }

    private void start() {
        if (running || waiting.isEmpty()) return;
        running = true;
        earn(1);
        turns.start(this::turn);
    }

    /** Lets everybody go at the configured rate; who comes meanwhile is refused. */
    public void drain() {
        drain(rate);
    }

    /** The same, and faster than that if it has to be done within a time. */
    public void drain(Duration within) {
        drain(Math.max(rate, connections() * 1e9 / Math.max(1, within.toNanos())));
    }

    private synchronized void drain(double pace) {
        draining = true; // before the connections are looked at: who comes later is told on arrival
        this.pace = pace;
        waiting.removeIf(it -> it.why() == DRAINED);
        for (var connection : all.get()) waiting.add(new Departure(connection, DRAINED));
        start();
    }

    /** Lets those stay that have not been told to go, and others come. */
    public synchronized void stay() {
        draining = false;
        pace = rate;
        waiting.removeIf(it -> it.why() == DRAINED);
    }

    private synchronized Duration turn() {
        earn(pace);
        while (due >= 1 && !waiting.isEmpty()) {
            var next = waiting.remove();
            if (next.who().isClosed()) continue;
            next.who().tell(next.why());
            due--;
        }
        if (!waiting.isEmpty()) return PAUSE;
        running = false;
        return null;
    }

    /** @param most that may be due: after a stall not everybody goes at once */
    private void earn(double most) {
        var now = System.nanoTime();
        due = Math.min(due + (now - lastTurn) / 1e9 * pace, Math.max(1, most));
        lastTurn = now;
    }

    /** Ends every connection that is left, answered or not. */
    public void cut() {
        cut(DRAINED.end());
    }

    /** The same for any reason; completed once the event loops have done it. */
    CompletableFuture<Void> cut(Event end) {
        return CompletableFuture.allOf(all.get().stream()
                .map(it -> {
                    it.tell(end);
                    return CompletableFuture.runAsync(() -> {}, it.loop());
                })
                .toArray(CompletableFuture<?>[]::new));
    }

    /** Whether everybody is let go, and nobody let in. */
    public boolean isDraining() {
        return draining;
    }

    /** Clients that are to go and have not been told so yet. */
    public synchronized int waiting() {
        return waiting.size();
    }

    public int connections() {
        return all.get().size();
    }
}
