package dev.sluice.store.delivery;

import dev.sluice.config.MqttConfig;
import dev.sluice.packet.Message;
import dev.sluice.store.StoreClock;
import dev.sluice.store.StoreRequests;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.topic.NameIndex;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongFunction;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Owns the names of all topics that have a retained message, and the retained messages that this gateway has accepted and PostgreSQL has
 * not committed yet. Any thread may use it; only {@link #load}, {@link #learn} and {@link #forgetGone} ask PostgreSQL.
 *
 * <p>A name may be here for a message that PostgreSQL has not, or not any more; never the other way round, as far as this gateway's own
 * writes go. What other gateways retain is learned of by {@link #load} and {@link #learn} only, and what they clear by {@link #forgetGone}.
 */
@ApplicationScoped
public class RetainedTopics {
    private static final Logger LOG = Logger.getLogger(RetainedTopics.class);
    private static final int PAGE_ROWS = 5000;
    /** Of names: a page with more of them ends early. */
    private static final long PAGE_BYTES = 1 << 22;
    /** So many rows are in memory at a time, as a name may have 65,535 bytes. */
    private static final int ROWS_AT_ONCE = 200;
    /** Names that PostgreSQL is asked about at a time, and their bytes. */
    private static final int ASKED = 500;

    private static final long ASKED_BYTES = 1 << 20;
    /** Characters of a topic that are in the index of PostgreSQL. */
    private static final int INDEXED = 400;

    /** In the order of the index, from the topic after the last page's. */
    private static final String PAGE = """
            SELECT topic, stamp, octet_length(payload) = 0 AS cleared, left(topic, 400) AS begin, hashtextextended(topic, 0) AS hash
              FROM retained WHERE (left(topic, 400), hashtextextended(topic, 0)) > (?, ?)
             ORDER BY left(topic, 400), hashtextextended(topic, 0) LIMIT ?""";

    private final StoreRequests requests;
    private final StoreClock clock;
    private final RetainedBounds bounds;
    private final NameIndex names = new NameIndex();
    private final Map<TopicName, Changes> changing = new ConcurrentHashMap<>();
    private final JointReads<TopicFilter> learning = new JointReads<>();
    private final AtomicLong lastStamp = new AtomicLong();
    /** Whether a topic has been found without room since names were looked through. */
    private volatile boolean isFull;
    /** Whether the names are yet to be read that PostgreSQL had at the start. */
    private volatile boolean loading;
    /** Read: a message is stamped and routed. Write: a subscription begins. */
    private final ReentrantReadWriteLock routing = new ReentrantReadWriteLock();

    @Inject
    public RetainedTopics(StoreRequests requests, StoreClock clock, MqttConfig config, MeterRegistry meters) {
        this(requests, clock, new RetainedBounds(config.retainedMaximum(), config.retainedNameBytes()), meters);
    }

    public RetainedTopics(StoreRequests requests, StoreClock clock, RetainedBounds bounds, MeterRegistry meters) {
        this.requests = requests;
        this.clock = clock;
        this.bounds = bounds;
        Gauge.builder("sluice.retained.name.bytes", names, NameIndex::bytes)
                .description("Bytes of the names of topics that have a retained message")
                .baseUnit("bytes")
                .register(meters);
        Gauge.builder("sluice.retained", names, NameIndex::size)
                .description("Retained messages, those of all gateways as far as this one knows")
                .register(meters);
    }

    /**
     * Whether a message may be retained for a topic. A PUBLISH above the bound is refused as a whole: that it is delivered and not retained, nobody
     * would notice.
     */
    public boolean hasRoomFor(TopicName topic) {
        var isWithin = (bounds.count() == 0 || names.size() < bounds.count())
                && (bounds.nameBytes() == 0 || names.bytes() + topic.utf8().length <= bounds.nameBytes());
        if (isWithin || contains(topic)) return true;
        isFull = true;
        return false;
    }

    /** Whether somebody was told that there is no room, since names were looked through last. */
    public boolean isFull() {
        return isFull;
    }

    /** A message that PostgreSQL has not committed yet; an empty payload clears. */
    public record Uncommitted(Message message, long stamp) {}

    /** What is under way of one topic; changed within the map's own lock of the topic. */
    private static final class Changes {
        private int underWay;
        private Uncommitted newest;
        /** The highest stamp that PostgreSQL has committed since there is an entry. */
        private long committed;
        /** Whether that left a message. */
        private boolean isSet;
        /** Whether the name is here only for what is under way. */
        private boolean isNew;
        /** Whether the message that was there has been deleted. */
        private boolean isSwept;
        /** Whether a message was found in PostgreSQL since then: whoever has asked relies on the name. */
        private boolean isFound;
    }

    /**
     * Reads the names of all topics; waits a minute for PostgreSQL at each page. Takes those above the bounds as well: a message whose topic is
     * not known would reach no subscriber.
     *
     * @param isOver whether nobody wants to know any more
     * @throws StoreUnavailable when PostgreSQL does not answer for so long: some may be known
     */
    public void load(BooleanSupplier isOver) {
        var place = new Place("", Long.MIN_VALUE);
        while (place != null && !isOver.getAsBoolean()) {
            var after = place;
            place = requests.routing()
                    .callAtStart("reading the topics of retained messages", it -> ask(it, after, PAGE_ROWS, _ -> true));
        }
        if (place != null) return;
        loading = false;
        if (bounds.nameBytes() > 0 && names.bytes() > bounds.nameBytes())
            LOG.warnf(
                    "the topics of retained messages have %d bytes, more than sluice.mqtt.retained-name-bytes (%d): all are kept, and need"
                            + " heap; no further topic gets a retained message before some are cleared",
                    names.bytes(), bounds.nameBytes());
    }

    /** The gateway starts, without a connection yet, and is about to {@link #load}. */
    public void expectLoad() {
        loading = true;
    }

    /** Whether the names are known that PostgreSQL had at the start. */
    public boolean isLoaded() {
        return !loading;
    }

    /**
     * Learns the names that a filter matches, those of other gateways included: in time that grows with the number of names that begin as
     * these do, together with others that have the same filter. Blocks, so it is called on virtual threads.
     *
     * @param isOver whether nobody wants to know any more
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public void learn(TopicFilter filter, BooleanSupplier isOver) {
        learning.read(filter, isOver, () -> learnNames(filter, isOver));
    }

    /** Whether all are known. */
    private boolean learnNames(TopicFilter filter, BooleanSupplier isOver) {
        var beginning = indexed(filter.commonBeginning());
        var most = filter.isExact() && beginning.equals(filter.toString()) ? 1 : PAGE_ROWS;
        var place = new Place(beginning, Long.MIN_VALUE);
        while (place != null && place.begin().startsWith(beginning)) {
            if (isOver.getAsBoolean()) return false;
            var after = place;
            place = requests.retained()
                    .call("looking for retained messages", it -> ask(it, after, most, filter::matches));
        }
        return true;
    }

    /** As PostgreSQL counts characters. */
    private static String indexed(String topic) {
        if (topic.codePointCount(0, topic.length()) <= INDEXED) return topic;
        return topic.substring(0, topic.offsetByCodePoints(0, INDEXED));
    }

    private record Place(String begin, long hash) {}

    /** @param isWanted whether a topic is to be known */
    private Place ask(Connection connection, Place after, int most, Predicate<String> isWanted) throws SQLException {
        try (var page = connection.prepareStatement(PAGE)) {
            page.setString(1, after.begin());
            page.setLong(2, after.hash());
            page.setInt(3, most);
            page.setFetchSize(ROWS_AT_ONCE);
            Place last = null;
            var found = 0;
            var bytes = 0L;
            try (var rows = page.executeQuery()) {
                for (; bytes < PAGE_BYTES && rows.next(); found++) {
                    var topic = rows.getString("topic");
                    var name = TopicName.of(topic);
                    bytes += name.utf8().length;
                    if (!rows.getBoolean("cleared") && isWanted.test(topic)) found(name);
                    lastStamp.accumulateAndGet(rows.getLong("stamp"), Math::max);
                    last = new Place(rows.getString("begin"), rows.getLong("hash"));
                }
            }
            return found == PAGE_ROWS || bytes >= PAGE_BYTES ? last : null;
        }
    }

    /** PostgreSQL has a message of the topic. Noted first, so that whoever is about to remove the name leaves it. */
    public void found(TopicName topicName) {
        changing.computeIfPresent(topicName, (_, changes) -> {
            synchronized (changes) {
                changes.isFound = true;
            }
            return changes;
        });
        names.add(topicName);
    }

    /**
     * Forgets the names of topics that have no message in PostgreSQL any more, as other gateways have cleared it, or deleted it when it had
     * expired. Blocks, in time that grows with the number of all names.
     *
     * @param isOver whether to stop half way
     * @return how many
     * @throws StoreUnavailable when PostgreSQL cannot be asked now: some may have been forgotten
     */
    public int forgetGone(BooleanSupplier isOver) {
        isFull = false;
        var forgotten = 0;
        for (var place = NameIndex.Place.START; place != null && !isOver.getAsBoolean(); ) {
            var some = names.next(place, ASKED, ASKED_BYTES);
            forgotten += forgetGone(some.names());
            place = some.next();
        }
        return forgotten;
    }

    /**
     * Whether PostgreSQL has a message of a topic, of which another gateway may not have told; blocks.
     *
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     */
    public boolean isRetained(TopicName topicName) {
        return requests.retained()
                .call("looking for a retained message", it -> GoneTopics.among(it, List.of(topicName)))
                .isEmpty();
    }

    /** What is committed here from now on, PostgreSQL need not have when it answers. */
    private int forgetGone(List<TopicName> some) {
        sweeping(some);
        Set<TopicName> gone = Set.of();
        try {
            gone = requests.retained()
                    .call("looking whether messages are still retained", it -> GoneTopics.among(it, some));
            return gone.size();
        } finally {
            for (var topicName : some) swept(List.of(topicName), gone.contains(topicName));
        }
    }

    /** How many topics have a retained message. */
    public long size() {
        return names.size();
    }

    public boolean contains(TopicName topicName) {
        return names.contains(topicName);
    }

    /** As {@link NameIndex#find}. */
    public NameIndex.Found find(TopicFilter filter, NameIndex.Place after, int most, int steps) {
        return names.find(filter, after, most, steps);
    }

    /** The newest message of a topic, while PostgreSQL has not committed it; else null. */
    public Uncommitted uncommitted(TopicName topicName) {
        var changes = changing.get(topicName);
        if (changes == null) return null;
        synchronized (changes) {
            var newest = changes.newest;
            return newest == null || newest.stamp() <= changes.committed ? null : newest;
        }
    }

    /**
     * The time now in microseconds since 1970, later than any that was given before or that PostgreSQL has. By PostgreSQL's clock, as gateways
     * compare the stamps of each other's messages.
     */
    public long stamp() {
        return lastStamp.updateAndGet(last -> Math.max(last + 1, clock.micros()));
    }

    /** @param answer what the work has returned */
    public record Begun<T>(T answer, long stamp) {}

    /**
     * Begins a subscription. Messages that were {@link #announce announced} up to the stamp are not routed to it, those with a later one
     * are.
     */
    public <T> Begun<T> begin(Supplier<T> subscribe) {
        routing.writeLock().lock();
        try {
            return new Begun<>(subscribe.get(), stamp());
        } finally {
            routing.writeLock().unlock();
        }
    }

    /**
     * Gives a message its stamp, lets readers see it, and then routes it. Has to be followed by {@link #settled}.
     *
     * @param route is given the stamp
     */
    public <T> T announce(Message message, LongFunction<T> route) {
        routing.readLock().lock();
        try {
            var stamp = stamp();
            announce(message, stamp);
            return route.apply(stamp);
        } finally {
            routing.readLock().unlock();
        }
    }

    /** The same for a message that is routed later, or was before. */
    public long announce(Message message) {
        return announce(message, stamp -> stamp);
    }

    private void announce(Message message, long stamp) {
        changing.compute(message.topicName(), (topicName, known) -> {
            var changes = known == null ? new Changes() : known;
            synchronized (changes) {
                changes.underWay++;
                if (changes.newest == null || changes.newest.stamp() < stamp)
                    changes.newest = new Uncommitted(message, stamp);
                if (message.payload().length > 0 && names.add(topicName)) changes.isNew = true;
            }
            return changes;
        });
    }

    /** What was announced is over: PostgreSQL has made it the retained message of its topic, or never will. */
    public void settled(Message message, long stamp, boolean isRetained) {
        changing.computeIfPresent(message.topicName(), (topicName, changes) -> {
            synchronized (changes) {
                if (isRetained && stamp > changes.committed) {
                    changes.committed = stamp;
                    changes.isSet = message.payload().length > 0;
                    changes.isFound = false;
                }
                var isNewest = changes.newest != null && changes.newest.stamp() == stamp;
                if (isNewest && !isRetained) changes.newest = null;
                return lessOne(topicName, changes);
            }
        });
    }

    /** Messages are about to be deleted, or may have been; followed by {@link #swept}. */
    void sweeping(List<TopicName> some) {
        for (var topicName : some)
            changing.compute(topicName, (_, known) -> {
                var changes = known == null ? new Changes() : known;
                synchronized (changes) {
                    changes.underWay++;
                }
                return changes;
            });
    }

    void swept(List<TopicName> some, boolean areDeleted) {
        for (var topicName : some)
            changing.computeIfPresent(topicName, (_, changes) -> {
                synchronized (changes) {
                    changes.isSwept |= areDeleted;
                    return lessOne(topicName, changes);
                }
            });
    }

    /** With nothing under way any more, the name is here if the topic has a message. */
    private Changes lessOne(TopicName topicName, Changes changes) {
        if (--changes.underWay > 0) return changes;
        if (changes.committed > 0) {
            if (changes.isSet) names.add(topicName);
            else if (!changes.isFound) names.remove(topicName);
        } else if ((changes.isNew || changes.isSwept) && !changes.isFound) {
            names.remove(topicName);
        }
        return null;
    }
}
