package dev.sluice.uplink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.spool.SpoolRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a connection hands over and what waits, with the topic {@code k/<key>} for each key. */
class ClientUplinkTest {
    private static final String DIRECT = "a";
    private static final String SPOOLING = keyOfAnotherStripe();

    private final UplinkRig rig = new UplinkRig(Map.of(
            "routes.keys.filter", "k/{key}",
            "routes.keys.kafka-topic", "t",
            "routes.keys.key", "{key}",
            "bytes-in-flight-per-connection", "1000000",
            "bytes-in-flight", "1"));
    private final List<Forwarding> answered = new ArrayList<>();
    private final ClientUplink client = rig.uplink.open("client", null, 1, true, Runnable::run, answered::add);
    private int packetId;

    private static String keyOfAnotherStripe() {
        var key = "b";
        while (stripe(key) == stripe(DIRECT)) key += "b";
        return key;
    }

    private static int stripe(String key) {
        return SpoolRecord.stripe(key.getBytes(UTF_8));
    }

    private void publish(String key) {
        client.forward(
                new Packet.Publish(
                        false,
                        QoS.AT_LEAST_ONCE,
                        false,
                        TopicName.of("k/" + key),
                        ++packetId,
                        Properties.NONE,
                        new byte[10]),
                0,
                null);
    }

    /** What waits for Kafka keeps to its bounds, whatever other stripes do. */
    @Test
    void onlyWhatTheSpoolGetsPassesTheBoundsOfKafka() {
        rig.spool.stripe(SPOOLING.getBytes(UTF_8)).spool();
        publish(DIRECT);
        publish(DIRECT);
        client.retry();
        assertThat(rig.producer.sent).as("one is the bound").hasSize(1);
        rig.producer.answer();
        client.retry();
        assertThat(rig.producer.sent).hasSize(2);

        publish(SPOOLING);
        client.retry();
        assertThat(rig.spool.writes).flatMap(JournalWrite.Spool::rows).hasSize(2);
    }

    /** It is offered again when the spool says so, and no record is made before that. */
    @Test
    void whatTheSpoolHasNoRoomForWaits() {
        rig.spool.stripe(SPOOLING.getBytes(UTF_8)).spool();
        rig.spool.room = false;
        publish(SPOOLING);
        for (int i = 0; i < 10; i++) client.retry();
        assertThat(rig.spool.writes).isEmpty();
        rig.spool.room = true;
        rig.spool.retryWaiting();
        assertThat(rig.spool.writes).hasSize(1);
    }

    /** The client's next connection may be publishing already. */
    @Test
    void nothingIsHandedOverOnceItIsClosed() {
        publish(DIRECT);
        publish(DIRECT);
        client.close();
        client.close();
        assertThat(answered).singleElement().matches(Forwarding::failedForNow);
        rig.producer.answer();
        client.retry();
        assertThat(rig.producer.sent).hasSize(1);
        assertThat(client.isWaiting()).isFalse();

        rig.spool.room = false;
        rig.spool.beginOutage();
        rig.spool.retryWaiting();
        assertThat(rig.spool.rowsMade).isZero();
    }

    @Test
    void aFullSpoolIsAskedBeforeRowsAreMade() {
        publish(DIRECT);
        rig.spool.room = false;
        rig.spool.beginOutage();
        for (int i = 0; i < 10; i++) rig.spool.retryWaiting();
        assertThat(rig.spool.rowsMade).isZero();
        rig.spool.room = true;
        rig.spool.retryWaiting();
        assertThat(rig.spool.rowsMade).isEqualTo(1);
        assertThat(rig.spool.writes).hasSize(1);
    }
}
