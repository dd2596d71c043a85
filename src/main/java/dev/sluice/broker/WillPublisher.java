package dev.sluice.broker;

import dev.sluice.access.rule.RulesInForce;
import dev.sluice.broker.PendingWill.Stage;
import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.FleetRouter;
import dev.sluice.broker.routing.Publication;
import dev.sluice.broker.routing.RemoteDeliveries;
import dev.sluice.broker.routing.RemoteRouting;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.packet.Message;
import dev.sluice.packet.Will;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.RetainedTopics;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.session.Wills;
import dev.sluice.store.session.Wills.DueWill;
import dev.sluice.uplink.ClientUplink;
import dev.sluice.uplink.Forwarding;
import dev.sluice.uplink.Uplink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Publishes the wills that are due, those of other gateways' clients included: to subscribers and PostgreSQL at once, to Kafka as soon as
 * that takes them; only then it deletes them. Owns one virtual thread; any thread may {@link #poke} it, or ask for the wills that are
 * {@link #ahead} of a client.
 */
final class WillPublisher {
    private static final Logger LOG = Logger.getLogger(WillPublisher.class);
    private static final ThrottledLog FULL = new ThrottledLog(LOG);

    private static final int BATCH = 256;
    private static final long BATCH_BYTES = 1 << 20;
    /** If this gateway is killed meanwhile, another one publishes the will after this time. */
    static final Duration LEASE = Duration.ofSeconds(60);

    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration RETRY = Duration.ofMillis(20);
    private static final Duration PARTING = Duration.ofSeconds(1);
    /** Of more, clients here may get some once more. */
    private static final int MOST_TOLD_HERE = 65_536;

    private final Wills wills;
    private final Uplink uplink;
    private final Journal journal;
    private final RemoteRouting remote;
    private final RetainedTopics retainedTopics;
    private final Deliveries deliveries;
    private final BrokerMeters meters;
    private final WillCheck check;
    private Duration lease;
    private BooleanSupplier isReady;
    /** Tasks for the thread: answers of Kafka and of the journal come in here. */
    private final LinkedBlockingQueue<Runnable> mailbox = new LinkedBlockingQueue<>();

    private final Map<Long, PendingWill> pending = new HashMap<>();
    private final Map<Stage, Load> loads =
            Map.of(Stage.TELLING, new Load(), Stage.TELLING_OTHERS, new Load(), Stage.FORWARDING, new Load());
    private final AwaitedWills awaited;
    /** Whether wills that subscribers have may wait in PostgreSQL for Kafka: those come first. */
    private boolean behind = true;

    private final List<Long> published = new ArrayList<>();
    private final List<PendingWill> givenBack = new ArrayList<>();
    /** Those that clients here have, and that were given back before other gateways had them. */
    private final Set<Long> toldHere = Collections.newSetFromMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Boolean> eldest) {
            return size() > MOST_TOLD_HERE;
        }
    });

    private long claimAt = System.nanoTime();
    private long forwardAt = claimAt;
    private long retryAt = claimAt;
    private long renewAt = claimAt;
    private final AtomicBoolean poked = new AtomicBoolean();
    private volatile boolean stopped;
    private Thread thread;

    /** What is under way in one stage, and its bound. */
    private static final class Load {
        private int count;
        private long bytes;

        void add(PendingWill will) {
            count++;
            bytes += will.due().bytes();
        }

        void remove(PendingWill will) {
            count--;
            bytes -= will.due().bytes();
        }

        boolean hasRoom() {
            return count < 4 * BATCH && bytes < 8 * BATCH_BYTES;
        }
    }

    /** @param isKafkaThere whether Kafka has answered when it was asked last */
    WillPublisher(
            Wills wills,
            RulesInForce rules,
            Uplink uplink,
            Journal journal,
            RemoteRouting remote,
            RetainedTopics retainedTopics,
            Deliveries deliveries,
            BrokerMeters meters,
            BooleanSupplier isKafkaThere) {
        this.wills = wills;
        this.uplink = uplink;
        this.journal = journal;
        this.remote = remote;
        this.retainedTopics = retainedTopics;
        this.deliveries = deliveries;
        this.meters = meters;
        this.check = new WillCheck(uplink, rules);
        this.awaited = new AwaitedWills(wills, isKafkaThere);
    }

    /**
     * @param lease as {@link #LEASE}
     * @param isReady whether it is known who is subscribed
     */
    void start(Duration lease, BooleanSupplier isReady) {
        this.lease = lease;
        this.isReady = isReady;
        thread = Thread.ofVirtual().name("sluice-wills").start(this::run);
    }

    /** Waits a moment for what Kafka has to be written down: else the next run would publish it once more. */
    void stop() {
        stopped = true;
        poke();
        try {
            if (thread != null) thread.join(PARTING.multipliedBy(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A will may have become due. */
    void poke() {
        if (!poked.compareAndSet(false, true)) return;
        mailbox.add(() -> {
            poked.set(false);
            claimAt = System.nanoTime();
        });
    }

    /** Blocking: as {@link Wills#release}; if PostgreSQL does not answer, they fall due a moment later. */
    void release(List<Long> ids, long epoch) {
        if (!ids.isEmpty()) guarded(() -> wills.release(ids, epoch));
    }

    /** Publishes these wills before all others, as their client is waiting for that, unless it has {@code abandoned} them. */
    WillsAhead ahead(List<Long> ids, BooleanSupplier abandoned) {
        if (ids.isEmpty()) return WillsAhead.none();
        var some = new WillsAhead(ids, abandoned);
        mailbox.add(() -> awaited.add(some));
        return some;
    }

    private void run() {
        var tasks = new ArrayList<Runnable>();
        try {
            while (!stopped) {
                var pause = pending.isEmpty() && awaited.isEmpty() ? POLL : RETRY;
                var first = mailbox.poll(pause.toNanos(), TimeUnit.NANOSECONDS);
                if (first != null) tasks.add(first);
                mailbox.drainTo(tasks);
                step(tasks);
                tasks.clear();
            }
            finish();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        pending.values().forEach(PendingWill::close);
    }

    private void finish() throws InterruptedException {
        var deadline = System.nanoTime() + PARTING.toNanos();
        while (pending.values().stream().anyMatch(PendingWill::isTold) && System.nanoTime() - deadline < 0) {
            var task = mailbox.poll(RETRY.toNanos(), TimeUnit.NANOSECONDS);
            if (task != null) guarded(task);
        }
        guarded(this::settle);
    }

    private void step(List<Runnable> tasks) {
        for (var task : tasks) guarded(task);
        guarded(() -> {
            retry();
            settle();
            renew();
            awaited.forgetAbandoned();
            if (!isReady.getAsBoolean()) return;
            forwardDelivered();
            if (hasRoom(Stage.TELLING)) begin(awaited.claim(pending.keySet(), BATCH, BATCH_BYTES, lease));
            awaited.look(pending.keySet());
            claim();
        });
    }

    private static void guarded(Runnable task) {
        try {
            task.run();
        } catch (StoreUnavailable away) {
            LOG.debugf("wills wait: %s", away.getMessage());
        } catch (RuntimeException | Error bug) {
            LOG.error("cannot publish wills; they are tried again", bug);
        }
    }

    private void retry() {
        var now = System.nanoTime();
        if (now - retryAt < 0) return;
        retryAt = now + RETRY.toNanos();
        List.copyOf(pending.values()).forEach(PendingWill::retry);
    }

    /** Writes down what has become of wills, before any more are claimed. */
    private void settle() {
        if (!published.isEmpty()) wills.published(published);
        published.clear();
        if (!givenBack.isEmpty()) wills.giveBack(ids(givenBack), told(givenBack), toldEverywhere(givenBack));
        givenBack.clear();
    }

    private void renew() {
        var now = System.nanoTime();
        if (now - renewAt < 0) return;
        if (!pending.isEmpty()) wills.renew(pending.keySet(), told(pending.values()), lease);
        renewAt = now + lease.dividedBy(3).toNanos();
    }

    private static List<Long> ids(Collection<PendingWill> some) {
        return some.stream().map(it -> it.due().id()).toList();
    }

    private static List<Long> told(Collection<PendingWill> some) {
        return ids(some.stream().filter(PendingWill::isTold).toList());
    }

    private static List<Long> toldEverywhere(Collection<PendingWill> some) {
        return ids(some.stream().filter(PendingWill::isToldEverywhere).toList());
    }

    private void forwardDelivered() {
        var now = System.nanoTime();
        if (now - forwardAt < 0 || !hasRoom(Stage.FORWARDING) || !hasRoom(Stage.TELLING_OTHERS)) return;
        if (deliveries.areMany()) return;
        forwardAt = now + POLL.toNanos();
        var some = wills.claimDelivered(BATCH, BATCH_BYTES, lease);
        behind = !some.isEmpty();
        if (behind) forwardAt = now;
        begin(some);
    }

    private void claim() {
        if (System.nanoTime() - claimAt < 0 || !hasRoom(Stage.TELLING) || deliveries.areMany()) return;
        claimAt = System.nanoTime() + POLL.toNanos();
        var due = wills.claimDue(BATCH, BATCH_BYTES, lease);
        if (!due.isEmpty()) claimAt = System.nanoTime();
        begin(due);
    }

    private void begin(List<DueWill> some) {
        for (var due : some) {
            if (pending.containsKey(due.id())) continue; // its lease ran out while PostgreSQL was away
            var one = new PendingWill(this, due, toldHere.remove(due.id()));
            pending.put(due.id(), one);
            loads.get(one.stage()).add(one);
            guarded(one::start);
        }
    }

    // What a will under way asks for and tells

    /** The message with everybody who is owed it; announced if it is to be retained, for which there has to be room. */
    Publication publication(Message will, String clientId) {
        var router = remote.router();
        var message = mayBeRetained(will, clientId) ? will : will.unretained();
        if (!message.retain())
            return router.route(message.topicName(), clientId, message.qos()).publication(message, 0);
        return retainedTopics.announce(message, stamp -> router.route(message.topicName(), clientId, message.qos())
                .publication(message, stamp));
    }

    private boolean mayBeRetained(Message will, String clientId) {
        var topicName = will.topicName();
        if (!will.retain() || will.payload().length == 0 || retainedTopics.hasRoomFor(topicName)) return true;
        try {
            if (retainedTopics.isRetained(topicName)) return true; // since another gateway had it
        } catch (StoreUnavailable away) {
            return true; // one too many is better than one that stays although its client is gone
        }
        meters.retainedRefused();
        FULL.warn(() -> "the will of client " + TraceText.line(clientId) + " is told, and is not retained: "
                + PublishCheck.NO_ROOM);
        return false;
    }

    /** Whether it would be the first retained message of its topic, as far as is known. */
    boolean addsRetained(Will will) {
        return will != null && will.retain() && will.payload().length > 0 && !retainedTopics.contains(will.topicName());
    }

    FleetRouter router() {
        return remote.router();
    }

    RemoteDeliveries remote() {
        return remote.deliveries();
    }

    Journal journal() {
        return journal;
    }

    Deliveries deliveries() {
        return deliveries;
    }

    BrokerMeters meters() {
        return meters;
    }

    WillCheck check() {
        return check;
    }

    void execute(Runnable task) {
        mailbox.add(task);
    }

    void told(PendingWill will) {
        awaited.told(will.due().id());
    }

    boolean hasRoom(Stage stage) {
        return loads.get(stage).hasRoom();
    }

    /** Whether Kafka may get the record of one that was told just now: not in front of those that wait in PostgreSQL. */
    boolean mayForward() {
        return !stopped && !behind && hasRoom(Stage.FORWARDING);
    }

    void moves(PendingWill will, Stage next) {
        loads.get(will.stage()).remove(will);
        loads.get(next).add(will);
    }

    ClientUplink open(DueWill due, Consumer<Forwarding> listener) {
        return uplink.open(due.clientId(), due.username(), due.id(), true, mailbox::add, listener);
    }

    /** It is published, or never will be. */
    void done(PendingWill will) {
        over(will);
        published.add(will.due().id());
        awaited.published(will.due().id());
    }

    /** @param isRefused whether Kafka does not take it now: it may in a moment */
    void giveBack(PendingWill will, boolean isRefused) {
        forwardAt = System.nanoTime();
        if (isRefused) forwardAt += POLL.toNanos();
        over(will);
        givenBack.add(will);
        if (will.isTold() && !will.isToldEverywhere()) toldHere.add(will.due().id());
        behind = true;
    }

    private void over(PendingWill will) {
        pending.remove(will.due().id());
        loads.get(will.stage()).remove(will);
    }
}
