package dev.sluice.broker;

import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicFilter;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;

/** Judges the Topic Filters that PostgreSQL holds: they may be of a time with wider bounds. Any thread may use it. */
final class StoredFilters {
    private static final Logger LOG = Logger.getLogger(StoredFilters.class);

    private final int mostLevels;
    private final BrokerMeters meters;
    /** Whether it was said that stored subscriptions are skipped. */
    private final AtomicBoolean skipped = new AtomicBoolean();

    StoredFilters(int mostLevels, BrokerMeters meters) {
        this.mostLevels = mostLevels;
        this.meters = meters;
    }

    /** Those that are. */
    List<StoredSubscription> within(String clientId, List<StoredSubscription> stored) {
        return stored.stream().filter(each -> areWithinBounds(clientId, each)).toList();
    }

    /** False if the subscription is to be skipped, which is counted. */
    boolean areWithinBounds(String clientId, StoredSubscription stored) {
        var mistake = TopicFilter.mistake(stored.filter());
        if (mistake.isEmpty() && !TopicFilter.ofWellFormed(stored.filter()).hasMoreLevelsThan(mostLevels)) return true;
        meters.skippedSubscription();
        if (!skipped.getAndSet(true))
            LOG.warnf(
                    "a subscription of client %s in PostgreSQL is skipped: its Topic Filter %s; further ones are"
                            + " counted in sluice_store_above_bounds_total, and not logged",
                    TraceText.line(clientId),
                    mistake.orElse("has more than " + mostLevels + " levels (sluice.mqtt.topic-levels-maximum)"));
        return false;
    }
}
