package dev.sluice.broker;

import dev.sluice.broker.routing.Router;
import dev.sluice.broker.routing.Subscriber;
import dev.sluice.clock.Repeating;
import dev.sluice.cluster.Gateways;
import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage.Place;
import dev.sluice.cluster.RelayMessage.Queued;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.delivery.QueueReader;
import dev.sluice.store.journal.QueuedElsewhere;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Tells other gateways that their clients' queues have got messages, and has the clients here read theirs when others tell. Where a letter may
 * be missing it looks at the queues. Owns one virtual thread, which looks; any thread may use it.
 *
 * <p>A message that is committed while its session is being opened may be told to nobody: who commits it does not see the open, and who opens
 * does not see the message. So each queue is looked at twice after its session was opened, the second time later than any transaction that
 * had begun before may end.
 */
final class FleetQueues {
    private static final Logger LOG = Logger.getLogger(FleetQueues.class);

    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final Duration FIRST_LOOK = Duration.ofSeconds(1);
    /** Longer than a transaction of the journal may take. */
    private static final Duration LAST_LOOK = Duration.ofSeconds(15);

    private static final int AT_ONCE = 1000;

    private final Router router;
    private final Supplier<Iterator<EndedSession>> online;
    private final QueueReader queues;
    private final Gateways gateways;
    private final Relay relay;
    private final BooleanSupplier isKafkaThere;
    private final BrokerMeters meters;
    private final Repeating looking = Repeating.onVirtualThread("sluice-fleet-queues");
    private final Queue<Opened> first = new ConcurrentLinkedQueue<>();
    private final Queue<Opened> last = new ConcurrentLinkedQueue<>();
    /** What the relay had no room for, by session: it is told again. */
    private final Map<EndedSession, QueuedElsewhere> untold = new ConcurrentHashMap<>();
    /** Whether a letter of another gateway may be missing: all queues are looked at once. */
    private volatile boolean missed;

    private record Opened(EndedSession session, long at) {
        boolean isOlderThan(Duration age, long now) {
            return now - at >= age.toNanos();
        }
    }

    /**
     * @param online the sessions whose connections are here
     * @param isKafkaThere whether Kafka has answered when it was asked last
     */
    FleetQueues(
            Router router,
            Supplier<Iterator<EndedSession>> online,
            QueueReader queues,
            Gateways gateways,
            Relay relay,
            BooleanSupplier isKafkaThere,
            BrokerMeters meters) {
        this.router = router;
        this.online = online;
        this.queues = queues;
        this.gateways = gateways;
        this.relay = relay;
        this.isKafkaThere = isKafkaThere;
        this.meters = meters;
        relay.on(Queued.class, (_, letter) -> letter.places().forEach(this::queued));
        relay.onGap(_ -> missed = true);
        relay.onForgotten(_ -> missed = true);
    }

    void start() {
        looking.every(INTERVAL, this::look);
    }

    void stop() {
        looking.stop();
    }

    /** Tells who holds the sessions; nobody waits for it. */
    void tell(List<QueuedElsewhere> queued) {
        if (relay.isAlone()) return;
        var byNode = queued.stream().collect(Collectors.groupingBy(QueuedElsewhere::node));
        byNode.forEach((node, theirs) -> {
            var gateway = gateways.find(node);
            if (gateway == null) return; // who opens the sessions next finds the messages
            var places = theirs.stream()
                    .map(each -> new Place(each.clientId(), each.sessionId(), each.seq()))
                    .toList();
            for (var part : LetterParts.of(places, place -> place.clientId().length()))
                relay.send(gateway, new Queued(part), has -> {
                    if (!has) part.forEach(place -> untold(node, place));
                });
        });
    }

    private void untold(String node, Place place) {
        untold.merge(
                new EndedSession(place.clientId(), place.sessionId()),
                new QueuedElsewhere(node, place.clientId(), place.sessionId(), place.seq()),
                (one, other) -> one.seq() > other.seq() ? one : other);
    }

    private void tellAgain() {
        var again = List.copyOf(untold.values());
        again.forEach(each -> untold.remove(new EndedSession(each.clientId(), each.sessionId()), each));
        if (!again.isEmpty()) tell(again);
    }

    private void queued(Place place) {
        var subscriber = find(place.clientId(), place.sessionId());
        if (subscriber != null) subscriber.queued(place.seq());
    }

    private Subscriber find(String clientId, long sessionId) {
        var subscriber = router.find(clientId);
        return subscriber != null && subscriber.sessionId() == sessionId ? subscriber : null;
    }

    /** A connection here holds this stored session from now on. */
    void opened(EndedSession session) {
        if (!gateways.isAlone()) first.add(new Opened(session, System.nanoTime()));
    }

    /** Blocking. */
    void look() {
        tellAgain();
        try {
            var now = System.nanoTime();
            look(first, FIRST_LOOK, now, last);
            look(last, LAST_LOOK, now, null);
            if (!missed && (isKafkaThere.getAsBoolean() || gateways.isAlone())) return;
            missed = false;
            lookAtAll();
        } catch (StoreUnavailable away) {
            missed = true; // what was taken, too
            LOG.debugf("queues are looked at later: %s", away.getMessage());
        }
    }

    private void look(Queue<Opened> some, Duration age, long now, Queue<Opened> then) {
        var page = new ArrayList<EndedSession>();
        while (some.peek() instanceof Opened next && next.isOlderThan(age, now)) {
            some.remove();
            if (then != null) then.add(next);
            page.add(next.session);
            if (page.size() == AT_ONCE) {
                look(page);
                page.clear();
            }
        }
        look(page);
    }

    private void lookAtAll() {
        var page = new ArrayList<EndedSession>();
        for (var each = online.get(); each.hasNext(); ) {
            page.add(each.next());
            if (page.size() == AT_ONCE) {
                look(page);
                page.clear();
            }
        }
        look(page);
    }

    private void look(List<EndedSession> sessions) {
        var stored = sessions.stream()
                .map(session -> find(session.clientId(), session.id()))
                .filter(subscriber -> subscriber != null && subscriber.isDurable() && subscriber.recipient() != null)
                .collect(Collectors.toMap(Subscriber::sessionId, subscriber -> subscriber, (one, _) -> one));
        if (stored.isEmpty()) return;
        queues.lastSeqs(stored.keySet()).forEach((id, seq) -> {
            var subscriber = stored.get(id);
            if (seq <= subscriber.lastSeq()) return;
            meters.foundQueued();
            subscriber.queued(seq);
        });
    }
}
