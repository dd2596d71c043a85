package dev.sluice.store.delivery;

import static dev.sluice.store.Messages.copy;
import static dev.sluice.store.Messages.message;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.Messages;
import dev.sluice.store.StoreRig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("postgres")
class QueueWeightTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private StoreRig rig;

    @BeforeEach
    void start() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    /** As it was stored before properties counted: 209,000 of five bytes, which become 27 MB on the heap. */
    private static String heavyProperties() {
        return "decode('FAFF3F' || repeat('2600000000', 209714), 'hex')";
    }

    /** Else a page of 256 such rows ends the gateway with each resume. */
    @Test
    void rowsOfEarlierVersionsAreReadByWhatTheyWeigh() {
        rig.open("a", false, 60);
        for (int i = 0; i < 3; i++)
            rig.accept("p", message("t", "" + i), copy("a")).join();
        SERVER.execute("UPDATE queued SET properties = " + heavyProperties() + " WHERE seq <= 2");

        var first = rig.queues.page("a", 0, 10, 256 * 1024);
        assertThat(first.rows()).hasSize(1);
        assertThat(first.more()).isTrue();
        assertThat(first.rows().getFirst().message().properties().excess().bound())
                .isEqualTo("property-bytes-maximum");
        assertThat(rig.queues.page("a", 1, 10, 256 * 1024).rows()).hasSize(1);
        var last = rig.queues.page("a", 2, 10, 256 * 1024);
        assertThat(last.rows()).extracting(row -> Messages.text(row.message())).containsExactly("2");
        assertThat(last.rows().getFirst().message().properties().excess()).isNull();
        assertThat(rig.meters
                        .get("sluice.store.above.bounds")
                        .tag("what", "message")
                        .counter()
                        .count())
                .isEqualTo(2);
    }

    @Test
    void propertiesCountInTheBoundOfAQueue() {
        rig.open("a", false, 60);
        var properties = Properties.NONE;
        for (int i = 0; i < 60; i++) properties = properties.withUserProperty("", "");
        var plain = message("t", "x");
        var heavy = new Message(plain.topicName(), plain.qos(), false, properties, plain.payload(), Message.NEVER);
        rig.accept("p", heavy, copy("a")).join();
        assertThat(SERVER.value("SELECT bytes FROM v_queue_depth")).isEqualTo("" + heavy.bytes());
        assertThat(heavy.bytes()).isGreaterThan(60 * 76);
        for (int i = 0; i < 50; i++) rig.accept("p", heavy, copy("a")).join();
        assertThat(rig.queues.page("a", 0, 100, 10L * heavy.bytes()).rows()).hasSize(10);
    }
}
