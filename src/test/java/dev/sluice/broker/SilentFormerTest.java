package dev.sluice.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.support.Stopwatch;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A client with a will comes from another gateway, which may be silent: two brokers in one JVM, on one PostgreSQL. */
@Tag("postgres")
class SilentFormerTest {
    private static final EmbeddedServer SERVER = EmbeddedServer.shared();

    private TwoBrokers both;
    private BrokerRig here;
    private BrokerRig there;

    private void start(Duration openTimeout) {
        both = new TwoBrokers(SERVER, Map.of("sluice.store.open-timeout", openTimeout.toString()));
        here = both.here;
        there = both.there;
        both.store.sessions.others(() -> List.of("there"));
    }

    @AfterEach
    void stop() {
        here.broker.stop(null);
        both.close();
    }

    private void connectThere(String clientId) {
        var will = new Will(TopicName.of("w"), QoS.AT_LEAST_ONCE, false, Properties.NONE, new byte[0]);
        there.begin(clientId, true, will).next(Packet.ConnAck.class);
    }

    private ReasonCode connectHere(String clientId) {
        return here.begin(clientId, true, null).next(Packet.ConnAck.class).reason();
    }

    /** Nobody publishes it before that is seen. */
    @Test
    void aWillFallsDueAtOnceIfTheFormerGatewayHasAnswered() throws Exception {
        start(Duration.ofSeconds(60));
        var clients = new ArrayList<BrokerRig.Client>();
        Stopwatch.inTime(() -> {
            var clientId = "c" + clients.size();
            connectThere(clientId);
            clients.add(here.begin(clientId, true, null));
            await().atMost(Duration.ofSeconds(20)).until(() -> isDueAtOnce(clientId));
        });
        here.broker.start(null);
        assertThat(clients.getLast().next(Packet.ConnAck.class).reason()).isEqualTo(ReasonCode.SUCCESS);
    }

    private static boolean isDueAtOnce(String clientId) {
        return SERVER.value(
                        "SELECT count(*) FROM will w JOIN session s USING (client_id) WHERE w.due_at < s.connected_at + interval '2 s' AND client_id = '"
                                + clientId + "'")
                .equals("1");
    }

    /** It may have read a DISCONNECT that it has not written yet. */
    @Test
    void aSilentGatewayHasTwoSecondsToWithdrawIt() {
        start(Duration.ofSeconds(20));
        here.broker.start(null);
        connectThere("c");
        there.relay.ignore();
        var watch = Stopwatch.start();
        assertThat(connectHere("c")).isEqualTo(ReasonCode.SUCCESS);
        watch.assertBetween(Duration.ofSeconds(2), Duration.ofSeconds(15));
    }

    /** One at least, on a machine that is busy: else the time is over before the will falls due. */
    @Test
    void aConnectIsAnsweredInTimeAlsoWhereThatIsShorter() {
        start(Duration.ofSeconds(2));
        here.broker.start(null);
        var clients = new AtomicInteger();
        await().until(() -> {
            var clientId = "c" + clients.incrementAndGet();
            there.relay.listen();
            connectThere(clientId);
            there.relay.ignore();
            return connectHere(clientId) == ReasonCode.SUCCESS;
        });
    }
}
