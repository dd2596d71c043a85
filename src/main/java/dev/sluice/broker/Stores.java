package dev.sluice.broker;

import dev.sluice.store.delivery.QueueReader;
import dev.sluice.store.delivery.RetainedReader;
import dev.sluice.store.delivery.RetainedTopics;
import dev.sluice.store.delivery.SharedQueues;
import dev.sluice.store.journal.Journal;
import dev.sluice.store.session.SessionStore;
import dev.sluice.store.session.SubscriptionReader;
import dev.sluice.store.session.Wills;
import jakarta.inject.Singleton;

/** What the broker needs of PostgreSQL. Immutable; each part may be used from any thread. */
@Singleton
final class Stores {
    final SessionStore sessions;
    final Journal journal;
    final SubscriptionReader subscriptions;
    final QueueReader queues;
    final SharedQueues sharedQueues;
    final RetainedTopics retainedTopics;
    final RetainedReader retained;
    final Wills wills;

    Stores(
            SessionStore sessions,
            Journal journal,
            SubscriptionReader subscriptions,
            QueueReader queues,
            SharedQueues sharedQueues,
            RetainedTopics retainedTopics,
            RetainedReader retained,
            Wills wills) {
        this.sessions = sessions;
        this.journal = journal;
        this.subscriptions = subscriptions;
        this.queues = queues;
        this.sharedQueues = sharedQueues;
        this.retainedTopics = retainedTopics;
        this.retained = retained;
        this.wills = wills;
    }
}
