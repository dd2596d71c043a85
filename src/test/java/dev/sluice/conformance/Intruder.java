package dev.sluice.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.ongres.scram.client.ScramClient;
import com.ongres.scram.common.exception.ScramException;
import dev.sluice.dev.CertificateAuthority;
import dev.sluice.dev.CertificateAuthority.Certified;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.packet.Will;
import dev.sluice.support.WireClient;
import dev.sluice.topic.TopicName;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Performs the lines of an attack that are about who a client is and what it may do; {@code access.txt} explains them. Each intruder comes from
 * an address of its own. Used by one thread.
 */
final class Intruder implements AutoCloseable {
    private static final Pattern OPTION = Pattern.compile("([\\w-]+)(?:=('[^']*'|\\S*))?");
    private static final AtomicInteger ADDRESSES = new AtomicInteger();

    private final GuardedGateway gateway;
    private final String clientId;
    private final String address = newAddress();
    private final List<WireClient> guessing = new ArrayList<>();
    private Certified certificate;
    private ScramClient scram;
    private String mechanism;
    /** What SCRAM's first message was, and the last proof. */
    private String first;

    private String proof;

    Intruder(GuardedGateway gateway, String clientId) {
        this.gateway = gateway;
        this.clientId = clientId;
    }

    /** One of this machine's that nobody has had yet. */
    static String newAddress() {
        var number = ADDRESSES.incrementAndGet();
        return "127.2." + number / 250 + "." + (number % 250 + 1);
    }

    private static Map<String, String> options(String text) {
        var options = new HashMap<String, String>();
        OPTION.matcher(text)
                .results()
                .forEach(it -> options.put(
                        it.group(1), it.group(2) == null ? "" : it.group(2).replaceAll("^'|'$", "")));
        return options;
    }

    /** Sends CONNECT on a WebSocket of its own; null if it gets none. */
    WireClient connect(ProtocolVersion version, String text) {
        var options = options(text.substring(text.indexOf(' ') + 1));
        try {
            var client = open(version, options, options.getOrDefault("from", address));
            return client.connect(connect(version, options));
        } catch (UncheckedIOException | AssertionError _) {
            return null;
        }
    }

    private WireClient open(ProtocolVersion version, Map<String, String> options, String from) {
        var headers = headers(options);
        if (!options.containsKey("tls")) return WireClient.from(from, gateway.port(), version, null, headers);
        certificate = gateway.certificate(options.get("tls"), options.getOrDefault("name", clientId));
        return WireClient.from(from, gateway.tlsPort(), version, gateway.tls(certificate), headers);
    }

    private String[] headers(Map<String, String> options) {
        var headers = new ArrayList<String>();
        if (options.containsKey("header")) headers.add(options.get("header"));
        if (options.containsKey("handed")) {
            var pem = CertificateAuthority.pemOf(
                    gateway.certificate(options.get("handed"), clientId).certificate());
            headers.add("X-SSL-Cert: " + URLEncoder.encode(pem, UTF_8).replace("+", "%20"));
        }
        return headers.toArray(String[]::new);
    }

    private Packet.Connect connect(ProtocolVersion version, Map<String, String> options) {
        var keep = options.containsKey("keep");
        var properties = keep && version.isV5() ? Device.expiry(600) : Properties.NONE;
        if (options.containsKey("scram")) properties = scram(options);
        if (options.containsKey("method")) properties = auth(options.get("method"), options.get("data"));
        var will = options.get("will");
        var password = options.get("password");
        return new Packet.Connect(
                version,
                !keep,
                60,
                options.getOrDefault("id", clientId),
                will == null ? null : will(will, options.containsKey("retain")),
                options.get("user"),
                password == null ? null : password.getBytes(UTF_8),
                properties);
    }

    private static Will will(String topic, boolean retain) {
        return new Will(TopicName.of(topic), QoS.AT_LEAST_ONCE, retain, Properties.NONE, "gone".getBytes(UTF_8));
    }

    private static Properties auth(String method, String data) {
        var named = Properties.NONE.with(Property.AUTHENTICATION_METHOD, method);
        return data == null ? named : named.with(Property.AUTHENTICATION_DATA, data.getBytes(UTF_8));
    }

    /** SCRAM's first message: a new one, or the one before. */
    private Properties scram(Map<String, String> options) {
        if (options.containsKey("replay")) return auth(mechanism, first);
        mechanism = options.get("scram");
        scram = ScramClient.builder()
                .advertisedMechanisms(List.of(mechanism))
                .username(options.get("as"))
                .password(options.get("knows").toCharArray())
                .build();
        first = scram.clientFirstMessage().toString();
        return auth(mechanism, options.getOrDefault("first", first));
    }

    /** Any line but {@code connect}. */
    void perform(String what, String rest, WireClient client) {
        var words = rest.split(" ");
        switch (what) {
            case "publish" -> publish(words, client);
            case "subscribe" -> {
                var qos = QoS.values()[Integer.parseInt(words[0])];
                var asked = new Subscription(words[1], qos, false, false, 0);
                client.sendPackets(new Packet.Subscribe(9, List.of(asked), Properties.NONE));
            }
            case "auth" ->
                client.sendPackets(new Packet.Auth(
                        ReasonCode.valueOf(words[0]), auth(words[1], words.length > 2 ? words[2] : null)));
            case "scram-again" -> client.sendPackets(new Packet.Auth(ReasonCode.RE_AUTHENTICATE, scram(options(rest))));
            case "scram-final" -> prove(rest, client);
            case "admin" -> administer(rest.split(" ", 3));
            case "guess" -> guess(Integer.parseInt(words[0]), words[1]);
            case "revoke" -> gateway.revoke(certificate);
            default -> throw new IllegalArgumentException("no such line");
        }
    }

    private static void publish(String[] words, WireClient client) {
        var qos = QoS.values()[Integer.parseInt(words[0])];
        var packetId = qos == QoS.AT_MOST_ONCE ? 0 : 7;
        var retain = words.length > 2;
        var payload = "m".getBytes(UTF_8);
        client.sendPackets(
                new Packet.Publish(false, qos, retain, TopicName.of(words[1]), packetId, Properties.NONE, payload));
    }

    private void administer(String[] words) {
        var body = words.length > 2 ? words[2] : "{}";
        var answer =
                switch (words[0]) {
                    case "POST" -> gateway.admin().post(words[1], body);
                    case "PUT" -> gateway.admin().put(words[1], body);
                    case "DELETE" -> gateway.admin().delete(words[1]);
                    default -> throw new IllegalArgumentException("no such method");
                };
        assertThat(answer.status()).as(answer.body().toString()).isBetween(200, 299);
    }

    /** Answers the gateway's challenge, in the right way or in one of many wrong ones. */
    private void prove(String how, WireClient client) {
        var challenge =
                new String(client.receive(Packet.Auth.class).properties().binary(Property.AUTHENTICATION_DATA), UTF_8);
        var replayed = proof;
        var made = answer(challenge);
        var sent =
                switch (how) {
                    case "right" -> made;
                    case "replayed" -> replayed;
                    case "truncated" -> made.substring(0, made.length() - 10);
                    case "without-proof" -> made.substring(0, made.indexOf(",p="));
                    case "empty" -> "";
                    case "reflected" -> challenge;
                    case "own-nonce" -> made.replaceFirst("r=[^,]+", Matcher.quoteReplacement(ownNonce()));
                    case "longer-nonce" -> made.replaceFirst("r=[^,]+", "$0x");
                    case "bound" -> made.replaceFirst("c=[^,]+", "c=eSws");
                    case "zero-proof" -> made.replaceFirst("p=.*", "p=" + "A".repeat(43) + "=");
                    case "huge" -> made + "A".repeat(50_000);
                    default -> throw new IllegalArgumentException("no such proof");
                };
        client.sendPackets(new Packet.Auth(ReasonCode.CONTINUE_AUTHENTICATION, auth(mechanism, sent)));
    }

    private String ownNonce() {
        return first.substring(first.indexOf("r="));
    }

    private String answer(String challenge) {
        try {
            scram.serverFirstMessage(challenge);
            proof = scram.clientFinalMessage().toString();
            return proof;
        } catch (ScramException | IllegalStateException _) {
            return proof; // the same client a second time: what it had is what it can repeat
        }
    }

    /** Wrong passwords of one user, each from another address. */
    private void guess(int times, String user) {
        for (int i = 0; i < times; i++) {
            var client = WireClient.from(newAddress(), gateway.port(), ProtocolVersion.V5, null);
            guessing.add(client);
            client.connect(connect(
                    ProtocolVersion.V5, Map.of("id", Device.id("guess"), "user", user, "password", "guess-" + i)));
        }
    }

    @Override
    public void close() {
        guessing.forEach(WireClient::close);
    }
}
