package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.QoS;
import dev.sluice.support.AckTimes;
import dev.sluice.support.Publisher;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;

/** The subscribers of one test, each with the publishers that it is to hear; used by the test's thread. */
final class Audience implements AutoCloseable, Iterable<Subscriber> {
    private final List<Subscriber> subscribers = new ArrayList<>();
    private final List<Pair> pairs = new ArrayList<>();
    private final int port;

    /** One way that messages go: those with a number above {@code after} are owed. */
    private record Pair(Publisher publisher, Subscriber subscriber, int after) {
        String topic() {
            return publisher.profile().topic();
        }

        /** The numbers of messages that were acknowledged and have not come. */
        BitSet lost() {
            var lost = publisher.acknowledged();
            lost.andNot(subscriber.inbox().numbers(topic()));
            lost.clear(0, after + 1);
            return lost;
        }

        int repeats() {
            return subscriber.inbox().repeats(topic());
        }

        /** Of what is owed from now on, also those that came before, as far as they were made while it had its subscriptions. */
        int outOfOrder() {
            var inbox = subscriber.inbox();
            return after == 0 ? inbox.outOfOrder(topic()) : inbox.madeSinceOutOfOrder(topic());
        }

        boolean isComplete() {
            var heard = subscriber.inbox().numbers(topic());
            heard.clear(0, after + 1);
            return heard.cardinality() >= publisher.published() - after;
        }

        /** Also of a session without an end: one that ends with its connection is not told what it has had. */
        boolean isExactlyOnce() {
            return after == 0
                    && publisher.profile().qos() == QoS.EXACTLY_ONCE
                    && subscriber.profile().qos() == QoS.EXACTLY_ONCE;
        }

        @Override
        public String toString() {
            return publisher.profile().clientId() + " to "
                    + subscriber.profile().clientId();
        }
    }

    Audience(int port) {
        this.port = port;
    }

    Subscriber add(Subscriber.Profile profile) {
        var subscriber = Subscriber.start(port, profile);
        subscribers.add(subscriber);
        return subscriber;
    }

    /** From the publisher's first message on, the subscriber is owed everything. */
    void owe(Publisher publisher, Subscriber subscriber) {
        pairs.add(new Pair(publisher, subscriber, 0));
    }

    /** The subscriber is owed what the publisher makes from now on: it has a subscription now, and its connection does not break any more. */
    void oweFromNow(Publisher publisher, Subscriber subscriber) {
        pairs.add(new Pair(publisher, subscriber, publisher.published()));
    }

    @Override
    public Iterator<Subscriber> iterator() {
        return subscribers.iterator();
    }

    void awaitAll(Duration time, String what, Predicate<Subscriber> condition) {
        await(what).atMost(time).pollInterval(Duration.ofMillis(20)).until(() -> subscribers.stream()
                .allMatch(condition));
    }

    /** Waits until everything published has come. */
    void awaitComplete(Duration time) {
        await("everything published at those who are owed it")
                .atMost(time)
                .pollInterval(Duration.ofMillis(50))
                .untilAsserted(() -> assertThat(pairs.stream().filter(pair -> !pair.isComplete()))
                        .as("ways on which something is missing")
                        .isEmpty());
    }

    /** Every promise about delivery, once {@link #awaitComplete} has returned. */
    void assertKept() {
        for (var pair : pairs) {
            var inbox = pair.subscriber().inbox();
            var lost = pair.lost();
            assertThat(lost.cardinality())
                    .as("%s: acknowledged and not delivered: %s", pair, lost)
                    .isZero();
            assertThat(pair.outOfOrder())
                    .as("%s: first deliveries out of order: %s", pair, inbox.disorder())
                    .isZero();
            if (pair.isExactlyOnce())
                assertThat(inbox.repeats(pair.topic()))
                        .as("%s: delivered again at QoS 2", pair)
                        .isZero();
        }
        for (var subscriber : subscribers) {
            var what = subscriber.profile().clientId();
            assertThat(subscriber.complaints()).as(what).isEmpty();
            assertThat(subscriber.sessionsLost()).as(what + ": sessions lost").isZero();
        }
    }

    /** Nothing came twice at any QoS: for tests in which no connection breaks. */
    void assertNoRepeats() {
        for (var pair : pairs)
            assertThat(pair.subscriber().inbox().repeats(pair.topic()))
                    .as("%s: delivered again", pair)
                    .isZero();
    }

    /** All messages that came, repeats included. */
    int messages() {
        return subscribers.stream().mapToInt(it -> it.inbox().messages()).sum();
    }

    /** A percentile of the time from a message's making to its arrival, in milliseconds. */
    double percentile(double share, long from, long to) {
        return AckTimes.percentile(
                share, subscribers.stream().map(it -> it.inbox().delays()).toList(), from, to);
    }

    String report() {
        return "delivered %,d, acknowledged and not delivered %,d, out of order %,d, twice at QoS 2 %,d, repeated at QoS 1 %,d, subscribers' connects %,d"
                .formatted(
                        messages(),
                        pairs.stream().mapToInt(it -> it.lost().cardinality()).sum(),
                        pairs.stream().mapToInt(Pair::outOfOrder).sum(),
                        repeats(true),
                        repeats(false),
                        subscribers.stream().mapToInt(Subscriber::connects).sum());
    }

    private int repeats(boolean exactlyOnce) {
        return pairs.stream()
                .filter(pair -> pair.isExactlyOnce() == exactlyOnce)
                .mapToInt(Pair::repeats)
                .sum();
    }

    @Override
    public void close() {
        subscribers.forEach(Subscriber::close);
    }
}
