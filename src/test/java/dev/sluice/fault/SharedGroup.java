package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Publisher;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** The members of one Shared Subscription, with sessions that outlive their connections, and its publishers; used by the test's thread. */
final class SharedGroup implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final List<Subscriber> members = new ArrayList<>();
    private final List<Publisher> publishers = new ArrayList<>();

    /** Members who take turns at what these publish. Returns when all are subscribed. */
    static SharedGroup start(int port, int members, List<Publisher.Profile> profiles, Fleet fleet) {
        return start(Collections.nCopies(members, port), profiles, fleet);
    }

    /** @param ports one for each member */
    static SharedGroup start(List<Integer> ports, List<Publisher.Profile> profiles, Fleet fleet) {
        var filters = profiles.stream()
                .map(profile -> "$share/crew/" + profile.topic())
                .toList();
        var group = new SharedGroup();
        for (int i = 0; i < ports.size(); i++) {
            var version = i % 2 == 0 ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
            group.members.add(Subscriber.start(
                    ports.get(i), new Subscriber.Profile("member-" + i, version, QoS.EXACTLY_ONCE, true, filters)));
        }
        await("shared subscriptions").atMost(PATIENCE).until(() -> group.members.stream()
                .allMatch(Subscriber::isSubscribed));
        for (var profile : profiles) {
            fleet.add(profile);
            group.publishers.add(fleet.all().getLast());
        }
        return group;
    }

    private SharedGroup() {}

    /** That a gateway takes its leave is nothing to complain of. */
    void expectDisconnects() {
        members.forEach(Subscriber::expectDisconnects);
    }

    List<Subscriber> members() {
        return members;
    }

    void wander(Random random, Duration longest) {
        members.forEach(member -> member.wander(random.nextLong(), longest));
    }

    /** Everybody comes back; returns when everything acknowledged is with somebody. */
    void finish(Duration time) {
        members.forEach(Subscriber::stay);
        await("everything acknowledged at a member of the group").atMost(time).untilAsserted(() -> assertThat(lost())
                .isZero());
    }

    private int lost() {
        int lost = 0;
        for (var publisher : publishers) {
            var missing = publisher.acknowledged();
            missing.andNot(seen(publisher));
            lost += missing.cardinality();
        }
        return lost;
    }

    private BitSet seen(Publisher publisher) {
        var seen = new BitSet();
        for (var member : members)
            seen.or(member.inbox().numbers(publisher.profile().topic()));
        return seen;
    }

    int messages() {
        return members.stream().mapToInt(it -> it.inbox().messages()).sum();
    }

    /** Messages of QoS 2 that came again, to the same member or to another. */
    private int twice() {
        int twice = 0;
        for (var publisher : publishers) {
            if (publisher.profile().qos() != QoS.EXACTLY_ONCE) continue;
            var topic = publisher.profile().topic();
            for (var member : members)
                twice += member.inbox().distinct(topic) + member.inbox().repeats(topic);
            twice -= seen(publisher).cardinality();
        }
        return twice;
    }

    /** Each message of QoS 2 is with one member, once. */
    void assertKept() {
        assertThat(twice()).as("messages of QoS 2 that came twice to the group").isZero();
        for (var member : members) {
            assertThat(member.complaints()).isEmpty();
            assertThat(member.sessionsLost()).isZero();
        }
    }

    String report() {
        return "to the group %,d, lost %,d, twice %,d".formatted(messages(), lost(), twice());
    }

    @Override
    public void close() {
        members.forEach(Subscriber::close);
    }
}
