package dev.sluice.broker;

import dev.sluice.broker.routing.LiveSubscription;
import dev.sluice.broker.routing.RetainedRecipient;
import dev.sluice.packet.Message;
import dev.sluice.packet.QoS;
import dev.sluice.store.delivery.RetainedReader.Asked;
import dev.sluice.store.delivery.RetainedReader.Outcome;
import dev.sluice.store.delivery.RetainedReader.Owed;
import dev.sluice.topic.NameIndex.Found;
import dev.sluice.topic.NameIndex.Place;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The transfer to a persistent session: PostgreSQL copies messages into its queue, some at a time, and notes how far it has come, so that
 * the next connection goes on there. Messages of QoS 0 go to the socket. As {@link RetainedTransfer}.
 */
final class DurableTransfer extends RetainedTransfer {
    /** Until PostgreSQL has committed what this gateway has accepted. */
    private static final Duration COMMIT = Duration.ofMillis(20);

    private static final Duration FULL = Duration.ofSeconds(1);

    private final long since;
    private final long begun;
    private final int mostCopies;
    /** The last topic that the subscription has been given; confined to who reads. */
    private TopicName after;
    /** The one that PostgreSQL has noted; that may be an earlier one. */
    private TopicName noted;

    DurableTransfer(
            RetainedRecipient connection,
            RetainedMessages retained,
            RetainedTransfers all,
            LiveSubscription subscription,
            long since,
            long begun,
            TopicName after,
            int mostCopies) {
        super(connection, retained, all, subscription, after == null ? Place.START : Place.behind(after));
        this.since = since;
        this.begun = begun;
        this.after = after;
        this.noted = after;
        this.mostCopies = mostCopies;
    }

    @Override
    int mostTopics() {
        return mostCopies;
    }

    @Override
    Loaded read(Found found) {
        ask(found.names());
        var topics = new ArrayList<TopicName>();
        for (var name : found.names()) {
            var uncommitted = retained.topics().uncommitted(name);
            if (uncommitted != null && uncommitted.stamp() > begun) continue;
            if (uncommitted != null) {
                if (topics.isEmpty()) return Loaded.later(COMMIT);
                return copy(topics, Place.behind(topics.getLast()));
            }
            topics.add(name);
        }
        return topics.isEmpty() ? Loaded.nothing(found.next()) : copy(topics, found.next());
    }

    private Loaded copy(List<TopicName> topics, Place behindAll) {
        var asked =
                new Asked(topics, Long.MIN_VALUE, since, begun, subscription().maximumQoS(), PAGE_BYTES);
        return switch (retained.reader().copy(owed(), asked, noted, after)) {
            case Outcome.Over() -> null;
            case Outcome.Full() -> Loaded.later(FULL);
            case Outcome.Elsewhere(var there) -> {
                after = there;
                noted = there;
                yield Loaded.nothing(there == null ? Place.START : Place.behind(there));
            }
            case Outcome.Copied(var live, var covered, var upto, var lastSeq) -> {
                noted = upto;
                after = topics.get(covered - 1);
                var next = covered < topics.size() ? Place.behind(after) : behindAll;
                yield new Loaded(live, List.of(), next, lastSeq, null);
            }
        };
    }

    private Owed owed() {
        var subscription = subscription();
        return new Owed(
                connection.clientId(),
                connection.epoch(),
                subscription.filter().toString(),
                since,
                RetainedTransfer.identifiers(subscription));
    }

    @Override
    List<Message> live(List<Message> messages) {
        var maximumQoS = subscription().maximumQoS();
        return messages.stream()
                .filter(message -> message.qos().min(maximumQoS) == QoS.AT_MOST_ONCE)
                .toList();
    }

    @Override
    void finish() {
        retained.reader().finish(owed());
    }
}
