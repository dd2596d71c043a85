package dev.sluice.uplink.spool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.journal.JournalWrite.Outcome;
import dev.sluice.store.journal.SpoolRow;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.ClientUplink;
import dev.sluice.uplink.Forwarding;
import dev.sluice.uplink.UplinkRig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** One Kafka topic has an outage of its own, while Kafka answers. */
class TopicAwayTest {
    private static final String AWAY = "away";

    private final UplinkRig rig = new UplinkRig(Map.of(
            "outage", "spool",
            "routes.each.filter", "to/{kafka}",
            "routes.each.kafka-topic", "{kafka}"));
    private final List<Forwarding> answered = new ArrayList<>();
    private final ClientUplink client = rig.uplink.open("client", null, 1, true, Runnable::run, answered::add);
    private int packetId;

    private void publish(String kafkaTopic) {
        var publish = new Packet.Publish(
                false,
                QoS.AT_LEAST_ONCE,
                false,
                TopicName.of("to/" + kafkaTopic),
                ++packetId,
                Properties.NONE,
                new byte[1]);
        client.forward(publish, 0, null);
    }

    /** As the drain does when it finds nothing. */
    private void openStripes() {
        for (var stripe : rig.spool.stripes()) {
            stripe.close(Set.of());
            stripe.open();
            assertThat(stripe.isDirect()).isTrue();
        }
    }

    private void commit() {
        rig.spool.writes.forEach(write -> write.done().accept(Outcome.COMMITTED));
    }

    private List<SpoolRow> spooled() {
        return rig.spool.writes.stream()
                .map(JournalWrite.Spool::rows)
                .flatMap(List::stream)
                .toList();
    }

    @Test
    void whatTheProducerHoldsForItIsSpooledAndAnswered() {
        publish(AWAY);
        rig.producer.crowded.add(AWAY);
        publish(AWAY);
        rig.spool.setTopicsAway(Set.of(AWAY));
        assertThat(rig.producer.sent).hasSize(1);
        assertThat(spooled()).extracting(SpoolRow::kafkaTopic).containsExactly(AWAY, AWAY);
        assertThat(spooled()).extracting(SpoolRow::isHeld).containsExactly(true, false);
        commit();
        assertThat(answered).hasSize(2).noneMatch(Forwarding::failedForNow);
    }

    @Test
    void whatTheProducerHoldsForItIsSpooledAlsoWhenNothingWaitsBehindIt() {
        publish(AWAY);
        rig.spool.setTopicsAway(Set.of(AWAY));
        assertThat(spooled()).singleElement().matches(SpoolRow::isHeld);
    }

    /** Also once there was nothing left in the spool, so that new records went to Kafka again. */
    @Test
    void newRecordsGoToTheSpoolUntilItIsBack() {
        rig.spool.setTopicsAway(Set.of(AWAY));
        openStripes();
        publish(AWAY);
        assertThat(rig.producer.sent).isEmpty();
        assertThat(spooled()).hasSize(1);
        commit();
        rig.spool.setTopicsAway(Set.of());
        openStripes();
        publish(AWAY);
        assertThat(rig.producer.sent).hasSize(1);
    }

    @Test
    void nothingIsSpooledForATopicThatMoves() {
        publish("well");
        rig.spool.setTopicsAway(Set.of(AWAY));
        assertThat(spooled()).isEmpty();
        rig.producer.answer();
        assertThat(answered).hasSize(1);
    }
}
