package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.EmbeddedPostgresServer;
import dev.sluice.dev.GatewayProcess;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.support.Gateway;
import dev.sluice.support.WireClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Two gateways that keep rules, and let in who has a password, on a database of their own; the first ends who loses a right, the second does not. */
final class RuledGateways implements AutoCloseable {
    static final String RULES = "/admin/access/rules";
    static final String FILE = """
            rules:
              ann: {subject: "user:ann", effect: allow, actions: [publish, subscribe], filter: "#"}
              bob: {subject: "user:bob", effect: allow, actions: [publish, subscribe], filter: "#"}
              own: {subject: all, effect: allow, actions: [publish, subscribe], filter: "talk/{clientId}/#"}
              shout: {subject: all, effect: allow, actions: [publish, subscribe], filter: "talk/all/#"}
              slow: {subject: all, effect: allow, actions: [publish, subscribe], filter: "talk/slow", qos: 0}
              plain: {subject: all, effect: allow, actions: publish, filter: "talk/plain", retain: false}
              secret: {subject: all, effect: deny, actions: receive, filter: "talk/all/secret/#", priority: 10}
              closed: {subject: all, effect: deny, actions: subscribe, filter: "talk/all/closed/#", priority: 10}
            """;

    /** Of whom no rule tells. */
    private static final String USER = "somebody";

    private static final String PASSWORD = "secret";

    private final List<GatewayProcess> gateways = new ArrayList<>();
    private final List<Integer> ports = new ArrayList<>();
    private final String database;
    private final Path file;

    RuledGateways(Path folder) {
        file = folder.resolve("rules.yaml");
        write(FILE);
        var own = Gateway.shared().databaseOfItsOwn();
        database = own.substring(own.indexOf('=') + 1);
        for (var onLostRight : List.of("disconnect", "unsubscribe"))
            gateways.add(Gateway.shared()
                    .startAnother(
                            ports::add,
                            own,
                            "-Dsluice.access.methods=password,scram",
                            "-Dsluice.access.password.argon2-memory-kib=1024",
                            "-Dsluice.access.password.free-failures=1000",
                            "-Dsluice.access.authorization=rules",
                            "-Dsluice.access.rules-file=" + file,
                            "-Dsluice.access.on-lost-right=" + onLostRight));
    }

    @Override
    public void close() {
        gateways.forEach(GatewayProcess::close);
    }

    void write(String rules) {
        try {
            Files.writeString(file, rules);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<Integer> ports() {
        return ports;
    }

    Admin admin() {
        return new Admin(ports.getFirst());
    }

    void allow(String name, String filter) {
        var rule = "{'subject':'all','effect':'allow','actions':['publish','subscribe'],'filter':'" + filter + "'}";
        assertThat(admin().put(RULES + "/" + name, rule).status()).isIn(200, 201);
    }

    void delete(String name) {
        assertThat(admin().delete(RULES + "/" + name).status()).isEqualTo(200);
    }

    /** Lets in those who are {@link #named}. */
    void letIn() {
        var user = "{'username': '" + USER + "', 'password': '" + PASSWORD + "'}";
        assertThat(admin().post("/admin/credentials", user).status()).isIn(201, 409);
    }

    /** The same with a user name that is let in. */
    static Packet.Connect named(Packet.Connect connect) {
        return new Packet.Connect(
                connect.version(),
                connect.cleanStart(),
                connect.keepAlive(),
                connect.clientId(),
                connect.will(),
                USER,
                PASSWORD.getBytes(StandardCharsets.UTF_8),
                connect.properties());
    }

    WireClient open(int gateway, ProtocolVersion version, Packet.Connect connect) {
        var client = WireClient.open(ports.get(gateway), version);
        Device.connected(client, named(connect));
        return client;
    }

    WireClient online(ProtocolVersion version, String clientId) {
        return open(0, version, Device.connect(version, clientId, true, Properties.NONE));
    }

    WireClient durable(int gateway, String clientId, boolean clean) {
        return open(
                gateway, ProtocolVersion.V5, Device.connect(ProtocolVersion.V5, clientId, clean, Device.expiry(3600)));
    }

    static ReasonCode publish(WireClient client, QoS qos, String topic) {
        client.sendPackets(Device.publish(qos, 7, topic, "m"));
        if (qos == QoS.AT_LEAST_ONCE) return client.receive(Packet.PubAck.class).reason();
        var answer = client.receive(Packet.PubRec.class).reason();
        if (answer.isError()) return answer;
        client.sendPackets(new Packet.PubRel(7));
        client.receive(Packet.PubComp.class);
        return answer;
    }

    /** The next message, whatever acknowledgements come before it. */
    static Packet.Publish message(WireClient client) {
        while (true) if (client.receive() instanceof Packet.Publish message) return message;
    }

    static ReasonCode subscribe(WireClient client, String filter, QoS qos) {
        var entry = new Subscription(filter, qos, false, false, 0);
        client.sendPackets(new Packet.Subscribe(9, List.of(entry), Properties.NONE));
        return client.receive(Packet.SubAck.class).reasons().getFirst();
    }

    void execute(String sql) {
        try (var connection = DriverManager.getConnection(database, EmbeddedPostgresServer.USER, "");
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    String value(String sql) {
        try (var connection = DriverManager.getConnection(database, EmbeddedPostgresServer.USER, "");
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
