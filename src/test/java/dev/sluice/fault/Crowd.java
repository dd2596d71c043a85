package dev.sluice.fault;

import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Publisher;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/** Publishers and subscribers of both versions and of QoS 1 and 2: the first subscriber hears everybody, the others share them. Immutable. */
record Crowd(int publishers, int subscribers) {
    private static final Duration PACE = Duration.ofMillis(250);
    /** More publish more slowly: one subscriber, with QoS 2, hears them all. */
    private static final int AT_FULL_PACE = 100;

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** As many subscribers, whose gateways may take their leave; returns when they have their subscriptions. */
    List<Subscriber> subscribe(Audience audience, String name, boolean persistent) {
        var all = new ArrayList<Subscriber>();
        for (int i = 0; i < subscribers; i++) {
            var filters = i == 0 ? List.of("fleet/+/telemetry") : filters(i);
            var profile = new Subscriber.Profile(name + "-" + i, version(i), qos(i), persistent, filters);
            all.add(audience.add(profile));
            all.getLast().expectDisconnects();
        }
        awaitSubscribed(all);
        return all;
    }

    static void awaitSubscribed(List<Subscriber> subscribers) {
        await("subscriptions").atMost(PATIENCE).until(() -> subscribers.stream()
                .allMatch(it -> it.isOnline() && it.isSubscribed()));
    }

    void publish(Fleet fleet) {
        for (int i = 0; i < publishers; i++) fleet.add(profile(i));
    }

    /** Names each publisher, with each of the subscribers who hear it. */
    void forEachWay(Fleet fleet, List<Subscriber> all, BiConsumer<Publisher, Subscriber> told) {
        for (int s = 0; s < subscribers; s++)
            for (int p = 0; p < publishers; p++)
                if (hears(s, p)) told.accept(fleet.all().get(p), all.get(s));
    }

    private List<String> filters(int subscriber) {
        return IntStream.range(0, publishers)
                .filter(publisher -> hears(subscriber, publisher))
                .mapToObj(publisher -> profile(publisher).topic())
                .toList();
    }

    private boolean hears(int subscriber, int publisher) {
        return subscriber == 0 || publisher % (subscribers - 1) == subscriber - 1;
    }

    private Publisher.Profile profile(int publisher) {
        var qos = qos(publisher);
        return new Publisher.Profile(
                "publisher-" + publisher, version(publisher), qos, qos == QoS.EXACTLY_ONCE, 16, 1, pace(), 128);
    }

    private Duration pace() {
        return PACE.multipliedBy(Math.max(1, publishers / AT_FULL_PACE));
    }

    private static ProtocolVersion version(int number) {
        return number / 2 % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
    }

    private static QoS qos(int number) {
        return number % 2 == 0 ? QoS.EXACTLY_ONCE : QoS.AT_LEAST_ONCE;
    }
}
