package dev.sluice.broker.routing;

import static dev.sluice.store.Messages.message;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage.Member;
import dev.sluice.cluster.RelayMessage.Members;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.packet.QoS;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.journal.Copy;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What an ended session has left is on its way to a member at another gateway. */
@Tag("postgres")
class SharedRedeliveryTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();
    private static final String SHARE = "$share/g/t";
    private static final int COUNT = 5;

    private final Router router = new Router();
    private final Deliveries deliveries = new Deliveries(1000);
    /** To be told whether Kafka has the letter. */
    private final List<Consumer<Boolean>> letters = new ArrayList<>();

    private StoreRig rig;

    @BeforeEach
    void leave() {
        SERVER.empty();
        rig = new StoreRig(SERVER, StoreRig.Settings.ONE_LANE);
        rig.redelivery = new SharedRedelivery(router, rig.journal, deliveries, Duration.ZERO)::give;
        deliveries.otherGateways((_, then) -> letters.add(then));
        new RemoteMembers(router, _ -> true)
                .changed(new Gateway("there", 1, 2), new Members(List.of(new Member("member", 1, SHARE, Reach.ALL))));
        rig.open("ended", true, 3600);
        var copy = new Copy("ended", Copy.ANY_SESSION, QoS.AT_LEAST_ONCE, false, List.of(), SHARE);
        for (int i = 0; i < COUNT; i++)
            rig.accept("p", message("t", "m" + i), copy).join();
        SERVER.execute("DELETE FROM session");
    }

    @AfterEach
    void stop() {
        rig.close();
    }

    private void sweepThreeTimes() throws SQLException {
        for (int i = 0; i < 3; i++) rig.sweep.sweepEnded();
    }

    private void answer(boolean has) {
        List.copyOf(letters).forEach(then -> then.accept(has));
        letters.clear();
    }

    private static String queued() {
        return SERVER.value("SELECT count(*) FROM queued");
    }

    @Test
    void whatWaitsForKafkaIsNotGivenAgain() throws Exception {
        sweepThreeTimes();
        assertThat(letters).hasSize(COUNT);
        assertThat(queued()).isEqualTo("" + COUNT);

        answer(true);
        sweepThreeTimes();
        assertThat(letters).isEmpty();
        assertThat(queued()).isEqualTo("0");
    }

    @Test
    void whatKafkaDoesNotTakeIsGivenAgain() throws Exception {
        sweepThreeTimes();
        answer(false);
        sweepThreeTimes();
        assertThat(letters).hasSize(COUNT);
        assertThat(queued()).isEqualTo("" + COUNT);
    }
}
