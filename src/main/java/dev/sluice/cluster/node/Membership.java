package dev.sluice.cluster.node;

import dev.sluice.clock.Repeating;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.StartOrder;
import dev.sluice.store.NodeRun;
import dev.sluice.store.SweepTurn;
import dev.sluice.store.node.Burial;
import dev.sluice.store.node.NodeLease;
import dev.sluice.store.node.NodeLease.Other;
import dev.sluice.store.node.NodeLease.Report;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Owns this gateway's place among its like: claims its name at the start, renews its lease, and knows who else lives. One virtual thread
 * renews; any thread may ask.
 *
 * <p>A gateway lives until one has declared it dead in PostgreSQL. So an outage of PostgreSQL, in which all leases end, kills nobody. One
 * that finds itself declared dead when it can ask again, or hears so from others, ends all its connections, and begins anew as another run.
 */
@ApplicationScoped
public class Membership implements Gateways {
    private static final Logger LOG = Logger.getLogger(Membership.class);
    private static final int RENEWALS = 5;
    private static final int ATTEMPTS = 3;
    private static final Duration SHORTEST = Duration.ofSeconds(1);
    private static final Duration LOOK = Duration.ofMillis(100);

    private final NodeLease store;
    private final Burial burial;
    private final SweepTurn sweeps;
    private final Lease lease;
    private final NodeRun writing;
    private final DrainOrder drain = new DrainOrder();
    private final String id;
    private final Duration duration;
    private final int mailboxes;
    private final String address;
    private final String version;
    private final Repeating renewing = Repeating.onVirtualThread("sluice-node-lease");
    private final ThrottledLog away = new ThrottledLog(LOG);
    private final ThrottledLog refused = new ThrottledLog(LOG);
    private final AtomicInteger alive = new AtomicInteger();

    /** Has a permit when somebody does not want to wait for the next renewal. */
    private final Semaphore wanted = new Semaphore(0);

    private volatile Supplier<Report> report = () -> new Report(0, false, false);
    private volatile Runnable onDeath = () -> {};

    private volatile Gateway self;
    private final Others others = new Others();
    private volatile long period;
    /** Of others that take clients, how many each has. */
    private volatile List<Integer> connectionsOfOthers = List.of();

    private volatile boolean isDead;
    /** The last run of which others have said that they had declared it dead; 0 for none. */
    private volatile long deadRun;

    private final Renewals renewals;
    /** Whether the last attempt has failed; of its thread. */
    private boolean isAway;

    @Inject
    public Membership(
            NodeLease store,
            Burial burial,
            SweepTurn sweeps,
            Lease lease,
            NodeRun writing,
            NodeConfig config,
            @ConfigProperty(name = "HOSTNAME") String host,
            @ConfigProperty(name = "sluice.relay.partitions", defaultValue = "64") int partitions,
            @ConfigProperty(name = "quarkus.http.port") int port,
            @ConfigProperty(name = "quarkus.application.version") String version,
            MeterRegistry meters) {
        this.store = store;
        this.burial = burial;
        this.sweeps = sweeps;
        this.lease = lease;
        this.writing = writing;
        this.id = config.id();
        this.self = new Gateway(id, 0, 0);
        this.duration = config.lease();
        this.renewals = new Renewals(duration, lease::now);
        this.mailboxes = partitions - 1; // one is for all
        this.address = host + ":" + port;
        this.version = version;
        Gauge.builder("sluice.node.lease.left", lease, it -> it.left() / 1e9)
                .baseUnit("seconds")
                .description("Time until no socket is read before PostgreSQL has been asked again")
                .register(meters);
        Gauge.builder("sluice.nodes.alive", alive, AtomicInteger::get)
                .description("Gateways that live, as far as this one knows")
                .register(meters);
    }

    /** Names who says how this gateway does, for operators and other gateways: asked on the lease's thread, which must not be held up. */
    public void report(Supplier<Report> report) {
        this.report = report;
    }

    /** Names who ends all connections when this gateway has been declared dead: called on the lease's thread, which waits. */
    public void onDeath(Runnable task) {
        onDeath = task;
    }

    /** Whether an operator wants its clients to go. */
    public DrainOrder drain() {
        return drain;
    }

    /** @throws IllegalStateException when the name is another gateway's, or there are too many gateways */
    void start(@Observes @Priority(StartOrder.MEMBERSHIP) StartupEvent event) {
        if (duration.compareTo(SHORTEST) < 0)
            throw new IllegalStateException("sluice.node.lease is " + duration + ", and has to be 1 s at least");
        enter();
        release();
        LOG.infof("gateway %s, run %d, mailbox %d", id, self.run(), self.mailbox());
        turn(); // who else lives is known before anybody asks
        renewing.start(this::turnAndWait);
    }

    /** Not later: then what this run holds would be taken for what an earlier one held. */
    private void release() {
        for (int attempt = 1; ; attempt++) {
            try {
                burial.release(id);
                return;
            } catch (SQLException failure) {
                if (attempt == ATTEMPTS)
                    throw new IllegalStateException(
                            "what an earlier run of gateway " + id + " held cannot be freed", failure);
                LOG.warnf("what an earlier run of gateway %s held is not freed yet: %s", id, failure.getMessage());
            }
        }
    }

    /** Everything is written: nobody has to bury this run. */
    void stop(@Observes @Priority(StartOrder.STOP_MEMBERSHIP) ShutdownEvent event) {
        renewing.stop();
        refresh();
        renewing.join(duration);
        sweeps.set(false);
        try {
            if (self.run() > 0 && !isDead) store.leave(self.run());
        } catch (SQLException failure) {
            LOG.warnf("gateway %s could not sign off, and will be taken for dead: %s", id, failure.getMessage());
        }
        store.close();
    }

    /** A run that was killed has lost its lock, and one that is frozen will lose its lease: only one that lives does not let go. */
    void enter() {
        var begun = lease.now();
        var patience = duration.plus(duration.dividedBy(RENEWALS)).toNanos();
        while (true) {
            String why;
            try {
                var claim = claim(true);
                if (claim.run() > 0) return;
                why = refusal(claim);
                if (claim.aliveFor() == null) throw new IllegalStateException(why);
                refused.warn(why + " Waiting for the end of its lease, in case it is dead.");
            } catch (SQLException failure) {
                why = "gateway " + id + " cannot register in PostgreSQL: " + failure.getMessage();
                refused.warn(why);
            }
            if (lease.now() - begun > patience || Thread.currentThread().isInterrupted())
                throw new IllegalStateException(why);
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    private String refusal(NodeLease.Claim claim) {
        if (claim.aliveFor() == null) return mailboxes + " gateways run, and sluice.relay.partitions allows no more.";
        return "A gateway with the name %s (sluice.node.id) runs already, as run %d. Each gateway needs a name of its own."
                .formatted(id, claim.formerRun());
    }

    private NodeLease.Claim claim(boolean isStart) throws SQLException {
        var begun = lease.now();
        var claim = store.claim(isStart, mailboxes, address, version);
        if (claim.run() > 0) {
            know(claim.others()); // before anybody takes the new run for alone
            self = new Gateway(id, claim.run(), claim.mailbox());
            writing.begin(claim.run());
            isDead = false;
            renewals.begin(begun);
            extendLease(begun);
            drain.forgotten();
        }
        return claim;
    }

    private Duration turnAndWait() throws InterruptedException {
        turn();
        var pause = !isDead && !lease.lasts() ? LOOK : duration.dividedBy(RENEWALS);
        if (wanted.tryAcquire(pause.toMillis(), TimeUnit.MILLISECONDS)) wanted.drainPermits();
        return Duration.ZERO;
    }

    void turn() {
        if (isDead) reenter();
        else if (isSaidToBeDead()) die();
        else renew();
    }

    /**
     * Others say that they have declared a run of this gateway dead, which cannot ask PostgreSQL perhaps: they take no more from it, and send it
     * nothing. On the relay's thread, which must not wait.
     */
    void heardDead(long run) {
        if (run != self.run() || run == deadRun || isDead) return;
        deadRun = run;
        lease.end();
        Thread.ofVirtual().name("sluice-node-death").start(onDeath); // the lease's thread may wait for PostgreSQL
        refresh();
    }

    private boolean isSaidToBeDead() {
        return deadRun == self.run();
    }

    @Override
    public void refresh() {
        wanted.release();
    }

    private void renew() {
        var begun = lease.now();
        NodeLease.View view;
        try {
            view = ask();
        } catch (SQLException first) {
            if (isAway) {
                unanswered(begun, first);
                return;
            }
            // Of a connection that has ended, perhaps in a freeze, it says nothing of PostgreSQL: the next one is
            // fresh.
            isAway = true;
            renew();
            return;
        }
        isAway = false;
        if (view.isOwn()) renewed(begun, view);
        else die();
    }

    private NodeLease.View ask() throws SQLException {
        var now = report.get();
        return store.renew(self.run(), new Report(now.connections(), now.ready(), now.drains() || drain.isToBeSaid()));
    }

    private void renewed(long begun, NodeLease.View view) {
        var wasAway = !lease.lasts() || renewals.haveLapsed();
        renewals.succeeded(begun);
        var before = Set.copyOf(others.all());
        know(view.others());
        sweeps.set(view.sweeps());
        // Who has come did not count on it: their messages have not reached its clients.
        if (wasAway && others.all().stream().anyMatch(it -> it.run() > self.run() && !before.contains(it))) {
            lease.end();
            endConnections("others have come while it");
        }
        extendLease(begun);
        connectionsOfOthers = view.others().stream()
                .filter(other -> other.lasts() && other.takesClients())
                .map(Other::connections)
                .toList();
        drain.is(view.draining());
    }

    private void know(List<Other> found) {
        others.know(found);
        alive.set(1 + others.all().size());
    }

    private void extendLease(long begun) {
        if (!lease.lasts()) period = period + 1;
        lease.from(begun);
        if (isSaidToBeDead()) lease.end(); // it has heard so just now
    }

    /** PostgreSQL may be away for all: no reason to end connections. If it is not, others say when this gateway is dead. */
    private void unanswered(long begun, SQLException failure) {
        renewals.failed();
        sweeps.set(false);
        extendLease(begun);
        away.warn("gateway " + id + " cannot renew its lease: " + failure.getMessage());
    }

    private void die() {
        isDead = true;
        renewals.failed();
        sweeps.set(false);
        lease.end();
        endConnections("it was taken for dead, as it");
        reenter();
    }

    private void endConnections(String why) {
        LOG.errorf(
                "gateway %s (run %d): %s did not renew its lease in time: it ends all its connections",
                id, self.run(), why);
        onDeath.run();
    }

    private void reenter() {
        try {
            var claim = claim(false);
            if (claim.run() > 0) LOG.infof("gateway %s goes on as run %d, mailbox %d", id, self.run(), self.mailbox());
            else refused.error(refusal(claim) + " This one serves nobody meanwhile.");
        } catch (SQLException failure) {
            away.warn("gateway " + id + " cannot register again: " + failure.getMessage());
        }
    }

    /**
     * Whether it may declare others dead: it has renewed its own lease, without a break, for as long as a lease lasts. After an outage of
     * PostgreSQL they had as long as this to renew theirs.
     */
    boolean mayBury() {
        return renewals.areUnbroken();
    }

    /** Its name, which is known before the start. */
    public String id() {
        return id;
    }

    /** What sockets are read under. */
    public Lease lease() {
        return lease;
    }

    /** Whether others have declared it dead, and it could not register again yet: it serves nobody. */
    public boolean isDead() {
        return isDead;
    }

    /** How many connections the others have, of those to which load balancers bring clients. */
    public List<Integer> connectionsOfOthers() {
        return connectionsOfOthers;
    }

    @Override
    public Gateway self() {
        return self;
    }

    @Override
    public Collection<Gateway> others() {
        return others.all();
    }

    @Override
    public Gateway find(String id) {
        return id.equals(this.id) ? self : others.find(id);
    }

    @Override
    public boolean isAlone() {
        return others.isEmpty();
    }

    @Override
    public long period() {
        return period;
    }

    @Override
    public boolean hasAlwaysBeenAlone() {
        return !others.hasHadAny();
    }
}
