package dev.sluice.broker;

import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.Publication;
import dev.sluice.broker.routing.Router;
import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Will;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.session.Wills;
import dev.sluice.store.session.Wills.DueWill;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.ClientUplink;
import dev.sluice.uplink.Forwarding;
import dev.sluice.uplink.Uplink;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;

/**
 * Publishes the wills that are due, those of other gateways' clients included: to Kafka, to PostgreSQL and to subscribers. Only then it
 * deletes them. Owns one virtual thread; any thread may {@link #poke} it.
 */
final class WillPublisher {
    private static final Logger LOG = Logger.getLogger(WillPublisher.class);

    private static final int BATCH = 256;
    private static final int AT_ONCE = 4 * BATCH;
    /** If this gateway is killed meanwhile, another one publishes the will after this time. */
    private static final Duration LEASE = Duration.ofSeconds(60);

    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration RETRY = Duration.ofMillis(5);

    private final Wills wills;
    private final Uplink uplink;
    private final Journal journal;
    private final Router router;
    private final Deliveries deliveries;
    private final BrokerMeters meters;
    /** Tasks for the thread: answers of Kafka and of the journal come in here. */
    private final LinkedBlockingQueue<Runnable> mailbox = new LinkedBlockingQueue<>();

    private final Map<DueWill, PendingWill> publishing = new HashMap<>();
    /** Wills that are published and not deleted yet. */
    private final ArrayDeque<DueWill> published = new ArrayDeque<>();

    private long claimAt = System.nanoTime();
    private final AtomicBoolean poked = new AtomicBoolean();
    private volatile boolean stopped;

    WillPublisher(
            Wills wills, Uplink uplink, Journal journal, Router router, Deliveries deliveries, BrokerMeters meters) {
        this.wills = wills;
        this.uplink = uplink;
        this.journal = journal;
        this.router = router;
        this.deliveries = deliveries;
        this.meters = meters;
    }

    void start() {
        Thread.ofVirtual().name("sluice-wills").start(this::run);
    }

    void stop() {
        stopped = true;
        poke();
    }

    /** A will may have become due. */
    void poke() {
        if (!poked.compareAndSet(false, true)) return;
        mailbox.add(() -> {
            poked.set(false);
            claimAt = System.nanoTime();
        });
    }

    private void run() {
        try {
            while (!stopped) {
                var pause = publishing.isEmpty() ? POLL : RETRY;
                step(mailbox.poll(pause.toNanos(), TimeUnit.NANOSECONDS));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        publishing.values().forEach(PendingWill::close);
    }

    private void step(Runnable task) {
        try {
            if (task != null) task.run();
            publishing.values().forEach(PendingWill::retry);
            giveUpLate();
            for (; !published.isEmpty(); published.remove()) wills.published(published.peek());
            claim();
        } catch (StoreUnavailable away) {
            LOG.debugf("wills wait: %s", away.getMessage());
        } catch (RuntimeException bug) {
            LOG.error("cannot publish wills; they are tried again", bug);
        }
    }

    private void claim() {
        if (System.nanoTime() - claimAt < 0 || publishing.size() >= AT_ONCE) return;
        claimAt = System.nanoTime() + POLL.toNanos();
        var due = wills.claim(BATCH, LEASE);
        if (due.size() == BATCH) claimAt = System.nanoTime();
        for (var will : due) {
            var one = new PendingWill(will);
            publishing.put(will, one);
            one.start();
        }
    }

    /** Gives up wills whose leases are about to run out: the next one to claim them begins anew. */
    private void giveUpLate() {
        var now = System.nanoTime();
        for (var one : List.copyOf(publishing.values())) {
            if (now - one.giveUpAt < 0) continue;
            publishing.remove(one.due);
            one.close();
        }
    }

    /** One will under way; confined to the publisher's thread. */
    private final class PendingWill {
        private final DueWill due;
        private final ClientUplink client;
        private final Publication publication;
        private final long giveUpAt = System.nanoTime() + LEASE.toNanos() * 9 / 10;
        private JournalWrite unsubmitted;

        PendingWill(DueWill due) {
            this.due = due;
            this.client = uplink.open(due.clientId(), null, due.id(), true, mailbox::add, this::forwarded);
            this.publication = router.publication(Message.of(due.will(), System.currentTimeMillis()), due.clientId());
        }

        void start() {
            if (due.will().topicName().isServers()) {
                refused(TopicName.SERVERS_OWN);
                return;
            }
            switch (client.forward(publish(due.will()), System.currentTimeMillis(), null)) {
                case ClientUplink.Admission.UnderWay _, ClientUplink.Admission.DeadLettered _ -> {}
                case ClientUplink.Admission.Unmatched _, ClientUplink.Admission.Shed _ -> keep();
                case ClientUplink.Admission.Refused(var _, var why) -> refused(why);
            }
        }

        void retry() {
            client.retry();
            if (unsubmitted != null && journal.submit(unsubmitted)) unsubmitted = null;
        }

        void close() {
            client.close();
        }

        private void forwarded(Forwarding forwarding) {
            if (publishing.get(due) != this) return; // given up
            if (forwarding.failedForNow()) { // its lease runs out, and it is tried again
                publishing.remove(due);
                close();
                return;
            }
            if (forwarding.outcome().isError()) refused(forwarding.why());
            else keep();
        }

        private void refused(String why) {
            LOG.warnf("the will of client %s is refused: %s", due.clientId(), why);
            meters.willRefused();
            done();
        }

        private void keep() {
            if (!publication.isKept()) {
                deliveries.send(publication);
                meters.willPublished();
                done();
                return;
            }
            unsubmitted = JournalWrite.Accept.unfenced(
                    due.clientId(),
                    publication.message(),
                    publication.copies(),
                    publication.message().retain(),
                    outcome -> mailbox.add(() -> kept(outcome)));
            retry();
        }

        private void kept(JournalWrite.Outcome outcome) {
            if (outcome != JournalWrite.Outcome.COMMITTED) {
                refused("PostgreSQL does not keep it");
                return;
            }
            publication.committed();
            deliveries.send(publication);
            meters.willPublished();
            done();
        }

        private void done() {
            publishing.remove(due, this);
            close();
            published.add(due);
        }
    }

    private static Packet.Publish publish(Will will) {
        return new Packet.Publish(
                false, will.qos(), will.retain(), will.topicName(), 0, will.properties(), will.payload());
    }
}
