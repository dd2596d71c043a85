package dev.sluice.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.support.Inbox;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Clients with a Will, and the ways in which they end; used by the test's thread. */
final class Mortals implements AutoCloseable {
    private static final byte[] LAST_WORDS = "1 0 ".getBytes(StandardCharsets.US_ASCII);

    private final Deployment servers;
    private final List<WireClient> clients = new ArrayList<>();
    private final List<String> dead = new ArrayList<>();
    private final List<String> gone = new ArrayList<>();

    Mortals(Deployment servers) {
        this.servers = servers;
    }

    private static String topic(String clientId) {
        return "fleet/" + clientId + "/telemetry";
    }

    /** Connects a client: MQTT 3.1.1, or MQTT 5 with a Will Delay Interval of a second. */
    private WireClient connect(String clientId, boolean delayed, int port) {
        var version = delayed ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1;
        var session = Properties.NONE;
        var delay = Properties.NONE;
        if (delayed) {
            session = session.with(Property.SESSION_EXPIRY_INTERVAL, 60);
            delay = delay.with(Property.WILL_DELAY_INTERVAL, 1);
        }
        var will = new Will(TopicName.of(topic(clientId)), QoS.AT_LEAST_ONCE, false, delay, LAST_WORDS);
        var client = WireClient.open(port, version);
        clients.add(client);
        var answer = client.connect(new Packet.Connect(version, true, 0, clientId, will, null, null, session))
                .receive(Packet.ConnAck.class);
        assertThat(answer.reason()).isEqualTo(ReasonCode.SUCCESS);
        return client;
    }

    /** One whose socket ends without a word. */
    void cut(int number) {
        var clientId = "will-cut-" + number;
        connect(clientId, number % 2 == 0, servers.port()).close();
        dead.add(clientId);
    }

    /** One that is online when the gateway is killed next. */
    void hold(int number) {
        hold(number, servers.port());
    }

    /** The same at the gateway with this port. */
    void hold(int number, int port) {
        var clientId = "will-held-" + number;
        connect(clientId, number % 2 == 0, port);
        dead.add(clientId);
    }

    /** One that leaves with DISCONNECT; returns when PostgreSQL knows. */
    void leave(int number) {
        var clientId = "will-left-" + number;
        var delayed = number % 2 == 0;
        connect(clientId, delayed, servers.port())
                .sendPackets(new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE));
        await("the end of a connection").until(() -> !servers.query(
                        "SELECT count(*) FROM v_session WHERE connected AND client_id = ?", clientId)
                .equals("1"));
        gone.add(clientId);
    }

    /** Waits for the Wills of all that are dead; those that took their leave have none. */
    void assertWills(Inbox inbox) {
        await("wills").untilAsserted(() -> assertThat(dead).allMatch(clientId -> inbox.distinct(topic(clientId)) == 1));
        assertThat(gone).noneMatch(clientId -> inbox.distinct(topic(clientId)) > 0);
    }

    @Override
    public void close() {
        clients.forEach(WireClient::close);
    }
}
