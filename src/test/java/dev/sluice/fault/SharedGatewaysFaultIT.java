package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.support.Publisher;
import dev.sluice.support.Subscriber;
import java.time.Duration;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A Shared Subscription with stored members at three gateways, whose publishers are all connected to the first one: all get their share, the
 * death of a gateway loses nothing, and what nobody was there for goes to whoever comes first, at whatever gateway.
 */
@Tag("long")
class SharedGatewaysFaultIT {
    private static final Duration PATIENCE = Duration.ofSeconds(180);
    private static final Duration PACE = Duration.ofMillis(50);
    private static final int AT_EACH = 2;
    private static final int SPREAD = 300;
    private static final String VICTIM = "gateway-3";

    private GatewayFleet gateways;
    private Fleet publishers;
    private SharedGroup group;

    @Test
    void whoeverIsThereGetsWhatIsSharedAndNothingIsLost() {
        try (var started = GatewayFleet.start("shared-gateways", 3);
                var fleet = new Fleet(started.port("gateway-1"));
                var members = SharedGroup.start(ports(started), profiles(), fleet)) {
            gateways = started;
            publishers = fleet;
            group = members;
            assertSpread();
            gateways.kill(VICTIM);
            publishers.awaitProgress(PATIENCE, 20, publishers.all());
            awaitConnected(4);
            assertAllGoesToThoseThatAreThere();
            assertWhoComesGetsWhatWaits();
            gateways.restart(VICTIM);
            group.members().forEach(Subscriber::come);
            publishers.quiet(PATIENCE);
            group.finish(PATIENCE);
            System.out.println("shared gateways: " + group.report());
            group.assertKept();
            await("empty queues").atMost(PATIENCE).until(() -> gateways.query("SELECT count(*) FROM queued")
                    .equals("0"));
        }
    }

    private static List<Integer> ports(GatewayFleet gateways) {
        return IntStream.range(0, 3 * AT_EACH)
                .mapToObj(i -> gateways.port("gateway-" + (1 + i / AT_EACH)))
                .toList();
    }

    private static List<Publisher.Profile> profiles() {
        return IntStream.range(0, 4)
                .mapToObj(i -> {
                    var qos = i % 2 == 0 ? QoS.EXACTLY_ONCE : QoS.AT_LEAST_ONCE;
                    return new Publisher.Profile(
                            "shared-" + i, ProtocolVersion.V5, qos, qos == QoS.EXACTLY_ONCE, 16, 1, PACE, 128);
                })
                .toList();
    }

    private void assertSpread() {
        await("messages for all members").atMost(PATIENCE).until(() -> group.messages() >= SPREAD);
        var mean = group.messages() / group.members().size();
        for (var member : group.members())
            assertThat(member.inbox().messages())
                    .as(member.profile().clientId())
                    .isBetween(mean / 2, 2 * mean);
    }

    /** Members whose connections are known to have ended, or to last. */
    private void awaitConnected(int members) {
        await(members + " members connected").atMost(PATIENCE).until(() -> gateways.query(
                        "SELECT count(*) FROM session WHERE connected AND client_id LIKE 'member-%'")
                .equals(String.valueOf(members)));
    }

    /** Once the dead gateway's sessions are known to be away. */
    private void assertAllGoesToThoseThatAreThere() {
        var from = published();
        publishers.awaitProgress(PATIENCE, 20, publishers.all());
        awaitAllAt(group.members().subList(0, 2 * AT_EACH), from);
    }

    private void assertWhoComesGetsWhatWaits() {
        group.members().forEach(member -> member.leave(true));
        awaitConnected(0);
        var from = published();
        publishers.awaitProgress(PATIENCE, 10, publishers.all());
        var first = group.members().get(AT_EACH);
        first.come();
        awaitAllAt(List.of(first), from);
    }

    private Map<Publisher, Integer> published() {
        var published = new LinkedHashMap<Publisher, Integer>();
        for (var publisher : publishers.all()) published.put(publisher, publisher.published());
        return published;
    }

    /** What was acknowledged until now, of the messages behind these, gets to one of the members. */
    private static void awaitAllAt(List<Subscriber> members, Map<Publisher, Integer> from) {
        var owed = new LinkedHashMap<Publisher, BitSet>();
        from.forEach((publisher, last) -> {
            var acknowledged = publisher.acknowledged();
            acknowledged.clear(0, last + 1);
            owed.put(publisher, acknowledged);
        });
        await("what was acknowledged at those who are there")
                .atMost(PATIENCE)
                .untilAsserted(() -> owed.forEach((publisher, numbers) -> {
                    var missing = (BitSet) numbers.clone();
                    for (var member : members)
                        missing.andNot(
                                member.inbox().numbers(publisher.profile().topic()));
                    assertThat(missing).as(publisher.profile().topic()).isEqualTo(new BitSet());
                }));
    }
}
